"""Saved queries and the history."""

from __future__ import annotations

import pytest

from dtk_tui.errors import UsageError
from dtk_tui.services.library.queries import saved_queries
from dtk_tui.store.database import Database
from dtk_tui.store.search import saved_queries as store


def test_queries_are_kept_under_names(db: Database) -> None:
    saved_queries.save(db, "Night", "about: night rating:>=4")
    saved_queries.save(db, " best \x00 ", "rating:5")
    with db.connection() as conn:
        conn.execute("INSERT INTO saved_query (name, original, problem) VALUES ('old', '{}', 'It is not text.')")
    assert [(one.name, one.line, one.problem) for one in saved_queries.saved(db)] == [
        ("best \x00", "rating:5", None),
        ("Night", "about: night rating:>=4", None),
        ("old", None, "It is not text."),
    ]
    saved_queries.pin(db, "old")
    assert [one.name for one in saved_queries.saved(db)] == ["old", "best \x00", "Night"]
    saved_queries.pin(db, "old", pinned=False)
    saved_queries.save(db, "old", "castle", replace=True)
    assert [(one.line, one.problem) for one in saved_queries.saved(db)][-1] == ("castle", None)
    saved_queries.delete(db, "best \x00")
    assert [one.name for one in saved_queries.saved(db)] == ["Night", "old"]


def test_what_cannot_be_kept_is_refused(db: Database) -> None:
    saved_queries.save(db, "Night", "castle")
    for name, line, said in (
        ("Night", "fox", "already"),
        ("", "fox", "1 to 200"),
        ("x" * 201, "fox", "1 to 200"),
        ("empty", "  ", "no query"),
        ("wrong", "steps:many", "column 7"),
    ):
        with pytest.raises(UsageError, match=said):
            saved_queries.save(db, name, line)
    for change in (saved_queries.delete, saved_queries.pin):
        with pytest.raises(UsageError, match="no saved query 'none'"):
            change(db, "none")


def test_the_history_keeps_each_query_once_and_the_newest(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "KEPT", 3)
    for line in ("a", "b", "a", "x" * 10_000, "\ud800", "b"):
        saved_queries.note_asked(db, line)
    assert saved_queries.asked(db) == ["x" * 10_000, "\ud800", "b"]

"""The NSFW rule: what it flags, what it takes back, and what it leaves to people."""

from __future__ import annotations

import pytest

from dtk_tui.domain.thresholds import FlagChange
from dtk_tui.services.library.nsfw_rule import apply_rule
from dtk_tui.store.database import Database
from dtk_tui.store.library.tagging import nsfw
from tests.helpers.tag_scores import add_images, give_scores

RULE = (("Explicit", 0.4),)


@pytest.fixture
def tagged(db: Database) -> Database:
    with db.connection() as conn:
        add_images(conn, 5)
    give_scores(db)
    return db


def _flagged(db: Database) -> list[int]:
    with db.connection() as conn:
        return [number for (number,) in conn.execute("SELECT id FROM image WHERE nsfw ORDER BY id")]


def test_it_flags_by_raw_scores_and_takes_its_flags_back(tagged: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nsfw, "SOME", 2)
    told: list[tuple[int, int]] = []
    assert apply_rule(tagged, RULE, dry_run=True) == FlagChange(2, 0)
    assert _flagged(tagged) == [], "a dry run changes nothing"
    assert apply_rule(tagged, RULE, lambda done, total: told.append((done, total))) == FlagChange(2, 0)
    assert told == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert _flagged(tagged) == [2, 3], "0.4 is from 0.4 on, whichever rating is the best"
    assert apply_rule(tagged, RULE) == FlagChange()
    assert apply_rule(tagged, (("explicit", 0.5), ("no such tag", 0.1))) == FlagChange(0, 1)
    assert _flagged(tagged) == [2]
    assert apply_rule(tagged, ()) == FlagChange(0, 1), "without a rule its flags go"
    assert _flagged(tagged) == []


def test_what_a_person_decided_stays(tagged: Database) -> None:
    apply_rule(tagged, RULE)
    with tagged.connection() as conn:
        conn.execute("UPDATE image SET nsfw = false, nsfw_by_hand = true WHERE id = 2")
        conn.execute("UPDATE image SET nsfw = true, nsfw_by_hand = true WHERE id IN (1, 3)")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, nsfw)"
            " VALUES (1, 'imported', 1, 1, now(), true)"
        )
    assert apply_rule(tagged, RULE) == FlagChange()
    assert _flagged(tagged) == [1, 3, 6]
    assert apply_rule(tagged, ()) == FlagChange()
    with tagged.connection() as conn:
        conn.execute("UPDATE image SET nsfw_by_hand = false WHERE id = 3")  # what a person said of it is undone
    assert apply_rule(tagged, ()) == FlagChange(0, 1)
    assert _flagged(tagged) == [1, 6]

"""Ratings and flags by hand: one edit in the journal, undone and done again in any order, all of it or nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtk_tui.config import Config, load
from dtk_tui.domain.organise import EditDone, Mark, MarkEdit
from dtk_tui.errors import DtkError
from dtk_tui.services.library import journal
from dtk_tui.services.library.edits import EditStoppedError
from dtk_tui.services.library.organise import bulk, marks
from dtk_tui.services.library.search import find
from dtk_tui.store.database import Database
from dtk_tui.store.library import images
from tests.helpers.processes import children_of, wait_for_end
from tests.helpers.search_library import Library


@pytest.fixture
def ids(db: Database) -> list[int]:
    """Seven images; the second is rated 5 and a favourite, the third was said to be NSFW by no person."""
    with db.connection() as conn:
        library = Library(conn)
        columns: dict[int, dict[str, object]] = {1: {"rating": 5, "favorite": True}, 2: {"nsfw": True}}
        return [library.image(f"{n}.png", f"prompt {n}", **columns.get(n, {})) for n in range(7)]


def ratings(db: Database) -> list[int | None]:
    with db.connection() as conn:
        return [row[0] for row in conn.execute("SELECT rating FROM image ORDER BY id")]


def rate(db: Database, ids: list[int], rating: int | None) -> int:
    number = marks.apply(db, ids, MarkEdit(Mark.RATING, rating)).journal
    assert number is not None
    return number


def test_an_edit_of_many_is_one_in_the_journal(
    db: Database, config: Config, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SOME", 3)
    told: list[tuple[int, int]] = []
    before = ratings(db)
    edit = MarkEdit(Mark.RATING, 5)
    assert marks.count(db, ids, edit) == 6
    done = marks.apply(db, [*reversed(ids), ids[0]], edit, lambda *news: told.append(news))
    assert (done.changed, ratings(db), told) == (6, [5] * 7, [(0, 7), (3, 7), (6, 7), (7, 7)])
    assert len(find(db, config, "rating:5").ids) == 7
    assert [(one.kind, one.title, one.changed) for one in journal.last_edits(db, 9)] == [("rating", "Rating 5", 6)]
    assert marks.apply(db, ids, edit) == EditDone(0, None)
    assert len(journal.last_edits(db, 9)) == 1, "what changes nothing is no edit"
    undone = journal.undo(db, done.journal or 0, lambda *news: told.append(news))
    assert (undone.restored, undone.left, told[-1], ratings(db)) == (6, (), (6, 6), before)
    assert journal.redo(db, done.journal or 0).restored == 6
    assert ratings(db) == [5] * 7
    with pytest.raises(DtkError, match="is not undone"):
        journal.redo(db, done.journal or 0)
    with pytest.raises(ValueError, match="0 to 10"):
        MarkEdit(Mark.RATING, 11)


def test_flags_and_who_set_them(db: Database, ids: list[int]) -> None:
    def flags() -> list[tuple[bool, bool, bool, bool]]:
        with db.connection() as conn:
            sql = "SELECT favorite, nsfw, for_deletion, nsfw_by_hand FROM image WHERE id = ANY (%s) ORDER BY id"
            return conn.execute(sql, (ids[1:4],)).fetchall()  # type: ignore[return-value]

    before = flags()
    assert marks.all_have(db, ids[1:2], Mark.FAVORITE) and not marks.all_have(db, ids[1:3], Mark.FAVORITE)
    marks.apply(db, ids[1:4], MarkEdit(Mark.FAVORITE, 1))
    marks.apply(db, ids[1:4], MarkEdit(Mark.FOR_DELETION, 1))
    said = marks.apply(db, ids[1:4], MarkEdit(Mark.NSFW, 1))
    assert said.changed == 3, "that a person says it, too, is an edit"
    assert flags() == [(True, True, True, True)] * 3
    marks.apply(db, ids[2:3], MarkEdit(Mark.NSFW, 0))
    assert flags()[1] == (True, False, True, True)
    for edit in journal.last_edits(db, 9):
        journal.undo(db, edit.id)
    assert flags() == before


def test_what_was_edited_again_is_left_alone_and_named(db: Database, ids: list[int]) -> None:
    first = rate(db, ids[2:5], 3)
    again, back = rate(db, ids[2:3], 4), rate(db, ids[2:3], 3)
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = 9 WHERE id = %s", (ids[3],))
    undone = journal.undo(db, first)
    assert undone.restored == 1
    assert undone.left == ((ids[2], "/pictures/out/2.png"), (ids[3], "/pictures/out/3.png"))
    assert ratings(db)[2:5] == [3, 9, None], "what a later edit set to the same value is that edit's"
    journal.undo(db, again)
    assert ratings(db)[2] == 3
    journal.undo(db, back)
    assert ratings(db)[2:5] == [None, 9, None], "the older edits first, and it ends as it began"


def test_an_undo_of_one_change_names_its_image(db: Database, ids: list[int]) -> None:
    with db.connection() as conn:
        path = images.paths_of(conn, ids[:1])[ids[0]]
    one, two = rate(db, ids[:1], 3), rate(db, ids[1:3], 4)
    assert journal.undo(db, one).path == path and journal.redo(db, one).path == path
    assert journal.undo(db, two).path is None
    with db.connection() as conn:
        conn.execute("DELETE FROM image WHERE id = %s", [ids[0]])
    gone = journal.undo(db, one)
    assert gone.path is None and gone.left == ((ids[0], None),)


def test_the_last_edit_and_the_one_undone_last(db: Database, ids: list[int]) -> None:
    assert journal.last_edit(db) is None and journal.last_edit(db, undone=True) is None
    numbers = [rate(db, ids[:2], value) for value in (1, 2)]
    for number in reversed(numbers):
        edit = journal.last_edit(db)
        assert edit is not None and edit.id == number
        journal.undo(db, number)
    for number in numbers:
        edit = journal.last_edit(db, undone=True)
        assert edit is not None and edit.id == number
        journal.redo(db, number)
    assert journal.last_edit(db, undone=True) is None
    journal.undo(db, numbers[1])
    rate(db, ids[3:], 7)
    assert journal.last_edit(db, undone=True) is None, "after another edit nothing is done again"


@dataclass
class _Edit:
    number: int
    value: int | None
    images: list[int]
    is_done: bool = True


@dataclass
class _Model:
    """What the ratings must be: of each image that of the last edit that is not undone, else what it was at first."""

    first: list[int | None]
    edits: list[_Edit] = field(default_factory=list)

    def ratings(self) -> list[int | None]:
        now = list(self.first)
        for edit in self.edits:
            if edit.is_done:
                for place in edit.images:
                    now[place] = edit.value
        return now


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rate"), st.sampled_from([None, 1, 2]), st.sets(st.integers(0, 2), min_size=1)),
        st.tuples(st.sampled_from(["turn"]), st.integers(0, 5), st.none()),
    ),
    min_size=2, max_size=9,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_undo_and_redo_in_any_order_end_right(db: Database, ids: list[int], steps: list[tuple]) -> None:
    with db.connection() as conn:
        conn.execute("DELETE FROM edit_journal")
        conn.execute("UPDATE image SET rating = NULL")
    model = _Model([None] * 3)
    for what, value, places in steps:
        if what == "rate":
            changed = [place for place in places if model.ratings()[place] != value]
            done = marks.apply(db, [ids[place] for place in places], MarkEdit(Mark.RATING, value))
            assert done.changed == len(changed)
            if done.journal is not None:
                model.edits.append(_Edit(done.journal, value, changed))
        elif model.edits:
            edit = model.edits[value % len(model.edits)]
            (journal.undo if edit.is_done else journal.redo)(db, edit.number)
            edit.is_done = not edit.is_done
        assert ratings(db)[:3] == model.ratings()


def test_an_edit_and_an_undo_are_stopped_and_change_nothing(
    db: Database, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SOME", 2)
    before, stop = ratings(db), threading.Event()

    def stopping(done: int, total: int) -> None:
        if done:
            stop.set()

    with pytest.raises(EditStoppedError, match="Nothing was changed"):
        marks.apply(db, ids, MarkEdit(Mark.RATING, 1), stopping, stop)
    assert (ratings(db), journal.last_edits(db, 9)) == (before, [])
    number = rate(db, ids, 1)
    with pytest.raises(EditStoppedError):
        journal.undo(db, number, stopping, stop)
    assert ratings(db) == [1] * 7
    assert journal.undo(db, number).restored == 7


_PROGRAM = """
import json, sys
from dtk_tui.config import load
from dtk_tui.domain.organise import Mark, MarkEdit
from dtk_tui.services.library import journal
from dtk_tui.services.library.organise import bulk, marks
from dtk_tui.store.database import Database
from dtk_tui.store.library import images
ids, number, bulk.SOME = json.loads(sys.argv[1]), int(sys.argv[2]), 2
def tell(done, total):
    print(done, flush=True)
    sys.stdin.readline()
db = Database.open(load())
if number:
    journal.undo(db, number, tell)
else:
    marks.apply(db, ids, MarkEdit(Mark.RATING, 9), tell)
print("over", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("words", ["4", "over"])
def test_an_edit_that_is_killed_is_done_or_not_done(
    db: Database, ids: list[int], database_url: str, tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SOME", 2)
    before = ratings(db)
    environ = {**os.environ, "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": database_url}

    def killed(number: int) -> None:
        """Begin the edit, or the undo of one, in a process, and kill it when it says the words."""
        command = [sys.executable, "-c", _PROGRAM, json.dumps(ids), str(number)]
        with subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin and process.stdout
            while process.stdout.readline().strip() != words:
                process.stdin.write("\n")
                process.stdin.flush()
            process.kill()
        with db.connection() as conn:  # waits for the end of its transaction
            conn.execute("SELECT FROM image ORDER BY id FOR UPDATE")

    killed(0)
    assert ratings(db) == ([9] * 7 if words == "over" else before)
    assert len(journal.last_edits(db, 9)) == (words == "over")
    number = journal.last_edits(db, 9)[0].id if words == "over" else rate(db, ids, 9)
    killed(number)
    assert ratings(db) == (before if words == "over" else [9] * 7)
    assert (journal.last_edits(db, 9)[0].undone_at is None) == (words != "over")


def test_an_edit_and_an_undo_are_done_once_when_the_server_is_killed_in_the_middle(
    dtk_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SOME", 2)
    db = Database.open(load({"HOME": str(tmp_path), "DTK_HOME": str(dtk_home)}))
    server = db.server
    assert server is not None
    killed: list[int] = []
    told: list[int] = []

    def tell(done: int, total: int) -> None:
        told.append(done)
        pid = server.pid()
        if done == 4 and pid is not None and not killed:
            ended = [pid, *children_of(pid)]
            os.kill(pid, signal.SIGKILL)
            for process in ended:
                wait_for_end(process, 120)
            killed.append(pid)

    try:
        with db.connection() as conn:
            library = Library(conn)
            ids = [library.image(f"{n}.png") for n in range(7)]
        done = marks.apply(db, ids, MarkEdit(Mark.RATING, 9), tell)
        assert killed and (done.changed, told) == (7, [0, 2, 4, 0, 2, 4, 6, 7]), "nothing was left of the first try"
        assert (ratings(db), len(journal.last_edits(db, 9))) == ([9] * 7, 1)
        killed.clear()
        assert journal.undo(db, done.journal or 0, tell).restored == 7
        assert killed and ratings(db) == [None] * 7
    finally:
        db.close()


def test_statements_grow_with_portions_and_parts_are_read_one_by_one(
    db: Database, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    execute = psycopg.Connection.execute

    def counted(conn: psycopg.Connection, query: Any, *args: Any, **options: Any) -> Any:
        statements.append(str(query))
        return execute(conn, query, *args, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    used = []
    for size in (7, 1):
        monkeypatch.setattr(bulk, "SOME", size)
        statements.clear()
        number = rate(db, ids, 10 - size)
        edit = len(statements)
        statements.clear()
        journal.undo(db, number)
        used.append((edit, len(statements)))
        assert sum("unnest" not in one and "edit_journal_part" in one for one in statements) == 7 // size + 1
    (one_edit, one_undo), (seven_edit, seven_undo) = used
    assert (seven_edit - one_edit, seven_undo - one_undo) == (6, 12), "one a portion, and two to take it back"

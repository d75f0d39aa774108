"""Keys that rate and flag, and that take it back: the chosen images, shown at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.services.library import journal
from dtk_tui.store.database import Database
from dtk_tui.ui.commands import organise
from dtk_tui.ui.dialogs import Confirm, InputDialog
from dtk_tui.ui.screens.image import ImageScreen
from dtk_tui.ui.screens.journal import JournalScreen
from dtk_tui.ui.widgets.folder_tree import FolderTree
from tests.helpers.running_app import NARROW, WIDE, Running, library_app


def marks(db: Database, name: str) -> tuple[object, ...]:
    with db.connection() as conn:
        row = conn.execute(
            "SELECT rating, favorite, nsfw, for_deletion FROM image WHERE file_name = %s", (name,)
        ).fetchone()
    assert row
    return row


def count_rated(db: Database) -> int:
    with db.connection() as conn:
        (number,) = conn.execute("SELECT count(rating) FROM image").fetchone() or (0,)
    return int(number)


async def rated(run: Running, row: int, words: str) -> None:
    """Wait until a line of the table shows what was given to its image."""

    def shown() -> str:
        found = run.main.table.row(row)
        if found is None:
            return ""
        signs = zip("fnd", (found.favorite, found.nsfw, found.for_deletion), strict=True)
        return f"{'' if found.rating is None else found.rating}{''.join(sign for sign, is_set in signs if is_set)}"

    await run.until(lambda: shown() == words)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_one_image_is_rated_and_flagged(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await run.press("5", "3", "f")
        await rated(run, 0, "3f")
        await run.shows("3\u2665")
        await run.press("N", "delete", "f")
        await rated(run, 0, "3nd")
        assert marks(db, "029.png") == (3, False, True, True)
        await run.press("grave_accent")
        await rated(run, 0, "nd")
        await run.press(*["ctrl+z"] * 7)
        await rated(run, 0, "")
        await run.press("ctrl+z")
        await run.shows("There is nothing to undo.")
        await run.press("ctrl+y", "ctrl+y")
        await rated(run, 0, "3")
        await run.press("down", "0")
        await rated(run, 1, "0")
        await run.press("ctrl+y")
        await run.shows("There is nothing to do again.")
    assert marks(db, "028.png") == (0, False, False, False), "0 is a rating like the others"


async def test_a_flag_that_is_given_and_taken_away_at_once_is_not_there(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, apply = organise.marks.all_have, organise.marks.apply
    may_look, done = threading.Event(), list[bool]()

    def look_slowly(*arguments: Any) -> bool:
        may_look.wait(60)
        return look(*arguments)

    def apply_and_tell(*arguments: Any) -> Any:
        edited = apply(*arguments)
        done.append(True)
        return edited

    monkeypatch.setattr(organise.marks, "all_have", look_slowly)
    monkeypatch.setattr(organise.marks, "apply", apply_and_tell)
    async with library_app(db, config) as run:
        await run.shows("029.png")
        await run.press("f", "f")
        may_look.set()
        await run.until(lambda: len(done) == 2)
    assert marks(db, "029.png") == (None, False, False, False)


async def test_the_selection_and_a_number_that_is_typed(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("space", "space", "4")
        await run.shows("Rating 4: 2 images changed. Ctrl+Z takes it back.")
        await run.press("asterisk")
        await run.until(lambda: isinstance(run.app.screen, InputDialog))
        await run.press("1", "0", "enter")
        await rated(run, 1, "10")
        await run.press("asterisk")
        await run.until(lambda: isinstance(run.app.screen, InputDialog))
        await run.press("1", "1", "enter")
        await run.shows("A rating is 0 to 10.")
        assert isinstance(run.app.screen, InputDialog)
        await run.press("escape", "ctrl+z")
        await run.shows("Undone: Rating 10: 2 changes. Ctrl+Y does it again.")
        await rated(run, 1, "4")
        await run.press("shift+tab", "7")
        await run.until(lambda: run.main.query_one(FolderTree).has_focus)
        await run.press("ctrl+z")
        await rated(run, 1, "")
    assert count_rated(db) == 0, "a folder is not rated by a key"


async def test_the_image_screen_shows_it_at_once(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, ImageScreen))
        await run.shows("1 of 30")
        await run.press("8", "f")
        await run.shows("Rating 8   \u2665 favourite")
        await run.press("ctrl+z")
        await run.shows("Undone: Favourite (029.png): 1 change. Ctrl+Y does it again.")
        await run.press("escape")
        await rated(run, 0, "8")


async def test_many_are_edited_after_a_question(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organise, "_MANY", 10)
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("a", "6")
        await run.until(lambda: isinstance(run.app.screen, Confirm))
        await run.shows("30 images, all or none of them.")
        await run.press("n")
        await run.until(lambda: run.app.screen is run.main)
        assert count_rated(db) == 0
        await run.press("6")
        await run.until(lambda: isinstance(run.app.screen, Confirm))
        await run.press("y")
        await run.shows("30 images changed. J shows the journal.")
        await rated(run, 0, "6")
        await run.press("ctrl+z")
        await run.until(lambda: isinstance(run.app.screen, Confirm))
        await run.shows("Rating 6")
        await run.press("y")
        await rated(run, 0, "")
        await run.press("J")
        await run.until(lambda: isinstance(run.app.screen, JournalScreen))
        await run.shows("undone")
    assert [edit.changed for edit in journal.last_edits(db, 9)] == [30]

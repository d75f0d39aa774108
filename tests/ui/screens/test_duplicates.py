"""Sets of duplicates: the kinds, what stays by rule and by hand, marking the rest, and taking that back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.library import journal
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.ui.screens.duplicates import DuplicatesScreen
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

_MARKED = "SELECT file_name FROM image WHERE for_deletion ORDER BY file_name"


@pytest.fixture
def copies(db: Database, config: Config, library: Path) -> Path:
    """Two pictures with a copy each, the copies newer."""
    for number in (0, 1):
        copy = shutil.copy(library / "2025-11" / f"{number:03d}.png", library / "final" / f"copy of {number}.png")
        os.utime(copy, (1_760_000_000, 1_760_000_000))
    scanner.scan(db, config, [str(library)])
    return library


def marked(db: Database) -> list[str]:
    with db.connection() as conn:
        return [name for (name,) in conn.execute(_MARKED)]


def screen_of(run: Running) -> DuplicatesScreen:
    assert isinstance(run.app.screen, DuplicatesScreen)
    return run.app.screen


async def opened(run: Running) -> DuplicatesScreen:
    """Open the screen and wait for the first set."""
    await run.shows("All images  32")
    await run.press("D")
    await run.shows("2 sets, the largest stays")
    await run.until(lambda: screen_of(run).members.count == 2)
    return screen_of(run)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_rest_of_a_set_is_marked(db: Database, config: Config, copies: Path, size: tuple[int, int]) -> None:
    async with library_app(db, config, size) as run:
        screen = await opened(run)
        await run.shows("\u2605 001.png")
        await run.press("d")
        await run.until(lambda: marked(db) == ["copy of 1.png"])
        await run.until(lambda: screen.table.cursor == 1)
        await run.press("up")
        await run.shows("\u2717 copy of 1.png")
        (edit,) = journal.last_edits(db, 5)
        journal.undo(db, edit.id)
        assert marked(db) == []


async def test_what_stays_is_chosen_by_rule_and_by_hand(db: Database, config: Config, copies: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        screen = await opened(run)
        await run.press("b")
        await run.shows("the newest stays")
        await run.shows("\u2605 copy of 1.png")
        await run.press("tab", "home", "space")
        await run.shows("\u2605 001.png")
        screen.table.focus()
        await run.press("a", "d")
        await run.shows("Mark the rest of 2 sets?")
        await run.press("y")
        await run.until(lambda: marked(db) == ["000.png", "copy of 1.png"])
        await run.until(lambda: run.app.screen is screen)
        await run.until(lambda: not run.dtk.context.tasks.is_editing)
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_copies_of_one_name_are_told_apart_by_their_folders(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    shutil.copy(library / "2025-11" / "000.png", library / "final" / "000.png")
    scanner.scan(db, config, [str(library)])
    async with library_app(db, config, size) as run:
        await run.shows("All images  31")
        await run.press("D")
        await run.shows("1 set, the largest stays")
        await run.shows("000.png  2025-11 ")
        await run.shows("000.png  final ")


async def test_what_is_left_to_be_compared_is_seen_on_a_narrow_screen(
    db: Database, config: Config, copies: Path
) -> None:
    async with library_app(db, config, NARROW) as run:
        await opened(run)
        await run.press("t", "t")
        await run.shows("pictures that look alike  0 sets   32 images not decoded yet ")


async def test_the_kinds_follow_each_other(db: Database, config: Config, copies: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await opened(run)
        await run.press("t")
        await run.shows("the same generation  2 sets")
        await run.press("t")
        await run.shows("pictures that look alike  0 sets")
        await run.shows("32 images not decoded yet")
        await run.press("t")
        await run.shows("similar vectors  nothing is embedded yet")
        await run.press("t")
        await run.shows("the same content  2 sets")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_what_differs_has_its_heading(db: Database, config: Config, copies: Path, size: tuple[int, int]) -> None:
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = 8 WHERE file_name = 'copy of 0.png'")
    async with library_app(db, config, size) as run:
        screen = await opened(run)
        await run.press("down")
        await run.until(lambda: screen.table.cursor == 1)
        await run.shows("Rating")
        lines = run.text().splitlines()
        (heads,) = (line for line in lines if "Rating" in line and "Date" in line)
        (image,) = (line for line in lines if "copy of 0.png" in line and "2025" in line)
        assert heads.index("Set 2") == image.rindex("copy of 0.png")
        date, rating = heads.index("Date"), heads.index("Rating")
        assert date == image.index("2025-") and rating == image.rindex("8")

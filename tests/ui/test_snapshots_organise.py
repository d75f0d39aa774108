"""What the screens that sort and clean up a library show, as text, at two sizes."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.library.organise import albums
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.services.library.queries import saved_queries
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from tests.helpers.running_app import NARROW, WIDE, Running, library_app
from tests.helpers.screens import Screens
from tests.helpers.snapshots import SNAPSHOTS, close, execute, fill, whole_help
from tests.helpers.tag_scores import give_scores

#: Half markup, half what a terminal would act on, one letter that turns the line round, and very long.
HOSTILE = "[red]x[/x] [@click=app.quit]y[/] \x1b]52;c;aGk=\x07 \u202e " + "long " * 28
#: What lets two files be the same content is their size, too.
_TIDY = """
DELETE FROM album; DELETE FROM image_tag;
UPDATE image SET file_size = 400 + id;
UPDATE image SET file_size = (SELECT file_size FROM image WHERE file_name = '000.png')
 WHERE file_name = 'copy of 0.png';
"""


async def duplicates(run: Running, screens: Screens) -> None:
    """The review of duplicates: a set, what stays, a kind without any."""
    await run.press("D")
    await screens.step("duplicates", "1 set", "\u2605 000.png", "copy of 0.png", "\u2580")
    await whole_help(run, screens, "duplicates")
    await run.press("d")
    await screens.step("duplicates-marked", "\u2717 copy of 0.png")
    await run.press("ctrl+z", "t", "t")
    await screens.step("duplicates-none", "No two pictures that were decoded look alike.")
    await close(run, "escape")


async def collections(run: Running, screens: Screens, store: Database) -> None:
    """Albums and tags: none, some, and the dialogs about them."""
    await run.press("L")
    await screens.step("collections-empty", "There is no album yet")
    await run.press("r")
    await run.shows("nobody gave an image a tag")
    await close(run, "escape")
    albums.create(store, HOSTILE, [1, 2])
    albums.create(store, "Best of", [3])
    albums.create(store, "Good castles", (), "rating:>=4 castle")
    TAGS.add(store, [1, 2, 3], ["fox"])
    TAGS.add(store, [4], [HOSTILE])
    await run.press("L")
    await screens.step("collections", "3 albums, 2 tags")
    await whole_help(run, screens, "collections")
    await run.press("s")
    await screens.step("collections-smart", "as a query")
    await close(run, "escape")
    await run.press("end", "up", "r")
    await screens.step("collections-rename", "makes one of both")
    await close(run, "escape")
    await run.press("home", "d")
    await screens.step("collections-delete", "Delete this album?")
    await close(run, "escape")
    await close(run, "escape")
    # Nobody told the list of the tags.
    await run.press("r")
    await run.until(lambda: run.app.size != WIDE or re.search(r"003\.png .*tiny +1 ", run.text()))
    await run.press("home", "A")
    await screens.step("album-menu", "into which album?")
    await close(run, "escape")
    await run.press("plus")
    await screens.step("tag-dialog", "one or more names")
    await close(run, "escape")


async def queries(run: Running, screens: Screens, store: Database) -> None:
    """Queries: none, some, and completion in the line."""
    await run.press("Q")
    await screens.step("queries-empty", "Nothing yet: what you search for is kept here.")
    await close(run, "escape")
    saved_queries.save(store, "Foxes", "red fox", replace=False)
    saved_queries.save(store, "Good ones", "rating:>=4", replace=False)
    saved_queries.pin(store, "Good ones", pinned=True)
    await run.press("Q")
    await screens.step("queries", "\u2605 Good ones")
    await close(run, "escape")
    await run.press("slash")
    await run.write("fox ta")
    await screens.step("completion", "tag:")
    await run.press("tab")
    await screens.step("completion-taken", "\u25b8")
    await run.press("escape")
    await run.shows("All images  31")


async def thresholds(run: Running, screens: Screens, store: Database) -> None:
    """The thresholds of a tagger."""
    await run.press("H")
    await run.shows("No image was tagged yet: queue some for tags first.")
    run.app.clear_notifications()
    give_scores(store)
    # Its tags come in two transactions, and the list may have been read between them.
    await run.press("r")
    await run.until(lambda: run.app.size != WIDE or re.search(r"000\.png .*tiny +4 ", run.text()))
    await run.press("H")
    await screens.step("thresholds", "0 tags come, 0 go, of 0 images.")
    await close(run, "escape")


async def review(run: Running, screens: Screens) -> None:
    """What is for deletion, and the question before it is moved."""
    await run.press("V")
    await run.shows("No image is for deletion; Delete flags one.")
    await run.press("home", "space", "space", "delete")
    await run.shows("For deletion: 2 images changed.")
    await run.press("V")
    await screens.step("review", "\u201cdelete:true\u201d  2")
    await run.press("R")
    await screens.step("review-trash", "Move 2 files (")
    await close(run, "n")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_library_that_is_tidied(store: Database, settings: Config, place: Path, size: tuple[int, int]) -> None:
    fill(store, settings, place)
    copy = shutil.copy(place / "outputs" / "2025-11" / "000.png", place / "outputs" / "final" / "copy of 0.png")
    os.utime(copy, (1_749_000_000, 1_749_000_000))
    scanner.scan(store, settings, [str(place / "outputs")])
    execute(store, _TIDY)
    async with library_app(store, settings, size) as run:
        screens = Screens(run, SNAPSHOTS, size, place.name)
        await run.shows("All images  31")
        await duplicates(run, screens)
        await collections(run, screens, store)
        await queries(run, screens, store)
        await thresholds(run, screens, store)
        await review(run, screens)
        screens.end()

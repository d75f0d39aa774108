"""Albums and tags on the screen: of the chosen images by keys, and in a list of their own; and what is for deletion."""

from __future__ import annotations

from pathlib import Path

import pytest
import send2trash

from dtk_tui.config import Config
from dtk_tui.services.library.organise import albums
from dtk_tui.services.library.organise.albums import ALBUMS
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.store.database import Database
from dtk_tui.ui.dialogs import Confirm, InputDialog, Menu
from dtk_tui.ui.screens.collections import CollectionsScreen
from dtk_tui.ui.widgets.safe_input import SafeInput
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

HOSTILE = "[red]x[/x] [@click=app.quit]y[/] \x1b]52;c;aGk=\x07 \u202e fox"


async def opens(run: Running, *keys: str, kind: type) -> None:
    await run.press(*keys)
    await run.until(lambda: isinstance(run.app.screen, kind))


def given(db: Database) -> dict[str, int]:
    return {one.name: one.images for one in (*ALBUMS.listed(db), *TAGS.listed(db))}


async def test_albums_and_tags_with_names_that_one_cannot_type_are_opened(
    db: Database, config: Config, library: Path
) -> None:
    names = ("", "  ", " before", "a\nb", 'say "hi"', "a_b, c")
    with db.connection() as conn:
        (image,) = conn.execute("SELECT min(id) FROM image").fetchone() or (0,)
        for name in names:
            album = conn.execute("INSERT INTO album (name) VALUES (%s) RETURNING id", (name,)).fetchone()
            conn.execute("INSERT INTO album_image (album_id, image_id, position) VALUES (%s, %s, 1)", (*album, image))
    async with library_app(db, config) as run:
        await run.shows("029.png")
        for number in range(len(names)):
            await opens(run, "L", kind=CollectionsScreen)
            await run.shows("(no name)")
            await run.press("home", *["down"] * number, "enter")
            await run.until(lambda: run.app.screen is run.main)
            await run.shows(" 1  newest first")
            await run.press("escape")
            await run.shows("All images  30")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_tags_and_albums_of_what_is_chosen(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await run.press("minus")
        await run.shows("Nobody gave a tag to what is chosen.")
        await run.press("O")
        await run.shows("What is chosen is in no album.")
        await opens(run, "space", "space", "plus", kind=InputDialog)
        await run.write(" , ")
        await run.press("enter")
        await run.shows("A name is one line of 1 to 200 characters.")
        await run.press("ctrl+u")
        await run.write("fox, red")
        await run.press("enter")
        await run.shows("Tag fox, red: 4 changes. Ctrl+Z takes it back.")
        await opens(run, "minus", kind=Menu)
        await run.shows("fox  2")
        await run.press("enter")
        await run.until(lambda: given(db) == {"red": 2})
        await opens(run, "A", kind=Menu)
        await opens(run, "n", kind=InputDialog)
        await run.write("best")
        await run.press("enter")
        await run.until(lambda: given(db) == {"red": 2, "best": 2})
        await opens(run, "escape", "down", "A", kind=Menu)
        await run.shows("best  2")
        await run.press("down", "enter")
        await run.until(lambda: given(db) == {"red": 2, "best": 3})
        await opens(run, "O", kind=Menu)
        await run.press("enter")
        await run.until(lambda: given(db) == {"red": 2, "best": 2})
        await run.press("ctrl+z")
        await run.until(lambda: given(db) == {"red": 2, "best": 3})


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_list_of_albums_and_tags(db: Database, config: Config, library: Path, size: tuple[int, int]) -> None:
    with db.connection() as conn:
        ids = [number for (number,) in conn.execute("SELECT id FROM image ORDER BY file_name LIMIT 3")]
    albums.create(db, HOSTILE, ids)
    albums.create(db, "best", ids[:1])
    TAGS.add(db, ids, ["fox"])
    TAGS.add(db, ids[:1], ["red fox"])
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await opens(run, "L", kind=CollectionsScreen)
        await run.shows("2 albums, 2 tags")
        await run.shows("[red]x[/x]")
        assert "\x1b" not in run.text()
        await run.press("plus")
        await run.until(lambda: [album.name for album in ALBUMS.listed(db)] == ["best", HOSTILE])
        await opens(run, "n", kind=InputDialog)
        await run.write("BEST")
        await run.press("enter")
        await run.shows("There is an album \u201cBEST\u201d already. Choose another name.")
        assert run.app.screen.query_one(SafeInput).value == "BEST"
        await run.write("s")
        await run.press("enter")
        await run.shows("Album BESTs made. Ctrl+Z takes it back.")
        await opens(run, "ctrl+z", kind=CollectionsScreen)
        await run.shows("2 albums, 2 tags")
        await opens(run, "s", kind=InputDialog)
        await run.write("castle OR")
        await run.press("enter")
        await run.shows("Query, column 10: expected words")
        await run.press("ctrl+u")
        await run.write("castle")
        await run.press("enter")
        await run.shows("its name")
        await run.write("castles")
        await run.press("enter")
        await run.shows("3 albums, 2 tags")
        await opens(run, "end", "r", kind=InputDialog)
        await run.press("ctrl+u")
        await run.write("fox")
        await run.press("enter")
        await run.shows("3 albums, 1 tag")
        await opens(run, "end", "d", kind=Confirm)
        await run.shows("Take this tag from all images?")
        await run.press("y")
        await run.shows("3 albums, 0 tags")
        await run.press("ctrl+z")
        await run.shows("3 albums, 1 tag")
        await run.press("end", "up", "enter")
        await run.until(lambda: run.app.screen is run.main)
        await run.shows('\u201calbum:"castles"\u201d  10')


async def test_what_is_for_deletion_is_shown_and_moved(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []

    def move(path: str) -> None:
        moved.append(Path(path).name)
        Path(path).unlink()

    monkeypatch.setattr(send2trash, "send2trash", move)
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("R")
        await run.shows("No image is for deletion; Delete flags one.")
        await run.press("space", "space", "delete")
        await run.shows("For deletion: 2 images changed.")
        await run.press("V")
        await run.shows("\u201cdelete:true\u201d  2")
        await opens(run, "R", kind=Confirm)
        await run.shows("Move 2 files (")
        await run.press("n")
        await run.until(lambda: run.app.screen is run.main)
        assert moved == []
        await opens(run, "R", kind=Confirm)
        await run.press("y")
        await run.shows("2 files moved into the trash")
    assert sorted(moved) == ["028.png", "029.png"]

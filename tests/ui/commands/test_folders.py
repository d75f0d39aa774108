"""Roots and rules of the library, as the app shows and changes them."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.domain.library import Rule
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.store.library import folders
from dtk_tui.ui.dialogs import Menu
from dtk_tui.ui.widgets.folder_tree import FolderTree
from tests.helpers.running_app import NARROW, WIDE, library_app, write_picture


async def test_a_scan_of_all_says_which_roots_are_not_there(
    db: Database, config: Config, library: Path, tmp_path: Path
) -> None:
    other = tmp_path / "usb"
    write_picture(other / "one.png", "a lamp")
    scanner.scan(db, config, [str(other)])
    other.rename(tmp_path / "elsewhere")
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("shift+tab", "home", "ctrl+r")
        await run.shows("is not there; its 1 image stays as it is.")
        await run.shows("Scan done: 30 seen")
        run.app.clear_notifications()
        await run.press("ctrl+r")
        await run.shows("is not there; its 1 image stays as it is.")  # to whoever asks again, too
        await run.shows("Scan done: 30 seen")
        library.rename(tmp_path / "away")
        await run.press("ctrl+r")
        await run.shows("No folder of the library can be read: nothing was scanned.")
        await run.shows("Delete in the folders")
        await run.shows("its 30 images stay as they are.")


async def test_many_roots_that_are_not_there_are_not_all_named(
    db: Database, config: Config, library: Path, tmp_path: Path
) -> None:
    for number in range(6):
        write_picture(tmp_path / f"usb{number}" / "one.png", "a lamp", seed=number)
        scanner.scan(db, config, [str(tmp_path / f"usb{number}")])
        (tmp_path / f"usb{number}").rename(tmp_path / f"away{number}")
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("shift+tab", "home", "ctrl+r")
        await run.shows("3 other roots are not there or cannot be read, too.")
        await run.shows("Scan done: 30 seen")
        await run.until(lambda: run.text().count("is not there; its 1 image stays") == 3)


def rules(db: Database) -> dict[str, Rule]:
    with db.connection() as conn:
        return {Path(row.path).name: row.rule for row in folders.list_roots(conn)}


async def test_a_folder_is_left_out_archived_and_taken_in_again(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("shift+tab", "x")
        await run.shows("Choose a folder of the tree first.")
        await run.press("home", "down", "down", "down")
        await run.shows("final  10")
        await run.press("x")
        await run.shows("excluded")
        await run.shows("is left out from the next scan on. i includes it again.")
        assert rules(db)["final"] == Rule(excluded=True)
        await run.press("v")
        await run.shows("archived ")
        await run.press("o")
        await run.shows("archived, a")
        await run.shows("this folder alone, not those below it. o takes it back.")
        assert rules(db)["final"] == Rule(archived=True, recursive=False)
        await run.press("i")
        await run.shows("Scan done: 10 seen")
        await run.until(lambda: "archived" not in run.text())
        assert "final" not in rules(db)


async def test_the_menu_of_a_folder_does_what_it_says(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("shift+tab", "home", "down", "m")
        await run.shows("Scan again")
        await run.until(lambda: isinstance(run.app.screen, Menu))
        names = [entry.words for entry in run.app.screen._entries]
        await run.press(*["down"] * names.index("Scan again"), "enter")
        await run.shows("Scan done: 30 seen")
        await run.press("m")
        await run.until(lambda: isinstance(run.app.screen, Menu))
        await run.press("ctrl+o")
        await run.shows("Add a folder of images")
        await run.press("escape")


async def test_a_folder_is_taken_out_after_a_question(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("shift+tab", "home", "down", "down", "down", "delete")
        await run.shows("1 folder, 10 images with all that is known")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("delete")
        await run.shows("Take this out of the library?")
        await run.press("y")
        await run.shows("10 images taken out of the library.")
        await run.until(lambda: "final" not in run.text())
        assert (library / "final" / "029.png").exists()


async def test_images_without_a_file_are_forgotten_after_a_question(
    db: Database, config: Config, library: Path
) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("X")
        await run.shows("No image of the library is without its file.")
        (library / "final" / "029.png").unlink()
        (library / "final" / "028.png").unlink()
        scanner.scan(db, config, [])
        await run.press("X")
        await run.shows("2 images of the library without a file")
        await run.press("y")
        await run.shows("2 images forgotten.")
        await run.shows("All images  28")
        library.rename(library.with_name("away"))
        library.mkdir()
        scanner.scan(db, config, [])
        await run.press("X")
        await run.shows("is away: is its disk mounted?")
        await run.press("n")
        await run.until(lambda: run.app.screen is run.main)
        await run.shows("All images  28")


async def test_a_folder_is_added_without_those_below_it(db: Database, config: Config, pictures: Path) -> None:
    write_picture(pictures / "top.png", "a hat")
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty.")
        await run.press("ctrl+o")
        await run.shows("F2 Without")
        await run.write(str(pictures))
        await run.press("f2")
        await run.shows("top.png")
        await run.shows("alone")
        assert "2025-11" not in run.text()


async def test_a_path_that_is_no_folder_can_be_corrected(db: Database, config: Config, pictures: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty.")
        await run.press("ctrl+o")
        await run.shows("F2 Without")
        await run.write(f"{pictures}x")
        await run.press("enter")
        await run.shows("x. Check the spelling, or that its disk is mounted.")
        await run.press("backspace", "enter")
        await run.shows("Scan done: 30 seen")


async def test_a_folder_is_found_by_words_of_its_path(
    db: Database, config: Config, library: Path, tmp_path: Path
) -> None:
    deep = tmp_path / "deep" / "a" / "b" / "Foxes [red]in[/] snow"
    write_picture(deep / "one.png", "a lamp")
    scanner.scan(db, config, [str(tmp_path / "deep")])
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("shift+tab", "g")
        await run.shows("Go to a folder")
        await run.write("no such folder")
        await run.shows("No folder has all of these words.")
        await run.press("enter", *["backspace"] * 14)
        await run.write("snow red")
        await run.shows("1 folder ")
        await run.press("down", "up", "enter")
        tree = run.main.query_one(FolderTree)
        await run.until(lambda: tree.folder is not None and tree.folder.path == str(deep))
        assert tree.has_focus
        await run.shows("one.png")
        await run.press("home", "g")
        await run.shows("Enter goes there")
        await run.write("snow red")
        await run.press("enter")  # before they are found
        await run.until(lambda: tree.folder is not None and tree.folder.path == str(deep))

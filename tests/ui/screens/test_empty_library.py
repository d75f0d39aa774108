"""A library without folders: what to do, and doing it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from dtk_tui.config import Config, load
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.ui.commands import folders
from dtk_tui.ui.widgets.path_input import FolderSuggester
from dtk_tui.ui.widgets.safe_input import SafeInput
from tests.helpers.running_app import NARROW, WIDE, library_app, write_picture


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_an_empty_library_says_how_to_begin(db: Database, config: Config, size: tuple[int, int]) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("This library is empty.")
        await run.shows("dtk scan PATH")
        await run.press("down", "end", "space", "a", "e", "s", "m", "escape", "g", "enter", "r")
        assert run.app.is_running
        await run.press("escape", "q")
        await run.shows("No job is waiting.")
        await run.press("g")
        await run.shows("There is no row to go to.")


async def test_a_folder_is_added_and_its_images_appear(db: Database, config: Config, pictures: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty.")
        await run.press("ctrl+o")
        await run.shows("Add a folder of images")
        run.app.screen.query_one(SafeInput).value = str(pictures)
        await run.press("enter")
        await run.shows("Scan done: 30 seen, 30 added")
        await run.shows("029.png")
        await run.shows("outputs")
        assert "This library is empty" not in run.text()


async def test_a_folder_without_images_says_how_they_come(db: Database, config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "outputs"
    folder.mkdir()
    scan(db, config, [str(folder)])
    async with library_app(db, config, NARROW) as run:
        await run.shows("No images are here. Ctrl+R looks for new files.")
        write_picture(folder / "first.png", "a thing")
        await run.press("ctrl+r")
        await run.shows("first.png")
        assert "No images are here" not in run.text()


async def test_a_folder_that_is_not_there_is_refused_with_a_reason(db: Database, config: Config) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty.")
        await run.press("ctrl+o")
        await run.shows("Add a folder of images")
        run.app.screen.query_one(SafeInput).value = "/no/such/[folder]"
        await run.press("enter")
        await run.shows("There is no folder /no/such/[folder].")
        assert run.app.screen.query_one(SafeInput).value == "/no/such/[folder]"
        await run.press("x")
        await run.shows("an absolute path; Tab takes the completion")
        assert "There is no folder" not in run.text(), "that was said of another path"
        await run.press("escape")
        await run.shows("This library is empty.")
        folders.scan(run.dtk.context, "/no/such/folder")
        await run.shows("There is no folder /no/such/folder.")


async def test_names_of_folders_are_completed(pictures: Path) -> None:
    suggester = FolderSuggester()
    assert await suggester.get_suggestion(f"{pictures}/20") == f"{pictures}/2025-11/"
    assert await suggester.get_suggestion(f"{pictures}/nothing") is None
    assert await suggester.get_suggestion(f"{pictures}/no/where") is None
    assert await suggester.get_suggestion(f"/somewhere/{pictures}/20") == f"/somewhere/{pictures}/2025-11/", (
        "a path behind the folder that stood there is completed as it is understood"
    )


async def test_tab_takes_the_completion_of_a_path(db: Database, config: Config, pictures: Path) -> None:
    async with library_app(db, config) as run:
        await run.shows("This library is empty.")
        await run.press("ctrl+o")
        await run.shows("Add a folder of images")
        asked = run.app.screen.query_one(SafeInput)
        asked.value = f"{pictures}/20"
        await run.press("end", "tab")
        await run.until(lambda: asked.value == f"{pictures}/2025-11/")
        asked.value = f"{pictures}/nothing"
        await run.press("end", "tab", "x")
        await run.until(lambda: asked.value == f"{pictures}/nothingx")


async def test_keys_of_an_empty_library_say_why_they_do_nothing(db: Database, config: Config) -> None:
    config.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    config.paths.config_file.write_text('[keys]\n"main.fold" = "f11"\n"work.for_deletion" = "f12"\n')
    async with library_app(db, load(config.paths._environ)) as run:
        await run.shows("This library is empty.")
        for key, said in (
            ("G", "There is no image here. The next ones are shown as thumbnails."),
            ("G", "There is no image here. The next ones are shown as a table."),
            ("z", "Nothing is folded here: F11 folds what is alike."),
            ("f11", "Images of one generation, and copies, become one row; z unfolds it."),
            ("z", "There is no image here."),
            ("V", "No image is for deletion; F12 flags one."),
        ):
            run.app.clear_notifications()
            await run.press(key)
            await run.until(lambda said=said: said in run.told)  # type: ignore[misc]


async def test_a_scan_that_could_not_read_a_file_says_where_it_is_named(
    db: Database, config: Config, tmp_path: Path
) -> None:
    write_picture(tmp_path / "outputs" / "good.png", "a lamp")
    (tmp_path / "outputs" / "bad.png").write_bytes(b"no picture")
    async with library_app(db, config) as run:
        await run.shows("This library is empty.")
        folders.scan(run.dtk.context, str(tmp_path / "outputs"))
        said = "Scan done: 2 seen, 2 added, 1 failed. / has:error shows what could not be read, and why."
        await run.until(lambda: said in run.told)
        await run.shows("good.png")
        await run.press("slash")
        await run.write("has:error")
        await run.press("enter")
        await run.until(lambda: "bad.png" in run.text() and "good.png" not in run.text())


async def test_a_path_can_be_pasted_as_terminals_paste_it(db: Database, config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "two  spaces"
    write_picture(folder / "one.png", "a lamp")
    async with library_app(db, config) as run:
        await run.shows("This library is empty.")
        await run.press("ctrl+o")
        await run.shows("Add a folder of images")
        run.app.screen.query_one(Input).post_message(events.Paste(f"{folder}\r"))
        await run.until(lambda: run.app.screen.query_one(Input).value.endswith("two  spaces"))
        await run.press("enter")
        await run.shows("one.png")

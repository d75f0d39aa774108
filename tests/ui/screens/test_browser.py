"""Folders, images and preview, by keyboard and mouse, on a real library."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.widgets import Static

from dtk_tui.config import Config
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.ui.commands import folders
from dtk_tui.ui.dialogs import FolderDialog
from dtk_tui.ui.screens.image import ImageScreen
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.preview import Preview
from dtk_tui.ui.widgets.search_line import SearchLine
from tests.helpers.running_app import NARROW, WIDE, library_app, write_picture


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_library_is_there_at_once(db: Database, config: Config, library: Path, size: tuple[int, int]) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await run.until(lambda: "e Embed now" in run.text() and "? Help" in run.text().splitlines()[-1])
        await run.shows("Queue: 0")
        text = run.text()
        assert "outputs" in text.splitlines()[0]
        assert "db ok" in text.splitlines()[0]
        assert "All images  30  newest first" in text
        assert "2025-11" in text and "final" in text
        assert "[F5 Start] [F6 Pause] [F7 Stop] [F8 Clear]" in text
        assert all(len(line) <= size[0] for line in text.splitlines())


async def test_a_folder_shows_its_images(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("final")
        run.main.query_one(FolderTree).focus()
        await run.press("end")
        await run.shows("final  10  newest first")
        assert run.main.table.count == 10
        await run.press("home", "down")
        await run.shows("outputs  30  newest first")


async def test_any_row_is_one_key_away(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        table = run.main.table
        await run.shows("029.png")
        await run.press("end")
        await run.shows("000.png")
        assert table.cursor == 29
        await run.press("home")
        await run.shows("029.png")
        await run.press("g")
        await run.shows("a row from 1 to 30")
        await run.write("1.5")
        await run.press("enter")
        await run.shows("This is no row. Type its number, a part (50%) or a date (2025-11).")
        await run.press("ctrl+u")
        await run.write("50%")
        await run.press("enter")
        await run.until(lambda: table.cursor == 14)
        await run.press("pagedown", "pagedown", "pagedown")
        assert table.cursor == 29


async def test_selection_is_counted_and_escape_drops_it(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await run.shows("029.png")
        await run.press("space", "space", "shift+down", "shift+down")
        await run.shows("5 selected")
        assert len(run.main.table.chosen_ids()) == 5
        await run.press("a")
        await run.shows("30 selected")
        await run.press("escape")
        await run.until(lambda: "selected" not in run.text())
        assert len(run.main.table.chosen_ids()) == 1


async def test_the_preview_follows_the_cursor(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("bowl of ramen")
        await run.shows("\u2580")
        await run.press("down")
        facts = run.main.query_one("#facts-text", Static)
        await run.until(lambda: "red fox in snow" in str(facts.visual))
        await run.press("alt+2")
        await run.shows("Sampler")
        await run.shows("Euler a")
        await run.press("alt+3")
        await run.shows("No tags yet")
        await run.press("alt+4")
        await run.shows("nothing is embedded yet")


async def test_a_narrow_screen_gives_the_preview_the_place_of_the_folders(
    db: Database, config: Config, library: Path
) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        assert not run.main.query_one(Preview).display
        await run.press("p")
        await run.shows("\u2580")
        assert not run.main.query_one("#folders-pane").display
        await run.press("p")
        await run.until(lambda: run.main.query_one("#folders-pane").display)


async def test_the_detail_screen_steps_through_the_table(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("enter")
        await run.shows("1 of 30")
        await run.shows("\u2580")
        await run.press("right", "right")
        await run.shows("3 of 30")
        await run.shows("castle on a hill")
        await run.press("escape")
        await run.until(lambda: not isinstance(run.app.screen, ImageScreen))
        assert run.main.table.cursor == 2


async def test_the_order_stays_still_until_a_refresh_brings_what_is_new(
    db: Database, config: Config, library: Path
) -> None:
    async with library_app(db, config) as run:
        await run.shows("029.png")
        await run.press("down", "down", "space")
        marked = run.main.table.chosen_ids()
        current = run.main.table.current_id
        write_picture(library / "final" / "new.png", "a new one", made_at=1_760_000_000)
        scanner.scan(db, config, [str(library)])
        run.dtk.context.stats.poll_now()
        await run.shows("refresh (r): 1 new")
        assert run.main.table.count == 30
        await run.press("r")
        await run.shows("new.png")
        await run.until(lambda: run.main.table.count == 31)
        assert run.main.table.current_id == current
        assert run.main.table.chosen_ids() == marked


async def test_the_mouse_works(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.pilot.click("#images", offset=(5, 3))
        await run.until(lambda: run.main.table.cursor == 3)
        await run.pilot.click("#images", offset=(5, 4), times=2)
        await run.until(lambda: isinstance(run.app.screen, ImageScreen))
        await run.press("escape")
        await run.pilot.click("#images", offset=(5, 6), button=3)
        await run.shows("Find similar")
        await run.press("escape")
        await run.pilot.click("#folders", offset=(8, 3))
        await run.shows("final  10  newest first")


async def test_files_are_looked_at_beside_the_event_loop(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def notes(browser: LibraryBrowser, line: str) -> list[str]:
        threads.append(threading.get_ident())
        return ["It compares by a model."]

    def typed_path(text: str) -> str:
        threads.append(threading.get_ident())
        return str(library)

    monkeypatch.setattr(LibraryBrowser, "notes", notes)
    monkeypatch.setattr(folders, "typed_path", typed_path)
    async with library_app(db, config, NARROW) as run:
        run.main.query_one(SearchLine).ask("castle")
        await run.shows("It compares by a model.")
        seen = len(threads)
        await run.press("ctrl+o")
        await run.until(lambda: isinstance(run.app.screen, FolderDialog))
        await run.press("enter")
        await run.until(lambda: len(threads) > seen)
    assert threading.get_ident() not in threads


async def test_what_is_alike_is_folded_and_rated_as_one(db: Database, config: Config, library: Path) -> None:
    with db.connection() as conn:
        # Ten castles, of which the newest is the best: one generation.
        conn.execute("""
            UPDATE image SET is_embedding_representative = false, embedding_source_id = best.id
              FROM (SELECT prompt_id, max(id) AS id FROM image GROUP BY prompt_id) AS best, prompt
             WHERE image.prompt_id = best.prompt_id AND image.id <> best.id
               AND prompt.id = image.prompt_id AND prompt.text LIKE '%castle%'""")
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("Z")
        await run.shows("30 in 21 rows")
        table = run.main.table
        table.cursor = next(row for row in range(table.count) if len(table._folds.images(row)) == 10)  # type: ignore[union-attr]
        await run.until(lambda: table.fold_size == 10)
        assert run.main.target_name().endswith("and 9 folded with it")
        await run.press("7")
        await run.shows("10 images")
        with db.connection() as conn:
            assert conn.execute("SELECT count(*) FROM image WHERE rating = 7").fetchone() == (10,)
        before = table.cursor
        await run.press("z")
        await run.shows("30 in 30 rows")
        assert table.cursor == before
        await run.press("down", "3")
        await run.until(lambda: (row := table.current_row) is not None and row.rating == 3)
        with db.connection() as conn:
            assert conn.execute("SELECT count(*) FROM image WHERE rating = 7").fetchone() == (9,)
        run.main.query_one(SearchLine).ask("castle sort:rating")
        await run.shows("10 in 1 row ")
        await run.press("Z")
        await run.shows("castle sort:rating\u201d  10  by rating down")
        assert table.count == 10


async def test_what_is_alike_does_not_stand_under_the_query_before(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await run.shows("029.png")
        await run.press("slash")
        await run.write("fox")
        await run.press("enter")
        await run.shows("\u201cfox\u201d")
        row = run.main.table.current_row
        assert row is not None
        run.main.show_like(row.id)
        await run.shows(f"Like {row.file_name}")
        assert run.main.query_one(SearchLine).text == ""

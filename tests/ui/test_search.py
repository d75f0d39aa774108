"""The search line."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets.search_line import QueryInput
from tests.ui.conftest import NARROW, library_app


async def test_a_search_and_the_way_back(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        await run.write("castle")
        await run.press("enter")
        await run.shows("\u201ccastle\u201d  10")
        assert run.main.table.has_focus
        await run.press("escape")
        await run.shows("All images  30  newest first")
        assert run.main.query_one(QueryInput).value == ""


async def test_a_fault_is_shown_with_its_place(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        await run.write("castle steps:foo")
        await run.press("enter")
        await run.shows("column 14")
        query = run.main.query_one(QueryInput)
        assert query.has_focus
        assert query.cursor_position == 13
        await run.press("end", "ctrl+u")
        await run.write("steps:20")
        await run.press("enter")
        await run.shows("\u201csteps:20\u201d  30")
        assert "column" not in run.text()


async def test_the_history(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        for words in ("castle", "fox"):
            await run.press("slash", "ctrl+u")
            await run.write(words)
            await run.press("enter")
            await run.shows(f"\u201c{words}\u201d  10")
        await run.press("escape", "slash", "up", "up")
        query = run.main.query_one(QueryInput)
        assert query.value == "castle"
        await run.press("down")
        assert query.value == "fox"
        await run.press("down")
        assert query.value == ""


async def test_tab_does_not_stray_into_the_search_line(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        for _ in range(4):
            await run.press("tab")
            assert not run.main.query_one(QueryInput).has_focus
        await run.pilot.click("#search-input")
        await run.until(lambda: run.main.query_one(QueryInput).has_focus)


async def test_similar_without_vectors_says_what_to_do(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("s")
        await run.shows("nothing is embedded yet")
        await run.press("enter")
        await run.until(lambda: run.app.screen is run.main)

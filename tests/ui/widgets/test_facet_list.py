"""Facets beside the result: shown by a key, counted while they are in sight, narrowed by a key or a click."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.library.facets import FacetCounter
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets.facet_list import FacetList
from dtk_tui.ui.widgets.search_line import QueryInput
from tests.helpers.running_app import NARROW, WIDE, Running, library_app


def place_of(run: Running, words: str) -> int:
    """Return the line of the facets that begins so."""
    facets = run.main.query_one(FacetList)
    return next(row for row in range(facets.count) if facets.cells(row, 40)[0][0].strip().startswith(words))


async def counted(run: Running, words: str) -> None:
    """Wait for a line of the facets, once all are counted."""
    facets = run.main.query_one(FacetList)

    def lines() -> list[str]:
        return ["".join(text for text, _ in facets.cells(row, 40)) for row in range(facets.count)]

    await run.until(lambda: any(words in " ".join(line.split()) for line in lines()))
    await run.until(lambda: not any("counting" in line for line in lines()))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_facet_narrows(db: Database, config: Config, library: Path, size: tuple[int, int]) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("All images  30")
        await run.press("F")
        await counted(run, "final 10")
        await run.shows("tiny")
        facets = run.main.query_one(FacetList)
        assert facets.has_focus
        facets.cursor = place_of(run, "final")
        await run.press("enter")
        await run.until(lambda: run.main.query_one(QueryInput).value == f'folder:"{library}/final"')
        await run.until(lambda: run.main.table.count == 10)
        await counted(run, "Images 10")
        await run.press("F")
        await run.until(lambda: not facets.display and run.main.table.has_focus)
        await run.press("escape")
        await run.until(lambda: run.main.table.count == 30)


async def test_a_click_narrows_a_folder_that_is_shown(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("All images  30")
        await run.press("shift+tab", "end")
        await run.shows("final  10")
        await run.press("F")
        await counted(run, "Images 10")
        facets = run.main.query_one(FacetList)
        row = place_of(run, "none")
        await run.until(lambda: row in facets.visible_rows)
        await run.pilot.click(facets, offset=(3, row - facets.scroll_offset.y))
        await run.until(
            lambda: run.main.query_one(QueryInput).value == f'rating:none path:"{library}/final/*"',
        )
        await run.until(lambda: run.main.table.count == 10)


async def test_nothing_is_counted_that_nobody_sees(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fields = FacetCounter.fields

    def count(self: FacetCounter) -> object:
        asked.append(self.line)
        return fields(self)

    monkeypatch.setattr(FacetCounter, "fields", count)
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash", *"castle", "enter")
        await run.until(lambda: run.main.table.count == 10)
        await run.until(lambda: run.main.table.has_focus)
        await run.press("F")
        await counted(run, "Images 10")
        assert asked == ["castle"]

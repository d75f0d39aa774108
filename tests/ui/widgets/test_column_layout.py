"""Columns that a person chose: what is shown, the dialog, the headings, and what the next session finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.view_state import ViewState
from dtk_tui.store.database import Database
from dtk_tui.ui.column_dialog import ColumnDialog, ColumnList
from dtk_tui.ui.widgets.image_pane import ImagePane
from dtk_tui.ui.widgets.search_line import SearchLine
from dtk_tui.ui.widgets.tables.columns import place
from dtk_tui.ui.widgets.tables.heads import Heads
from dtk_tui.ui.widgets.tables.image_table import COLUMNS
from dtk_tui.ui.widgets.tables.layout import NARROWEST, WIDEST, Layout, from_json
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

_IDS = [column.id for column in COLUMNS]


def titles(layout: Layout, room: int = 200) -> list[str]:
    return [one.column.title for one in place(layout.arrange(COLUMNS), room)]


def test_what_is_chosen_is_shown_in_its_order_and_width() -> None:
    usual = ["Name", "Rated", "Size", "Model", "Tags", "Emb", "Cap", "Created", "Prompt"]
    assert titles(Layout()) == usual
    chosen = Layout().with_shown(["seed", "name", "steps"])
    assert titles(chosen) == ["Seed", "Name", "Steps"]
    assert titles(chosen, 40) == ["Seed", "Name"], "the last is left out first"
    wide = chosen.with_width("steps", 30).with_width("name", 9)
    assert [one.width for one in place(wide.arrange(COLUMNS), 100)] == [20, 9, 30]
    assert wide.with_width("steps", None).widths == {"name": 9}
    assert wide.with_width("steps", 0).widths["steps"] == NARROWEST
    assert wide.with_width("steps", 10_000).widths["steps"] == WIDEST
    assert chosen.with_shown([]) == chosen, "one stays"
    assert from_json(wide.to_json(), _IDS) == wide


@pytest.mark.parametrize(
    "value",
    [
        None, 7, "x", [], {}, {"shown": 5, "widths": []}, {"shown": [[], None, "\x1b[2J", 4]},
        {"widths": {"name": "9", "no": 4, "seed": True, "steps": None, "model": 1e9}},
    ],
)  # fmt: skip
def test_what_no_app_wrote_is_no_layout(value: object) -> None:
    assert from_json(value, _IDS) == Layout()


def test_huge_widths_are_bounded() -> None:
    assert from_json({"shown": ["name", "name"], "widths": {"name": 1 << 70}}, _IDS) == Layout(
        ("name",), {"name": WIDEST}
    )


def heads(run: Running) -> str:
    return next(line for line in run.text().splitlines() if "Name" in line)


def line_of(run: Running, title: str) -> int:
    """Return the line of the dialog that has a column."""
    columns = run.app.screen.query_one(ColumnList)
    return next(row for row in range(columns.count) if columns.cells(row, 60)[1][0].strip() == title)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_columns_are_chosen_by_keys_and_kept(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await run.press("vertical_line")
        await run.shows("fitted")
        columns = run.app.screen.query_one(ColumnList)
        columns.cursor = line_of(run, "Rated")
        await run.press("space")
        await run.until(lambda: "rated" not in run.main.table.column_layout.ids(COLUMNS))
        columns.cursor = line_of(run, "Seed")
        await run.press("space")
        await run.until(lambda: columns.current == "seed")
        await run.press(*["shift+up"] * 8)
        await run.until(lambda: run.main.table.column_layout.ids(COLUMNS)[0] == "seed")
        await run.press("left", "left", "right")
        await run.until(lambda: run.main.table.column_layout.widths == {"seed": 19})
        await run.shows("19 wide")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.until(lambda: "Seed" in heads(run) and "Rated" not in heads(run))
        assert heads(run).index("Seed") < heads(run).index("Name")
        file = config.paths.state / "view.json"
        await run.until(lambda: ViewState(file).value("image_columns") == run.main.table.column_layout.to_json())
    async with library_app(db, config, size) as run:
        await run.until(lambda: "Seed" in run.text() and "Rated" not in run.text())
        await run.press("f4")
        await run.shows("19 wide")
        await run.press("r")
        await run.until(lambda: run.main.table.column_layout == Layout())
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main and "Rated" in heads(run))


async def test_the_headings_sort_and_are_dragged(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("All images  30")
        bar = run.main.query_one(Heads)
        place = {one.id: (start, end) for one, start, end in bar._spans()}
        await run.pilot.click(Heads, offset=(place["name"][0], 0))
        await run.shows("\u201csort:name\u201d  30  by name up")
        await run.shows("Name\u25b4")
        await run.pilot.click(Heads, offset=(place["name"][0], 0))
        await run.shows("\u201csort:name_desc\u201d  30  by name down")
        await run.shows("Name\u25be")
        await run.pilot.click(Heads, offset=(place["rated"][0], 0))
        await run.shows("\u201csort:rating\u201d  30")
        run.main.query_one(SearchLine).ask("castle OR fox")
        await run.shows("\u201ccastle OR fox\u201d  20")
        await run.shows("Score Rated")  # which moves what stands behind it
        place = {one.id: (start, end) for one, start, end in bar._spans()}
        await run.pilot.click(Heads, offset=(place["created"][0], 0))
        await run.shows("\u201csort:date (castle OR fox)\u201d  20  by date down")
        place = {one.id: (start, end) for one, start, end in bar._spans()}
        await run.pilot.mouse_down(Heads, offset=(place["name"][1], 0))
        await run.pilot.hover(Heads, offset=(place["name"][0] + 12, 0))
        await run.pilot.mouse_up(Heads, offset=(place["name"][0] + 12, 0))
        await run.until(lambda: run.main.table.column_layout.widths == {"name": 12})
        await run.pilot.click(Heads, offset=(1, 0), button=3)
        await run.until(lambda: isinstance(run.app.screen, ColumnDialog))
        columns = run.app.screen.query_one(ColumnList)
        await run.shows("has a caption")
        await run.pilot.click(ColumnList, offset=(0, 1))
        await run.until(lambda: "rated" not in run.main.table.column_layout.ids(COLUMNS))
        assert columns.count == len(COLUMNS)


async def test_columns_that_are_not_written_yet_are_kept_at_the_end(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtk_tui.ui.widgets.image_pane._REST_S", 60.0)
    file = config.paths.state / "view.json"
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        pane = run.main.query_one(ImagePane)
        chosen = pane.table.column_layout.with_width("name", 31)
        pane.choose_columns(chosen)
        await run.pilot.pause()
        assert ViewState(file).value("image_columns") is None
    assert ViewState(file).value("image_columns") == chosen.to_json()

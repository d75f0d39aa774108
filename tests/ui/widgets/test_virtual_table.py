"""The virtual table and the tree by themselves, with a million rows and twenty thousand folders."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import process_time
from typing import ClassVar

import numpy as np
import pytest
from textual.app import App, ComposeResult

from dtk_tui.domain.library import Badge, Badges, FolderRow, FolderRows, ImageRow
from dtk_tui.ui.theme import OWN_VARIABLES
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.image_pane import ImagePane
from dtk_tui.ui.widgets.tables.columns import headings, place, row_cells
from dtk_tui.ui.widgets.tables.folds import Folds
from dtk_tui.ui.widgets.tables.image_table import ImageTable
from dtk_tui.ui.widgets.tables.pages import place_of
from tests.helpers.folder_rows import badges, folder_rows
from tests.helpers.running_app import NARROW, WIDE, running

_DAY = datetime(2025, 11, 5, tzinfo=UTC)


def image(number: int) -> ImageRow:
    return ImageRow(number, 1, f"{number:07d}.png", 1000, _DAY, 1024, 1536, "sd_xl_base_1.0", prompt="a castle")


class Source:
    """Rows that can be changed, counted, and held back."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.changed: dict[int, ImageRow | None] = {}
        self.gate = threading.Event()
        self.gate.set()

    def fetch(self, ids: Sequence[int]) -> list[ImageRow]:
        self.gate.wait(120)
        self.asked += ids
        rows = [self.changed.get(number, image(number)) for number in ids]
        return [row for row in rows if row is not None]


class Harness(App[None]):
    CSS_PATH: ClassVar = [f"../../../dtk_tui/ui/styles/{name}.tcss" for name in ("base", "browser")]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return OWN_VARIABLES


class TableApp(Harness):
    def __init__(self) -> None:
        super().__init__()
        self.source = Source()

    def compose(self) -> ComposeResult:
        yield ImagePane(self.source.fetch)

    @property
    def table(self) -> ImageTable:
        return self.query_one(ImageTable)


async def test_a_million_rows() -> None:
    app = TableApp()
    async with running(app, WIDE) as run:
        started = process_time()
        app.table.show(np.arange(1_000_000, 0, -1, dtype=np.int64))
        await run.shows("1000000.png")
        assert process_time() - started < 5
        await run.press("end")
        await run.shows("0000001.png")
        await run.press("home", "pagedown")
        await run.until(lambda: app.table.current_row is not None)
        for row in (500_000, 123_456, 999_999):
            app.table.cursor = row
            await run.shows(f"{1_000_000 - row:07d}.png")
        assert len(app.source.asked) < 5_000
        assert len(app.table._pages) < 50


async def test_places_are_held_until_the_rows_come() -> None:
    app = TableApp()
    async with running(app, NARROW) as run:
        app.source.gate.clear()
        app.table.show(np.arange(1, 1001, dtype=np.int64))
        await run.shows(" 1  ")
        assert ".png" not in run.text()
        await run.press("down", "down")
        app.source.gate.set()
        await run.shows("0000001.png")
        assert app.table.cursor == 2


async def test_a_place_that_was_passed_by_is_filled_on_the_way_back() -> None:
    app = TableApp()
    async with running(app, NARROW) as run:
        app.source.gate.clear()
        app.table.show(np.arange(1, 5001, dtype=np.int64))
        for row in (2_000, 4_000, 2_000, 0):
            app.table.cursor = row
            await run.pilot.pause()
            await run.shows(f" {row + 1:,} ")
        app.source.gate.set()
        await run.shows("0000001.png")
        for row in (2_000, 4_000):
            app.table.cursor = row
            await run.shows(f"{row + 1:07d}.png")


async def test_a_late_answer_for_an_older_list_is_dropped() -> None:
    app = TableApp()
    async with running(app, NARROW) as run:
        app.source.gate.clear()
        app.table.show(np.arange(1, 1001, dtype=np.int64))
        await run.pilot.pause()
        app.table.show(np.arange(5001, 6001, dtype=np.int64))
        app.source.gate.set()
        await run.shows("0005001.png")
        assert "0000001.png" not in run.text()


async def test_renew_changes_only_what_changed_and_moves_nothing() -> None:
    app = TableApp()
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, 1001, dtype=np.int64))
        await run.shows("0000001.png")
        await run.press("down", "down", "down", "space")
        app.source.changed[2] = replace(image(2), running=True)
        app.source.changed[3] = None
        drawn: list[int] = []
        draw = app.table._draw_row
        app.table._draw_row = lambda row, *rest: drawn.append(row) or draw(row, *rest)  # type: ignore[method-assign,func-returns-value]
        app.table.renew()
        await run.shows("\u25b8 0000002.png")
        await run.shows("(gone)")
        assert set(drawn) <= {1, 2}
        assert app.table.cursor == 4
        assert app.table.chosen_ids().tolist() == [4]


async def test_a_new_order_keeps_cursor_and_marks_on_their_images() -> None:
    app = TableApp()
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, 1001, dtype=np.int64))
        await run.press("pagedown", "space", "space")
        marked, current = app.table.chosen_ids(), app.table.current_id
        app.table.show(np.arange(1000, 0, -1, dtype=np.int64), keep=True)
        assert sorted(app.table.chosen_ids()) == sorted(marked)
        assert app.table.current_id == current
        app.table.show(np.arange(1, 3, dtype=np.int64), keep=True)
        assert app.table.cursor < 2
        app.table.show(np.empty(0, np.int64), keep=True)
        assert app.table.chosen_ids().tolist() == []
        await run.press("down", "space", "end", "enter", "a", "g")


async def test_a_million_marked_rows_are_one_array_that_is_made_once() -> None:
    app = TableApp()
    async with running(app, NARROW) as run:
        app.table.show(np.arange(1, 1_000_001, dtype=np.int64))
        await run.shows("0000001.png")
        await run.press("a")
        await run.shows("1,000,000 selected")
        before = sys.getallocatedblocks()
        chosen = app.table.chosen_ids()
        cursor = app.table.chosen()
        assert sys.getallocatedblocks() - before < 100_000, "no object a row"
        assert chosen is app.table.chosen_ids() and len(chosen) == 1_000_000
        assert cursor is not None and cursor.position == (1, 1_000_000)
        await run.press("space")
        await run.shows("999,999 selected")
        assert app.table.chosen_ids()[:2].tolist() == [2, 3]
        app.table.show(np.arange(2_000_000, 0, -1, dtype=np.int64), keep=True)
        assert app.table.selected_count == 999_999 and app.table.current_id == 2


@pytest.mark.parametrize("folded", [False, True])
async def test_all_of_a_part_is_all_of_what_follows(folded: bool) -> None:
    def folds(ids: np.ndarray) -> Folds | None:
        return Folds(ids, ids // 2) if folded else None

    app = TableApp()
    part, whole = np.arange(2, 514, dtype=np.int64), np.arange(2, 100_002, dtype=np.int64)
    async with running(app, NARROW) as run:
        app.table.show(part, folds=folds(part))
        await run.press("a")
        await run.shows("512 selected")
        app.table.show(whole, folds=folds(whole), keep=True, goes_on=True)
        await run.shows("100,000 selected")
        assert len(app.table.chosen_ids()) == 100_000
        app.table.show(part, folds=folds(part))
        await run.press("a", "space")
        await run.shows("510 selected" if folded else "511 selected")
        app.table.show(whole, folds=folds(whole), keep=True, goes_on=True)
        await run.until(lambda: len(app.table.all_ids) == 100_000)
        assert app.table.chosen_count == (99_998 if folded else 99_999), "all but the one that was left out"
        assert 2 not in app.table.chosen_ids()


@pytest.mark.parametrize(
    ("wanted", "place"),
    [([5, 6], 2), ([40, 41, 9], 3), ([*range(100, 130), 7], 0), ([*range(100, 900), 6], 1), ([99], 3), ([], 3)],
)
def test_the_place_in_a_new_list_is_that_of_the_first_that_is_left(wanted: list[int], place: int) -> None:
    assert place_of(np.array(wanted, np.int64), np.array([7, 6, 5, 9], np.int64)) == place


@pytest.mark.parametrize("width", range(10, 220, 7))
def test_columns_fill_their_room_and_line_up(width: int) -> None:
    columns = ImageTable(lambda ids: []).columns()
    placed = place(columns, width)
    total = sum(one.width for one in placed) + len(placed) - 1
    assert total <= max(width, 20)
    if width >= 56:
        assert {"Name", "Size", "Model", "Tags", "Emb"} <= {one.column.title for one in placed}
    assert len(headings(placed)) == total
    assert sum(len(text) for text, _ in row_cells(placed, image(7))) == total + 1


class TreeApp(Harness):
    def __init__(self, siblings: int) -> None:
        super().__init__()
        self.siblings = siblings
        self.asked: list[int | None] = []

    def fetch(self, parent: int | None) -> FolderRows:
        self.asked.append(parent)
        if parent is None:
            return folder_rows(
                FolderRow(1, None, "root", "/root", 0, True), FolderRow(2, None, "other", "/other", 3, False)
            )
        if parent == 1:
            days = range(self.siblings)
            return folder_rows(
                *(FolderRow(100 + n, 1, f"day {n:05d}", f"/root/{n}", 1, n == self.siblings - 1) for n in days)
            )
        return folder_rows(FolderRow(10, parent, "inside", "/root/x/inside", 1, False))

    def compose(self) -> ComposeResult:
        yield FolderTree(self.fetch, Badges)

    @property
    def tree(self) -> FolderTree:
        return self.query_one(FolderTree)

    async def on_mount(self) -> None:
        await self.tree.reload().wait()


async def test_twenty_thousand_folders_side_by_side() -> None:
    app = TreeApp(20_000)
    async with running(app, NARROW) as run:
        await run.shows("\u25b8 root")
        assert app.asked == [None]
        await run.press("down", "right")
        await run.shows("day 00000")
        started = process_time()
        for number in range(50):
            app.tree.show_badges(badges({100 + number: Badge(number + 1, 0)}))
            app.tree.look_again(Badge(number, 0))
        assert process_time() - started < 1
        await run.shows(" 49")
        await run.press("end", "up", "right")
        await run.shows("inside")
        await run.press("left", "left")
        await run.until(lambda: app.tree.folder is not None and app.tree.folder.id == 1)
        await run.press("left")
        await run.until(lambda: app.tree.count == 3)


async def test_new_badges_draw_only_their_own_lines() -> None:
    app = TreeApp(10)
    async with running(app, NARROW) as run:
        await run.press("down", "right")
        await run.shows("day 00009")
        app.tree.show_badges(badges({101: Badge(12_345, 0)}))
        await run.shows("12k")
        drawn: list[int] = []
        draw = app.tree._draw_row
        app.tree._draw_row = lambda row, *rest: drawn.append(row) or draw(row, *rest)  # type: ignore[method-assign,func-returns-value]
        app.tree.show_badges(badges({101: Badge(12_345, 0), 102: Badge(500, 5)}))
        await run.shows("!500")
        assert set(drawn) == {4}


async def test_a_reload_keeps_what_is_open_and_the_place() -> None:
    app = TreeApp(10)
    async with running(app, NARROW) as run:
        await run.press("down", "right")
        await run.shows("day 00009")
        await run.press("down", "down", "down")
        folder = app.tree.folder
        await app.tree.reload().wait()
        assert app.tree.folder == folder
        await run.shows("day 00009")

"""Rows of a list whose folds are folded or not, beside a plain reckoning; and in the table."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from dtk_tui.domain.library import ImageRow
from dtk_tui.ui.theme import OWN_VARIABLES
from dtk_tui.ui.widgets.image_pane import ImagePane
from dtk_tui.ui.widgets.tables.folds import Folds
from dtk_tui.ui.widgets.tables.image_table import ImageTable
from tests.helpers.running_app import NARROW, running

_DAY = datetime(2025, 11, 5, tzinfo=UTC)


def array(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int64)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=25), st.lists(st.integers(0, 100), max_size=6), st.data())
def test_rows_are_what_a_plain_reckoning_says(labels: list[int], toggled: list[int], data: st.DataObject) -> None:
    ids = [100 + place for place in range(len(labels))]
    folds = Folds(array(ids), array(labels))
    opened: set[int] = set()
    for number in toggled:
        row = number % len(folds.rows)
        label = labels[folds.rows[row]]
        if labels.count(label) > 1:
            opened ^= {label}
        assert folds.toggle(row) == ids[labels.index(label)]
    expected: list[int] = []
    for place, label in enumerate(labels):
        if labels.index(label) == place:
            members = [n for n, other in enumerate(labels) if other == label]
            expected += members if label in opened else members[:1]
    assert folds.rows.tolist() == expected
    assert folds.row_ids.tolist() == [ids[place] for place in expected]
    for row, place in enumerate(expected):
        members = [n for n, other in enumerate(labels) if other == labels[place]]
        stands_for = [place] if labels[place] in opened else members
        assert folds.images(row).tolist() == [ids[n] for n in stands_for]
        assert (folds.size(row), folds.is_first(row)) == (len(members), place == members[0])
        assert folds.is_open(row) is (labels[place] in opened)
        for n in members:
            assert folds.first_of(ids[n]) == ids[n if labels[place] in opened else members[0]]
    assert folds.first_of(1) is None
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(expected), max_size=len(expected))))
    images = folds.all_of(chosen)
    wanted = {one for row in np.flatnonzero(chosen) for one in folds.images(int(row)).tolist()}
    assert set(array(ids)[images].tolist()) == wanted
    assert folds.rows_of(images).tolist() == chosen.tolist(), "what rows stand for leads back to them"


def test_no_rows_are_no_folds() -> None:
    folds = Folds(array([]), array([]))
    assert len(folds.rows) == len(folds.all_of(np.zeros(0, np.bool_))) == len(folds.rows_of(np.zeros(0, np.bool_))) == 0


class FoldApp(App[None]):
    CSS_PATH: ClassVar = [f"../../../dtk_tui/ui/styles/{name}.tcss" for name in ("base", "browser")]

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.lock = threading.Lock()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return OWN_VARIABLES

    def compose(self) -> ComposeResult:
        yield ImagePane(self.fetch)

    def fetch(self, ids: Sequence[int]) -> list[ImageRow]:
        with self.lock:
            self.asked += len(ids)
        return [ImageRow(number, 1, f"{number:07d}.png", 1000, _DAY) for number in ids]

    @property
    def table(self) -> ImageTable:
        return self.query_one(ImageTable)


async def test_a_row_is_unfolded_where_it_stands_and_stands_for_all_of_it() -> None:
    app = FoldApp()
    async with running(app, NARROW) as run:
        table = app.table
        ids = np.arange(1, 1001, dtype=np.int64)
        labels = np.where(ids % 100 < 3, ids // 100, 1000 + ids)  # 1, 2; 100, 101, 102; 200, 201, 202 ...
        table.show(ids, np.linspace(1, 0, 1000, dtype=np.float32), Folds(ids, labels))
        await run.shows("1,000 in 981 rows")
        await run.shows("\u00d72 0000001.png")
        table.cursor = 110
        table.cursor = 98
        await run.shows("\u00d73 0000100.png")
        assert table.current_id == 100
        assert (table.fold_size, tuple(table.chosen_ids())) == (3, (100, 101, 102))
        before = table.cursor - table.scroll_offset.y
        table.toggle_fold()
        await run.shows("\u25be3 0000100.png")
        await run.shows("\u2514 0000102.png")
        assert table.current_id == 100
        assert table.cursor - table.scroll_offset.y == before, "the row does not jump"
        assert tuple(table.chosen_ids()) == (100,)
        scores = {n: f"{1 - (n - 1) / 999:.3f}" for n in (100, 102)}
        assert all(any(f"{n:07d}.png" in line and score in line for line in run.text().splitlines())
                   for n, score in scores.items())  # fmt: skip
        table.show(ids, folds=Folds(ids, labels), keep=True)
        await run.shows("\u25be3 0000100.png")
        assert table.current_id == 100, "what is unfolded stays so"
        await run.press("down", "down", "space")
        assert (table.selected_count, tuple(table.chosen_ids())) == (1, (102,))
        await run.press("up")
        table.toggle_fold()
        await run.shows("\u00d73 0000100.png")
        assert table.current_id == 100
        assert table.selected_count == 0, "one of three is not the row"
        await run.press("space", "space")
        await run.shows("4 selected")
        assert tuple(table.chosen_ids()) == (100, 101, 102, 103)
        table.show(ids, keep=True)
        await run.shows("0000101.png")
        assert tuple(table.chosen_ids()) == (100, 101, 102, 103), "all of what the rows stood for"
        assert table.current_id == 104


async def test_folding_keeps_the_cursor_on_its_image() -> None:
    app = FoldApp()
    async with running(app, NARROW) as run:
        table = app.table
        ids = np.arange(1, 1001, dtype=np.int64)
        table.show(ids)
        await run.shows("0000001.png")
        table.cursor = 501
        await run.press("space")
        table.cursor = 502
        table.show(ids, folds=Folds(ids, ids // 10), keep=True)
        await run.shows("\u00d710 0000500.png")
        assert table.current_id == 500, "the row that stands for it"
        assert table.selected_count == 0


async def test_a_million_images_in_folds() -> None:
    app = FoldApp()
    async with running(app, NARROW) as run:
        ids = np.arange(1_000_000, 0, -1, dtype=np.int64)
        folds = Folds(ids, ids // 3)
        app.table.show(ids, folds=folds)
        await run.shows("1,000,000 in 333,334 rows")
        app.table.cursor = 200_000
        await run.until(lambda: app.table.current_row is not None)
        app.table.toggle_fold()
        await run.shows("1,000,000 in 333,336 rows")
        assert app.table.cursor == 200_000
        await run.press("a")
        await run.shows("1,000,000 selected")
        assert app.asked < 5_000

"""The headings over a table: a click sorts, the edge of a column is dragged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from textual import events
from textual.content import Content
from textual.message import Message

from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.columns import GAP, Column, Placed, heading

_UP, _DOWN = "\u25b4", "\u25be"


class Heads(Line):
    """The titles of the columns, with a sign at the one that the rows are sorted by."""

    class SortAsked(Message):
        """The rows shall be sorted by a column of the query line."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    class WidthSet(Message):
        """A column, by its id, shall have another width."""

        def __init__(self, column: str, width: int) -> None:
            super().__init__()
            self.column = column
            self.width = width

    class ColumnsAsked(Message):
        """A person wants to choose the columns."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._titles = ""
        self._placed: Sequence[Placed[Any]] = ()
        self._sort: tuple[str, bool] | None = None
        #: The column whose edge is dragged, and where it begins.
        self._dragged: tuple[str, int] | None = None
        self._was_dragged = False

    def show_columns(self, titles: str, placed: Sequence[Placed[Any]]) -> None:
        """Write the titles over their columns, or where there are none whatever stands in their place."""
        self._titles, self._placed = titles, placed
        self._draw()

    def show_sort(self, sort: tuple[str, bool] | None) -> None:
        """Mark the column that the rows are sorted by, and whether the largest come first."""
        self._sort = sort
        self._draw()

    def _draw(self) -> None:
        if not self._placed:
            self.show(Content(self._titles))
            return
        texts = []
        for one in self._placed:
            is_sorted = self._sort is not None and one.column.sort == self._sort[0]
            sign = (_DOWN if self._sort[1] else _UP) if is_sorted and self._sort is not None else ""
            texts.append(heading(one, sign))
        self.show(Content((" " * GAP).join(texts)))

    def _spans(self) -> Iterator[tuple[Column[Any], int, int]]:
        """Yield each column with where it begins and ends."""
        start = 0
        for one in self._placed:
            yield one.column, start, start + one.width
            start += one.width + GAP

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the edge of a column: the gap behind it."""
        self._was_dragged = False
        for column, start, end in self._spans():
            if event.button == 1 and column.id and event.x == end:
                self._dragged = column.id, start
                self._was_dragged = True
                self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the edge with the mouse."""
        if self._dragged is not None:
            name, start = self._dragged
            self.post_message(self.WidthSet(name, event.x - start))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the edge go."""
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()

    async def on_click(self, event: events.Click) -> None:
        """Sort by the column; a right click chooses columns."""
        if self._was_dragged:
            return
        if event.button == 3:
            self.post_message(self.ColumnsAsked())
            return
        for column, start, end in self._spans():
            if start <= event.x < end and column.sort:
                self.post_message(self.SortAsked(column.sort))

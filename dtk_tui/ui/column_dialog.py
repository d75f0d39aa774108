"""Choosing the columns of a table: which ones, in which order, how wide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from dtk_tui.ui.dialogs import Choices, Dialog
from dtk_tui.ui.widgets.tables.columns import Column
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList, fit
from dtk_tui.ui.widgets.tables.layout import Layout

_TITLE, _WIDTH = 14, 8


class ColumnList(CursorList):
    """The columns: those that are shown in their order, then the others."""

    def __init__(self, columns: Sequence[Column[Any]], meanings: Mapping[str, str], layout: Layout) -> None:
        super().__init__(id="columns")
        self._columns = columns
        self._meanings = meanings
        self._chosen = layout
        self.order: list[str] = []
        self.take(layout)

    def take(self, layout: Layout) -> None:
        """Show another layout; those that are not shown keep their places behind the others."""
        shown = layout.ids(self._columns)
        self._chosen = layout
        others = [one.id for one in self._columns if one.id not in shown]
        self.order = [*shown, *sorted(others, key=lambda one: self.order.index(one) if one in self.order else -1)]

    @property
    def count(self) -> int:
        """How many columns there are."""
        return len(self.order)

    @property
    def current(self) -> str:
        """The column under the cursor."""
        return self.order[self.cursor]

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw a column: whether it is shown, its title, its width, what it means."""
        name = self.order[row]
        column = next(one for one in self._columns if one.id == name)
        is_shown = name in self._chosen.ids(self._columns)
        cells = self._chosen.widths.get(name)
        return [
            ("\u25cf " if is_shown else "\u25cb ", "list--accent" if is_shown else "list--dim"),
            (fit(column.title, _TITLE), "" if is_shown else "list--dim"),
            (fit("fitted" if cells is None else f"{cells} wide", _WIDTH, right=True) + "  ", "list--dim"),
            (fit(self._meanings.get(name, ""), max(0, width - _TITLE - _WIDTH - 4)), "list--dim"),
        ]

    class Toggled(CursorList.Moved):
        """A click on the sign of a column."""

    def clicked(self, row: int, event: events.Click) -> None:
        """Show or hide the column whose sign was clicked."""
        offset = event.get_content_offset(self)
        if event.button == 1 and offset is not None and offset.x < 2:
            self.call_after_refresh(self.post_message, self.Toggled(self))


class ColumnDialog(Dialog[None]):
    """Offers the columns of a table; what is chosen is shown at once.

    Args:
        columns: all that there are, in their usual order.
        meanings: what some of them show, by id.
        layout: what is shown now.
        changed: takes another layout.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "Show or hide", show=False),
        Binding("shift+up,K", "move(-1)", "Up", show=False),
        Binding("shift+down,J", "move(1)", "Down", show=False),
        Binding("left,minus", "widen(-1)", "Narrower", show=False),
        Binding("right,plus", "widen(1)", "Wider", show=False),
        Binding("f", "fit", "Fitted", show=False),
        Binding("r", "reset", "As usual", show=False),
    ]

    def __init__(
        self,
        columns: Sequence[Column[Any]],
        meanings: Mapping[str, str],
        layout: Layout,
        changed: Callable[[Layout], None],
    ) -> None:
        super().__init__("Columns")
        self._columns = columns
        self._meanings = meanings
        self._chosen = layout
        self._changed = changed

    def body(self) -> ComposeResult:
        """The columns, and what can be done with the one under the cursor."""
        yield ColumnList(self._columns, self._meanings, self._chosen)
        yield Choices(
            ("Space", "show, hide", "screen.choose"),
            ("Shift+\u2191", "before", "screen.move(-1)"),
            ("Shift+\u2193", "behind", "screen.move(1)"),
        )
        yield Choices(
            ("\u2190", "narrower", "screen.widen(-1)"),
            ("\u2192", "wider", "screen.widen(1)"),
            ("f", "fitted", "screen.fit"),
            ("r", "as usual", "screen.reset"),
            ("Esc", "done", "screen.leave"),
        )

    def on_mount(self) -> None:
        """Draw."""
        self._list.count_changed()
        self._list.focus()

    @property
    def _list(self) -> ColumnList:
        return self.query_one(ColumnList)

    @property
    def _shown(self) -> list[str]:
        return self._chosen.ids(self._columns)

    def _take(self, layout: Layout) -> None:
        """Show a layout here and in the table; the cursor stays on its column."""
        columns = self._list
        name = columns.current
        self._chosen = layout
        columns.take(layout)
        columns.count_changed(columns.order.index(name), still=True)
        self._changed(layout)

    @on(CursorList.Chosen)
    @on(ColumnList.Toggled)
    def action_choose(self) -> None:
        """Show the column under the cursor behind the others, or hide it; one stays."""
        name, shown = self._list.current, self._shown
        self._take(self._chosen.with_shown([one for one in shown if one != name] if name in shown else [*shown, name]))

    def action_move(self, step: int) -> None:
        """Move the column under the cursor by one place."""
        name, shown = self._list.current, self._shown
        if name in shown:
            place = shown.index(name)
            to = max(0, min(place + step, len(shown) - 1))
            shown.insert(to, shown.pop(place))
            self._take(self._chosen.with_shown(shown))

    def action_widen(self, step: int) -> None:
        """Make the column under the cursor wider by a cell, or narrower."""
        name = self._list.current
        column = next(one for one in self._columns if one.id == name)
        self._take(self._chosen.with_width(name, self._chosen.widths.get(name, column.width) + step))

    def action_fit(self) -> None:
        """Fit the column under the cursor to the room again."""
        self._take(self._chosen.with_width(self._list.current, None))

    def action_reset(self) -> None:
        """Show the usual columns, all fitted to the room."""
        self._take(Layout())

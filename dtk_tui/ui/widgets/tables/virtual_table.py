"""A table of any number of rows: ids at once, rows by pages, lines when they are visible."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.widgets.tables.columns import Column, Placed, headings, place, row_cells
from dtk_tui.ui.widgets.tables.cursor_list import Cell, CursorList
from dtk_tui.ui.widgets.tables.pages import PAGE, Pages, place_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.ui.widgets.tables.pages import Ids

#: After a failed fetch a repaint does not ask again at once.
_RETRY_S = 5.0


class HasId(Protocol):
    """What every row has."""

    @property
    def id(self) -> int:
        """The id it was asked for with."""


RowT = TypeVar("RowT", bound=HasId)


class VirtualTable(CursorList, Generic[RowT]):
    """Rows of a fixed, ordered list of ids.

    ``fetch`` is called in a thread with up to a few hundred ids and returns the rows that still exist, in any order.
    The order stays still until ``set_ids`` gives a new one; ``renew`` asks again for what is visible and repaints the
    lines that changed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Select", show=False, id="table.select"),
        Binding("shift+up", "extend(-1)", "Select upwards", show=False, id="table.select_up"),
        Binding("shift+down", "extend(1)", "Select downwards", show=False, id="table.select_down"),
        Binding("a", "select_all", "Select all or none", show=False, id="table.select_all"),
        Binding("g", "go_to", "Go to a row, percent or date", show=False, id="table.go_to"),
    ]

    class SelectionChanged(Message):
        """Rows were marked or unmarked."""

    class ColumnsPlaced(Message):
        """The columns got new widths; ``titles`` is the line to show over them."""

        def __init__(self, titles: str, placed: Sequence[Placed[Any]] = ()) -> None:
            super().__init__()
            self.titles = titles
            self.placed = placed

    class RowsGone(Message):
        """Rows of the list do not exist any more."""

    class GoToAsked(Message):
        """A person wants to name the row to go to."""

    def __init__(self, fetch: Callable[[Sequence[int]], Sequence[RowT]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fetch = fetch
        # Of the standard library until something is done with them: the first screen does not wait for numpy.
        self._ids: Ids | array[int] = array("q")
        self._selected: npt.NDArray[np.bool_] | None = None
        self._chosen: array[int] | None = None
        self._is_all_wanted = False
        self._pages: Pages[RowT] = Pages()
        self._loading = False
        self._not_before = 0.0
        self._generation = 0
        self._placed: list[Placed[RowT]] = []

    def columns(self) -> Sequence[Column[RowT]]:
        """The columns at the present state, the most important with the lowest rank."""
        return ()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._ids)

    @property
    def ids(self) -> Ids:
        """The ids in their order, int64, not to be written to."""
        import numpy as np

        self._ids = ids = np.asarray(self._ids, np.int64)
        return ids

    @property
    def current_id(self) -> int | None:
        """The id under the cursor."""
        return int(self._ids[self.cursor]) if self.count else None

    @property
    def current_row(self) -> RowT | None:
        """The row under the cursor, None while it is not loaded."""
        return self.row(self.cursor) if self.count else None

    @property
    def selected_count(self) -> int:
        """How many rows are marked."""
        if self._selected is None:
            return 0
        import numpy as np

        return int(np.count_nonzero(self._selected))

    @property
    def is_all_chosen(self) -> bool:
        """Whether all was marked, but for what was unmarked since."""
        return self._is_all_wanted

    def chosen_ids(self) -> array[int]:
        """The marked ids in their order, or the one under the cursor, int64, not to be written to."""
        if self._chosen is None:
            self._chosen = array("q", b"" if self._selected is None else self.ids[self._selected].tobytes())
        current = self.current_id
        return self._chosen or array("q", () if current is None else (current,))

    def set_ids(
        self, ids: Ids | array[int], *, keep: bool = False, goes_on: bool = False, instead: int | None = None
    ) -> None:
        """Show another list; with ``keep`` the cursor and the marks stay on their ids, where these still exist.

        Args:
            goes_on: it is the whole of what the one that is shown is a part of. Rows that both begin with are not
                fetched again; where all of the part was marked, all is marked but what was unmarked since.
            instead: the id that the cursor goes to, in place of its own.
        """
        is_all_wanted = goes_on and self._is_all_wanted
        unmarked = self.ids[~self._marks()] if is_all_wanted else ()
        goes_on = goes_on and self._begins(ids)
        cursor = self.cursor if goes_on else self._place_in(ids, instead) if keep and self.count else 0
        marked = self.ids[self._selected] if keep and self.selected_count else ()
        if not goes_on:
            self._generation += 1
            self._pages.clear()
        self._chosen = None
        self._ids = ids
        self._selected = None
        if len(marked):
            import numpy as np

            self._selected = np.isin(ids, marked)
        self._is_all_wanted = False
        if is_all_wanted:
            self._mark_all(on=True)
            if len(unmarked):
                import numpy as np

                self._marks()[np.isin(ids, unmarked)] = False
        self.count_changed(cursor, still=keep)
        self.post_message(self.SelectionChanged())

    def _place_in(self, ids: Ids | array[int], instead: int | None) -> int:
        """Return where the cursor is to stand in another list."""
        import numpy as np

        wanted = self.ids[self.cursor :]
        if instead is not None:
            wanted = np.concatenate([np.array([instead], np.int64), wanted[:PAGE]])
        return place_of(wanted, np.asarray(ids, np.int64))

    def _begins(self, ids: Ids | array[int]) -> bool:
        """Say whether a list begins with the one that is shown, whole pages of it."""
        return bool(self.count) and not self.count % PAGE and ids[: self.count].tolist() == self._ids[:].tolist()

    def renew(self) -> None:
        """Fetch again what is visible, and forget the rest."""
        for row in self._pages.expire(self.visible_rows):
            self.forget_row(row)
        self._load()

    def row(self, index: int) -> RowT | None:
        """Return a loaded row."""
        return self._pages[index]

    def has_row(self, row: int) -> bool:
        """Say whether a row is loaded, also as one that is gone; one that is not is asked for."""
        is_here = row in self._pages
        if not is_here and not self._loading and monotonic() >= self._not_before:
            self.call_later(self._load)
        return is_here

    def is_drawn_for_good(self, row: int) -> bool:
        """A place that is held for a row is not."""
        return row in self._pages

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw a row, or its place while it is not loaded."""
        if not self.has_row(row):
            return [(f" {row + 1:,}", "list--dim")]
        found = self._pages[row]
        return self.gone(int(self._ids[row])) if found is None else row_cells(self._placed, found)

    def gone(self, row_id: int) -> list[Cell]:
        """Draw a row that does not exist any more."""
        return [("  (gone)", "list--dim")]

    def is_selected(self, row: int) -> bool:
        """Say whether a row is marked."""
        return self._selected is not None and bool(self._selected[row])

    def place_columns(self) -> None:
        """Fit the columns to the present width."""
        width = self.scrollable_content_region.width
        self._placed = place(self.columns(), width) if width > 0 else []
        self.post_message(VirtualTable.ColumnsPlaced(headings(self._placed), self._placed))
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the columns to the new width."""
        self.place_columns()

    def watch_show_vertical_scrollbar(self) -> None:
        """The scrollbar takes from the width."""
        self.call_after_refresh(self.place_columns)

    @task("rows", exclusive=False)
    async def _load(self) -> None:
        if self._loading:
            return
        self._loading = True
        self._not_before = monotonic() + _RETRY_S
        try:
            while missing := self._pages.missing(self.visible_rows):
                generation = self._generation
                wanted = {page: self._ids[page * PAGE : (page + 1) * PAGE].tolist() for page in missing}
                ids = [one for page_ids in wanted.values() for one in page_ids]
                rows = {row.id: row for row in await in_thread(self._fetch, ids)}
                if generation == self._generation:
                    for page, page_ids in wanted.items():
                        self._take_page(page, [rows.get(one) for one in page_ids])
            self._not_before = 0.0
        finally:
            self._loading = False

    def _take_page(self, page: int, rows: list[RowT | None]) -> None:
        for row in self._pages.put(page, rows):
            self.refresh_row(row)
            if row == self.cursor:
                self.post_message(self.Moved(self))
        if None in rows:
            self.post_message(self.RowsGone())

    def _mark(self, first: int, last: int, *, on: bool) -> None:
        low, high = min(first, last), max(first, last)
        self._marks()[low : high + 1] = on
        self._chosen = None
        for row in range(max(low, self.visible_rows.start), min(high + 1, self.visible_rows.stop)):
            self.refresh_row(row)
        self.post_message(self.SelectionChanged())

    def _marks(self) -> npt.NDArray[np.bool_]:
        """Return which rows are marked, to be changed."""
        if self._selected is None:
            import numpy as np

            self._selected = np.zeros(self.count, np.bool_)
        return self._selected

    def clicked(self, row: int, event: events.Click) -> None:
        """Mark with Ctrl (one) or Shift (a range)."""
        if event.ctrl:
            self._mark(row, row, on=not self.is_selected(row))
        elif event.shift:
            self._mark(self.cursor, row, on=True)

    def action_mark(self) -> None:
        """Mark or unmark the row and go on."""
        if self.count:
            self._mark(self.cursor, self.cursor, on=not self.is_selected(self.cursor))
            self.cursor += 1

    def action_extend(self, step: int) -> None:
        """Mark while moving."""
        if self.count:
            old = self.cursor
            self.action_cursor_by(step)
            self._mark(old, self.cursor, on=True)

    def action_select_all(self) -> None:
        """Mark all, or none if all are marked."""
        if self.count:
            self._mark_all(on=not self._marks().all())
            self.refresh()
            self.post_message(self.SelectionChanged())

    def _mark_all(self, *, on: bool) -> None:
        self._marks()[:] = on
        self._chosen, self._is_all_wanted = None, on

    def clear_selection(self) -> bool:
        """Unmark all; say whether there was anything."""
        had = self.selected_count > 0
        if had:
            self._selected = None
            self._chosen, self._is_all_wanted = None, False
            self.refresh()
            self.post_message(self.SelectionChanged())
        return had

    def action_go_to(self) -> None:
        """Ask for a row."""
        self.post_message(self.GoToAsked())

"""The image table with its title, its headings, and what to do when there is nothing in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.library import ImageRow
from dtk_tui.services.view_state import ViewState
from dtk_tui.text import counted
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.grid.image_grid import ImageGrid
from dtk_tui.ui.widgets.grid.pictures import PictureSource
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.heads import Heads
from dtk_tui.ui.widgets.tables.image_table import COLUMNS
from dtk_tui.ui.widgets.tables.layout import Layout, from_json
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

#: What the columns of images are called in the kept state, and how long they must rest before they are kept.
_KEPT_AS, _REST_S = "image_columns", 0.3


class ImagePane(Vertical):
    """Images of a folder or of a search.

    Args:
        fetch: as of the table.
        pictures: where thumbnails come from; None leaves it a table.
        state: where the columns are kept from session to session; None: nowhere.

    Attributes:
        is_folding: whether images that are alike shall be one row.
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[int]], Sequence[ImageRow]],
        pictures: PictureSource | None = None,
        *,
        state: ViewState | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.is_folding = False
        self._fetch = fetch
        self._state = state
        self._pictures = pictures
        self._what = Content("")
        self._order = ""
        self._new = 0
        #: Columns that rest before they are kept.
        self._resting: object = None

    def compose(self) -> ComposeResult:
        """Title, headings, table."""
        yield Line(id="images-title", classes="pane-title")
        yield Heads(id="images-heads", classes="heads")
        yield ImageGrid(self._fetch, self._pictures, id="images")
        empty = Static(markup=False, id="images-empty")
        empty.display = False
        yield empty

    @property
    def table(self) -> ImageGrid:
        """The table, which can be a grid of thumbnails."""
        return self.query_one(ImageGrid)

    # -- columns ------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Take up the columns of the last session."""
        if self._state is not None:
            self.table.column_layout = from_json(self._state.value(_KEPT_AS), [column.id for column in COLUMNS])

    @task("columns")
    async def _keep(self, state: ViewState) -> None:
        await asyncio.sleep(_REST_S)
        written = self._resting
        await in_thread(state.keep, **{_KEPT_AS: written})
        if self._resting is written:
            self._resting = None

    def on_unmount(self) -> None:
        """Keep what had no time to rest."""
        if self._state is not None and self._resting is not None:
            self._state.keep(**{_KEPT_AS: self._resting})

    def choose_columns(self, layout: Layout) -> None:
        """Show other columns, or other widths, now and in the next session."""
        self.table.column_layout = layout
        if self._state is not None:
            self._resting = layout.to_json()
            self._keep(self._state)

    def on_heads_width_set(self, event: Heads.WidthSet) -> None:
        """Give a column another width."""
        event.stop()
        self.choose_columns(self.table.column_layout.with_width(event.column, event.width))

    def on_virtual_table_columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        """Write the headings over their columns."""
        event.stop()
        self.query_one(Heads).show_columns(event.titles, event.placed)

    # -- title --------------------------------------------------------------------------------------------------------

    def show_title(self, what: str, order: str, sort: tuple[str, bool] | None = None) -> None:
        """Name what is shown and how it is ordered; by which column of the query line, and whether downwards."""
        self._what, self._order = line(what, limit=80), order
        self.query_one(Heads).show_sort(sort)
        self._draw_title()

    def show_new(self, count: int) -> None:
        """Offer a refresh: how many images are new; 0 takes the offer away."""
        if count != self._new:
            self._new = count
            self._draw_title()

    def show_empty(self, words: Content | None) -> None:
        """Say how to fill the library, instead of an empty table; None shows the table."""
        empty = self.query_one("#images-empty", Static)
        if words is not None:
            empty.update(words)
        empty.display = words is not None
        self.table.display = words is None
        self.query_one("#images-heads").display = words is None

    def on_virtual_table_selection_changed(self, event: VirtualTable.SelectionChanged) -> None:
        """Count what is marked."""
        self._draw_title()

    def on_image_grid_cursor_named(self, event: ImageGrid.CursorNamed) -> None:
        """Name the image under the cursor of a grid where a table has its headings."""
        event.stop()
        self.query_one(Heads).show_columns(event.words, ())

    def _draw_title(self) -> None:
        table = self.table
        images = f"  {table.all_count:,}" + (f" in {counted(table.count, 'row')}" if table.is_folded else "")
        parts: list[tuple[str, str]] = [(images, "bold"), (f"  {self._order}", "$muted")]
        if table.selected_count:
            # What is chosen is images, however many rows they are.
            parts.append((f"   {table.chosen_count:,} selected", "$accent"))
        if self._new:
            parts.append((f"   refresh (r): {self._new:,} new", "$success"))
        self.query_one("#images-title", Line).show(Content.assemble(self._what, *parts))

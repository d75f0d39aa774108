"""The image table with its title, its headings, and what to do when there is nothing in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.library import ImageRow
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.grid.image_grid import ImageGrid
from dtk_tui.ui.widgets.grid.pictures import PictureSource
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.virtual_table import VirtualTable

_EMPTY = Content.assemble(
    ("This library is empty.", "bold"),
    "\n\nAdd a folder of images with ",
    ("Ctrl+O", "bold $accent"),
    ",\nor in a shell with ",
    ("dtk scan PATH", "bold $accent"),
    ".\nComing from Diffusion Toolkit? ",
    ("I", "bold $accent"),
    " imports its database.\n\nA first quick pass lists the files, a second one reads how each image was made. "
    "The originals are never changed.",
)


class ImagePane(Vertical):
    """Images of a folder or of a search.

    Args:
        fetch: as of the table.
        pictures: where thumbnails come from; None leaves it a table.
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[int]], Sequence[ImageRow]],
        pictures: PictureSource | None = None,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._fetch = fetch
        self._pictures = pictures
        self._what = Content("")
        self._order = ""
        self._new = 0

    def compose(self) -> ComposeResult:
        """Title, headings, table."""
        yield Line(id="images-title", classes="pane-title")
        yield Line(id="images-heads", classes="heads")
        yield ImageGrid(self._fetch, self._pictures, id="images")
        empty = Static(_EMPTY, markup=False, id="images-empty")
        empty.display = False
        yield empty

    @property
    def table(self) -> ImageGrid:
        """The table, which can be a grid of thumbnails."""
        return self.query_one(ImageGrid)

    def show_title(self, what: str, order: str) -> None:
        """Name what is shown and how it is ordered."""
        self._what, self._order = line(what, limit=80), order
        self._draw_title()

    def show_new(self, count: int) -> None:
        """Offer a refresh: how many images are new; 0 takes the offer away."""
        if count != self._new:
            self._new = count
            self._draw_title()

    def show_empty(self, is_empty: bool) -> None:
        """Say how to fill the library, instead of an empty table."""
        self.query_one("#images-empty").display = is_empty
        self.table.display = not is_empty
        self.query_one("#images-heads").display = not is_empty

    def on_virtual_table_selection_changed(self, event: VirtualTable.SelectionChanged) -> None:
        """Count what is marked."""
        self._draw_title()

    def on_virtual_table_columns_placed(self, event: VirtualTable.ColumnsPlaced) -> None:
        """Write the headings over their columns."""
        event.stop()
        self.query_one("#images-heads", Line).show(Content(event.titles))

    def on_image_grid_cursor_named(self, event: ImageGrid.CursorNamed) -> None:
        """Name the image under the cursor of a grid where a table has its headings."""
        event.stop()
        self.query_one("#images-heads", Line).show(Content(event.words))

    def _draw_title(self) -> None:
        table = self.table
        parts: list[tuple[str, str]] = [(f"  {table.count:,}", "bold"), (f"  {self._order}", "$muted")]
        if table.selected_count:
            parts.append((f"   {table.selected_count:,} selected", "$accent"))
        if self._new:
            parts.append((f"   refresh (r): {self._new:,} new", "$success"))
        self.query_one("#images-title", Line).show(Content.assemble(self._what, *parts))

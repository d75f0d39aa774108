"""The image table with its title, its headings, and what to do when there is nothing in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from dtk_tui.domain.library import ImageRow
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.widgets.tables.image_table import ImageTable
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
    """Images of a folder or of a search."""

    def __init__(self, fetch: Callable[[Sequence[int]], Sequence[ImageRow]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fetch = fetch
        self._what = Content("")
        self._order = ""
        self._new = 0

    def compose(self) -> ComposeResult:
        """Title, headings, table."""
        yield Line(id="images-title", classes="pane-title")
        yield Line(id="images-heads", classes="heads")
        yield ImageTable(self._fetch, id="images")
        empty = Static(_EMPTY, markup=False, id="images-empty")
        empty.display = False
        yield empty

    @property
    def table(self) -> ImageTable:
        """The table."""
        return self.query_one(ImageTable)

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

    def _draw_title(self) -> None:
        table = self.table
        parts: list[tuple[str, str]] = [(f"  {table.count:,}", "bold"), (f"  {self._order}", "$muted")]
        if table.selected_count:
            parts.append((f"   {table.selected_count:,} selected", "$accent"))
        if self._new:
            parts.append((f"   refresh (r): {self._new:,} new", "$success"))
        self.query_one("#images-title", Line).show(Content.assemble(self._what, *parts))

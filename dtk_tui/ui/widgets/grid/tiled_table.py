"""A table of images that can stand as tiles: their places, and moving about among them."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size

from dtk_tui.ui.widgets.grid.tiles import WIDTHS, Tiles, tiles_in
from dtk_tui.ui.widgets.tables.image_table import ImageTable


class TiledTable(ImageTable):
    """Images below each other, or side by side as tiles; one list, one cursor, one selection."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "cursor_aside(-1)", "To the left", show=False, id="grid.left"),
        Binding("right", "cursor_aside(1)", "To the right", show=False, id="grid.right"),
        Binding("shift+left", "extend_aside(-1)", "Select to the left", show=False, id="grid.select_left"),
        Binding("shift+right", "extend_aside(1)", "Select to the right", show=False, id="grid.select_right"),
    ]

    #: Whether tiles are shown, which of ``WIDTHS`` they have, and how they stand.
    is_grid = False
    tile_width = 1
    tiles = Tiles(1, 2, 2)

    def tiles_changed(self) -> None:
        """Take over tiles of another size."""

    def show_as(self, *, grid: bool, width: int) -> None:
        """Show a table, or tiles of one of ``WIDTHS``; cursor and selection stay."""
        self.is_grid = grid
        self.tile_width = max(0, min(width, len(WIDTHS) - 1))
        self.place_columns()
        self.virtual_size = Size(0, self.total_lines)
        above = self._page // 2 * self.tall
        self.scroll_to(y=max(0, self.top_of(self.cursor) - above), animate=False, force=True)

    def place_columns(self) -> None:
        """Fit columns or tiles to the present room."""
        if not self.is_grid:
            super().place_columns()
            return
        # Room for a scrollbar is always left: it would come and go with the number of lines, which depends on it.
        room = Size(self.size.width - 1, self.scrollable_content_region.height)
        tiles = tiles_in(room, WIDTHS[self.tile_width])
        if tiles != self.tiles:
            self.tiles = tiles
            self.tiles_changed()
        self.virtual_size = Size(0, self.total_lines)
        self.redraw()
        self._reveal()

    @property
    def across(self) -> int:
        """How many images stand side by side."""
        return self.tiles.across if self.is_grid else 1

    @property
    def tall(self) -> int:
        """How many lines of the terminal each takes."""
        return self.tiles.tall if self.is_grid else 1

    @property
    def total_lines(self) -> int:
        """How many lines of the terminal all take; with a rest at the end, so that the last tiles begin at the top."""
        lines, room = super().total_lines, self.scrollable_content_region.height
        return lines + room % self.tall if lines > room else lines

    def rows_at(self, line: int) -> range:
        """Return the images of which a line of the terminal shows a part, counted from the first of all."""
        first = line // self.tall * self.across
        return range(min(first, self.count), min(first + self.across, self.count))

    def region_of(self, row: int, first: int, lines: int) -> Region:
        """Return where some lines of a tile are, relative to this widget."""
        top = self.top_of(row) - self.scroll_offset.y + first
        return Region(row % self.across * self.tiles.width, top, self.tiles.width, lines)

    def row_at(self, event: events.MouseEvent) -> int | None:
        """Return the image under the mouse."""
        if not self.is_grid:
            return super().row_at(event)
        offset = event.get_content_offset(self)
        if offset is None or offset.x // self.tiles.width >= self.across:
            return None
        row = (offset.y + self.scroll_offset.y) // self.tall * self.across + offset.x // self.tiles.width
        return row if row < self.count else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys for sideways free in a table."""
        if action in ("cursor_aside", "extend_aside"):
            return self.is_grid
        return super().check_action(action, parameters)

    def action_cursor_by(self, step: int) -> None:
        """Move by lines of images; stay where there is none."""
        wanted = self.cursor + step * self.across
        if 0 <= wanted // self.across <= (self.count - 1) // self.across:
            self.cursor = wanted

    def action_cursor_aside(self, step: int) -> None:
        """Go to the image beside."""
        self.cursor += step

    def action_extend_aside(self, step: int) -> None:
        """Mark while moving to the image beside."""
        if self.count:
            old = self.cursor
            self.cursor += step
            self._mark(old, self.cursor, on=True)

"""The images of a list as lines or as thumbnails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip

from dtk_tui.domain.library import ImageRow, PictureFile
from dtk_tui.errors import DtkError
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.textual_compat import link_of
from dtk_tui.ui.widgets.graphics import after_sixel, sixel_at
from dtk_tui.ui.widgets.grid.pictures import LOADERS, Painter, PictureMemory, PictureSource, TilePicture
from dtk_tui.ui.widgets.grid.tiled_table import TiledTable
from dtk_tui.ui.widgets.grid.tiles import SIGNS, caption
from dtk_tui.ui.widgets.tables.cursor_list import Cell
from dtk_tui.ui.widgets.tables.image_table import rated
from dtk_tui.ui.widgets.tables.pages import PAGE

#: The list must rest for this long before pictures are asked for: what is passed by is not decoded.
_REST_S = 0.06
#: Seconds that the pictures of a screen may take together on their way to it.
_SCREEN_S = 2.0
#: One has at least so many bytes.
_LEAST_BYTES = 2048
_KEPT_LINES = 400


class ImageGrid(TiledTable):
    """Images as a table, or as thumbnails of which only those in sight and one screen ahead are asked for.

    Args:
        pictures: where thumbnails come from; None leaves it a table.
    """

    HELP: ClassVar[str] = f"{TiledTable.HELP}   {SIGNS}"

    class CursorNamed(Message):
        """What is to be said of the image under the cursor, in place of headings."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(
        self,
        fetch: Callable[[Sequence[int]], Sequence[ImageRow]],
        pictures: PictureSource | None = None,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(fetch, id=id)
        self._source = pictures
        self._memory = PictureMemory()
        #: Lines of the terminal as they were drawn, with what the line below pictures depends on.
        self._lines: dict[int, tuple[object, Strip]] = {}
        #: What was in sight when pictures were asked for; None: they are to be asked for again.
        self._seen: tuple[int, range] | None = None
        self._first = 0
        self._places: dict[int, int] = {}
        self._is_at_rest = True
        self._has_failed = False

    @property
    def can_be_grid(self) -> bool:
        """Whether there are pictures to be shown."""
        return self._source is not None and self._source.protocol != "off"

    def show_as(self, *, grid: bool, width: int) -> None:
        """Show a table, or tiles of one of ``WIDTHS`` where pictures can be shown; cursor and selection stay."""
        self.tiles_changed()
        super().show_as(grid=grid and self.can_be_grid, width=width)

    def tiles_changed(self) -> None:
        """Prepare all pictures anew."""
        self._memory.clear()
        self._seen = None

    def on_mount(self) -> None:
        """The ground beside pictures is drawn with them: other colours are other drawings."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw_anew())
        # A terminal that went to its shell and back may have forgotten the pictures.
        self.app.app_resume_signal.subscribe(self, lambda _: self._draw_anew())

    def _draw_anew(self) -> None:
        self.tiles_changed()
        self.redraw()

    def place_columns(self) -> None:
        """Fit columns or tiles to the present room."""
        super().place_columns()
        self._show_status()

    def count_changed(self, cursor: int = 0, *, still: bool = False) -> None:
        """Show another list; pictures are looked at again, the files may be others."""
        self._memory.expire()
        self._seen = None
        super().count_changed(cursor, still=still)

    def renew(self) -> None:
        """Fetch again what is visible, and forget the rest."""
        if self._has_failed:
            self._has_failed, self._seen = False, None
            self.refresh()
        super().renew()

    def _take_page(self, page: int, rows: list[ImageRow | None]) -> None:
        for number, new in enumerate(rows, page * PAGE):
            old = self.row(number)
            if old is not None and new is not None and old.file_size != new.file_size:
                self._memory.expire(new.id)
                self._seen = None
        super()._take_page(page, rows)

    # -- the line above -----------------------------------------------------------------------------------------------

    def on_cursor_list_moved(self) -> None:
        """Name the image under the cursor."""
        self._show_status()

    def _show_status(self) -> None:
        if not self.is_grid:
            return  # a picture can come when the tiles are gone, and the line is that of the headings
        number, count = self.position
        parts = [f"{number:,} of {count:,}"] if count else []
        if (row := self.current_row) is not None:
            picture = self._memory.get(row.id)
            size = f"{row.width}\u00d7{row.height}" if row.width and row.height else ""
            reason = "" if picture is None else picture.reason
            parts += [one_line(row.file_name, 300), rated(row)[0], size, reason]
        self.post_message(self.CursorNamed(" " + "  ".join(part for part in parts if part)))

    # -- drawing ------------------------------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw everything again."""
        self._lines.clear()
        super().redraw()

    def notify_style_update(self) -> None:
        """Draw again with other colours."""
        self._lines.clear()
        super().notify_style_update()

    def cells(self, row: int, width: int) -> list[Cell]:
        """Draw the line of an image, or the one below its picture."""
        found = self.row(row) if self.is_grid and self.has_row(row) else None
        if found is None:
            return super().cells(row, width)
        fold = self.fold_cell(row)
        return caption(found, width, current=row == self.cursor, selected=self.is_selected(row), fold=fold)

    def forget_row(self, row: int) -> None:
        """Draw an image again when it comes into sight the next time."""
        super().forget_row(row)
        self._lines.pop(self.top_of(row) + self.tall - 1, None)

    def repaint_row(self, row: int) -> None:
        """Repaint the line of an image, or the one below its picture, which stays as it is."""
        if self.is_grid:
            self.refresh(self.region_of(row, self.tall - 1, 1))
        else:
            super().repaint_row(row)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw what is in sight; tiles go past the steps that add styles, as each of their cells has its own."""
        if not self.is_grid:
            return super().render_lines(crop)
        top, width = self.scroll_offset.y, self.scrollable_content_region.width
        if self._seen != (top, self.visible_rows):
            self._is_at_rest = self._is_at_rest and self._seen is not None and self._seen[0] == top
            self._seen = (top, self.visible_rows)
            self.call_later(self._ask)
        if len(self._lines) > _KEPT_LINES:
            self._lines.clear()
        lines = []
        for y in crop.line_range:
            strip = self._line(top + y, width).crop(crop.x, min(crop.right, width))
            lines.append(self._with_pictures(strip, top + y))
        return lines

    def _line(self, line: int, width: int) -> Strip:
        rows = self.rows_at(line)
        is_caption = line % self.tall == self.tall - 1
        state = (self.cursor if self.cursor in rows else -1, *map(self.is_selected, rows)) if is_caption else None
        kept = self._lines.get(line)
        if kept is not None and kept[0] == state and kept[1].cell_length == width:
            return kept[1]
        strip = Strip.join(self._pieces(line, rows, width))
        if not is_caption or all(self.is_drawn_for_good(row) for row in rows):
            self._lines[line] = (state, strip)
        return strip

    def _pieces(self, line: int, rows: range, width: int) -> Iterator[Strip]:
        room, inner = self.tiles.picture, line % self.tall
        gap, blank = self._blank(1), self._blank(room.width)
        for row in rows:
            if inner == room.height:
                yield self._draw_row(row, room.width, self.is_selected(row), row == self.cursor)
            else:
                picture = self._memory.get(int(self.ids[row]))
                yield picture.strips[inner] if picture is not None and picture.strips else blank
            yield gap
        yield self._blank(max(0, width - len(rows) * self.tiles.width))

    def _blank(self, width: int) -> Strip:
        """Return so many blanks, prepared to the last byte as pictures are; a line of both is then joined bytes."""
        strip = Strip.blank(width, self.rich_style)
        strip.render(self.app.console)
        return strip

    def _with_pictures(self, strip: Strip, line: int) -> Strip:
        """Return the last line of pictures with their Sixel data, if all of their lines are in sight and at rest."""
        top, room = self.scroll_offset.y, self.tiles.picture
        first = line - room.height + 1
        if line % self.tall != room.height - 1 or first < top or not self._is_at_rest or not self.screen.is_active:
            return strip
        controls: list[Segment] = []
        for place, row in enumerate(self.rows_at(line)):
            picture = self._memory.get(int(self.ids[row]))
            if picture is not None and picture.sixel is not None:
                cells = picture.sixel.cells
                left = place * self.tiles.width + (room.width - cells.width) // 2
                at = Offset(left, first - top + (room.height - cells.height) // 2)
                controls += sixel_at(picture.sixel, self.region.offset + at)
        if not controls:
            return strip
        back = after_sixel(self.region.offset + Offset(strip.cell_length, line - top))
        return Strip([*strip, *controls, back], strip.cell_length)

    # -- pictures -----------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask for the pictures in sight, then for those one screen on in the direction in which one moves."""
        if not self.is_grid:
            return
        rows = self.visible_rows
        before = range(max(0, rows.start - len(rows)), rows.start)
        ahead = range(rows.stop, min(self.count, rows.stop + len(rows)))
        further = reversed(before) if rows.start < self._first else ahead
        self._first = rows.start
        self._places = {int(self.ids[row]): row for row in (*rows, *further)}
        self._load_pictures([one for one in self._places if one not in self._memory])

    @task("pictures")
    async def _load_pictures(self, ids: list[int]) -> None:
        source = self._source
        await asyncio.sleep(_REST_S)
        if source is None:
            return
        if not self._is_at_rest and source.protocol == "sixel":
            self.refresh()
        self._is_at_rest = True
        if not ids:
            return
        try:
            files = await in_thread(source.files, ids)
        except DtkError:
            self._has_failed = True
            raise
        link = link_of(self.app)
        most = link.bytes_in(_SCREEN_S)
        each = None if most is None else max(_LEAST_BYTES, most // max(1, len(self.visible_rows)))
        painter = Painter(source, self.tiles.picture, self.rich_style, self.app.console, link, each)
        left = iter(ids)
        await asyncio.gather(*(self._load_some(painter, left, files) for _ in range(LOADERS)))

    async def _load_some(self, painter: Painter, left: Iterator[int], files: Mapping[int, PictureFile]) -> None:
        for image_id in left:
            if image_id in files:
                self._take_picture(image_id, await painter.picture(files[image_id]))

    def _take_picture(self, image_id: int, picture: TilePicture) -> None:
        self._memory.put(image_id, picture, self._places.keys())
        row = self._places.get(image_id, -1)
        if not 0 <= row < self.count or self.ids[row] != image_id:
            self.redraw()  # the list became another one meanwhile
            return
        for line in range(self.top_of(row), self.top_of(row) + self.tall - 1):
            self._lines.pop(line, None)
        region = self.region_of(row, 0, self.tall - 1)
        # Sixel data of the images beside it are in the same line, which is drawn as a whole.
        self.refresh(region if picture.sixel is None else Region(0, region.y, self.size.width, region.height))
        if row == self.cursor:
            self._show_status()

    def on_unmount(self) -> None:
        """Leave nothing in the terminal's memory."""
        self._memory.clear()

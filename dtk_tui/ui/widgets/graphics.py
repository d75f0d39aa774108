"""Pictures in true pixels, encoded in a thread: Kitty's graphics protocol and Sixel, by textual-image."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.geometry import Offset, Region, Size
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from PIL import Image as PILImage

#: Marks what is sent to the terminal and takes no room on the screen.
_NO_CELLS: Final = [(ControlType.CURSOR_FORWARD, 0)]
#: A picture goes to the terminal in parts, and nothing of another one may come between them.
_terminal = threading.Lock()


def room_px(cells: Size) -> tuple[int, int]:
    """Return the pixels that an area of the terminal has; the terminal was asked before the app began."""
    from textual_image._terminal import get_cell_size

    cell = get_cell_size()
    return cells.width * cell.width, cells.height * cell.height


def _segments(renderable: Any, cells: Size) -> list[Segment]:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=cells.width)
    return list(console.render(renderable, console.options.update(width=cells.width, height=cells.height)))


def _cells_of(image: PILImage.Image, room: Size) -> Size:
    width, height = room_px(Size(1, 1))
    return Size(
        max(1, min(room.width, round(image.width / width))), max(1, min(room.height, round(image.height / height)))
    )


class KittyImage:
    """A picture that the terminal has in its memory, until ``free``; ``strips`` are its placeholders."""

    def __init__(self, image: PILImage.Image, room: Size) -> None:
        from textual_image.renderable.tgp import Image

        cells = _cells_of(image, room)
        self._renderable = Image(image, cells.width, cells.height)
        self.strips: list[Strip] = []
        line: list[Segment] = []
        with _terminal:
            segments = _segments(self._renderable, room)
        for segment in segments:
            text = segment.text.rstrip("\n")
            if text:
                line.append(Segment(text, segment.style))
            if segment.text.endswith("\n"):
                self.strips.append(Strip(line, cells.width))
                line = []

    def free(self) -> None:
        """Take the picture out of the terminal's memory."""
        with _terminal:
            self._renderable.cleanup()


@dataclass(frozen=True, slots=True)
class SixelImage:
    """A picture as Sixel data, and the cells it covers."""

    data: str
    cells: Size


def sixel(image: PILImage.Image, room: Size) -> SixelImage:
    """Encode a picture; takes a tenth of a second at preview size."""
    from textual_image.renderable.sixel import Image

    cells = _cells_of(image, room)
    segments = _segments(Image(image, cells.width, cells.height), room)
    return SixelImage("".join(s.text for s in segments if s.text.startswith("\x1bP")), cells)


def sixel_at(image: SixelImage, place: Offset) -> list[Segment]:
    """Return what draws a picture at a place of the screen, and leaves the cursor anywhere; it takes no cells."""
    move = Control.move_to(place.x, place.y).segment.text
    return [Segment(move, Style(), _NO_CELLS), Segment(image.data, Style(), _NO_CELLS)]


def after_sixel(place: Offset) -> Segment:
    """Return what sets the cursor to a place behind pictures; it takes no cells."""
    return Segment(Control.move_to(place.x, place.y).segment.text, Style(), _NO_CELLS)


class SixelPicture(Widget):
    """Draws Sixel data over its own blank lines.

    A terminal keeps no pixels behind text, so a dialogue in front of the picture erases it, and it is drawn again when
    the screen is in front.
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(classes="pixels")
        self._image: SixelImage | None = None

    def show(self, image: SixelImage | None) -> None:
        """Show a picture, or nothing."""
        self._image = image
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return blank lines; the last one also holds the picture."""
        style = self.rich_style
        lines = [Strip.blank(crop.width, style)] * crop.height
        image = self._image
        if image is None or not lines or not self.screen.is_active:
            return lines
        if image.cells.width > self.size.width or image.cells.height > self.size.height:
            return lines
        region = self.content_region
        left = region.x + (region.width - image.cells.width) // 2
        top = region.y + max(0, (region.height - image.cells.height) // 2)
        controls = [*sixel_at(image, Offset(left, top)), after_sixel(Offset(region.right, region.bottom - 1))]
        lines[-1] = Strip([Segment(" " * crop.width, style), *controls], crop.width)
        return lines

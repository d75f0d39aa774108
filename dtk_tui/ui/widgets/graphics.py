"""Pictures in true pixels, encoded in a thread: Kitty's graphics protocol and Sixel, by textual-image.

Where the link is slow they have fewer colours, and then fewer pixels, until they get there in time.
"""

from __future__ import annotations

import base64
import io
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.geometry import Offset, Region, Size
from textual.strip import Strip
from textual.widget import Widget

from dtk_tui.terminal_report import largest_sixel
from dtk_tui.ui.drivers.link import LinkSpeed

if TYPE_CHECKING:
    from PIL import Image as PILImage

#: Marks what is sent to the terminal and takes no room on the screen.
_NO_CELLS: Final = [(ControlType.CURSOR_FORWARD, 0)]
#: A picture goes to the terminal in parts, and nothing of another one may come between them.
_terminal = threading.Lock()
#: Characters of one part, as the protocol bounds it.
_PART = 4096
#: So few colours make a picture a sixth to a tenth as long, and it is still the same picture.
_FEW_COLORS = 64
#: Bytes of a pixel of Sixel data in all its colours, at the least: with less room it is not tried.
_LEAST_SIXEL = 0.25
#: Smaller pictures are tried so often; each is about as long as there is room for.
_TRIES = 4
T = TypeVar("T")


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


def smaller(image: PILImage.Image, share: float) -> PILImage.Image:
    """Return a picture with about so much of its pixels (0 to 1)."""
    scale = share**0.5
    return image.resize((max(1, int(image.width * scale)), max(2, int(image.height * scale))), reducing_gap=2.0)


def fit_length(
    image: PILImage.Image,
    encode: Callable[[PILImage.Image], T],
    length: Callable[[T], int],
    most: int | None,
) -> T:
    """Encode a picture, and where that is too long, ever smaller ones.

    Args:
        most: bytes that the result may have; None: any number.
    """
    data = encode(image)
    for _ in range(_TRIES):
        if most is None or length(data) <= most:
            break
        image = smaller(image, 0.95 * most / length(data))
        data = encode(image)
    return data


def _png(image: PILImage.Image, colors: int | None) -> str:
    from PIL import Image as PILImage

    if colors is not None:
        image = image.quantize(colors, PILImage.Quantize.FASTOCTREE, dither=PILImage.Dither.NONE)
    data = io.BytesIO()
    image.save(data, "png", compress_level=2 if colors is None else 6)
    return base64.b64encode(data.getvalue()).decode("ascii")


class KittyImage:
    """A picture that the terminal has in its memory, until ``free``; ``strips`` are its placeholders.

    Args:
        room: cells that it may cover; where it has fewer pixels than these, the terminal enlarges it.
        link: over which it is sent.
        most: bytes that it may have; None: any number.
        check: called between its parts; raises when nobody wants it any more.
    """

    def __init__(
        self,
        image: PILImage.Image,
        room: Size,
        link: LinkSpeed | None = None,
        most: int | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        from textual_image.renderable.tgp import Image

        cells = _cells_of(image, room)
        data = _png(image, None)
        if most is not None and len(data) > most:
            data = fit_length(image, lambda one: _png(one, _FEW_COLORS), len, most)
        self._renderable = Image(image, cells.width, cells.height)
        self._id = self._renderable.terminal_image_id = next(Image._image_id_counter)
        with _terminal:
            self._send(data, link or LinkSpeed(), check)
            self._say(f"a=p,i={self._id},c={cells.width},r={cells.height},U=1,q=2")
        self.strips: list[Strip] = []
        line: list[Segment] = []
        for segment in _segments(self._renderable, room):
            text = segment.text.rstrip("\n")
            if text:
                line.append(Segment(text, segment.style))
            if segment.text.endswith("\n"):
                self.strips.append(Strip(line, cells.width))
                line = []

    def _send(self, data: str, link: LinkSpeed, check: Callable[[], None]) -> None:
        before, after = link.questions(len(data))
        self._write(before)
        try:
            while data:
                check()
                part, data = data[:_PART], data[_PART:]
                self._say(f"i={self._id},m={int(bool(data))},f=100,q=2", part)
        except BaseException:
            # What has begun is ended and taken away again, so that the terminal waits for nothing.
            if before:
                link.disregard()
            self._say(f"i={self._id},m=0,q=2")
            self._say(f"a=d,d=I,i={self._id},q=2")
            raise
        finally:
            self._write(after)

    def _say(self, keys: str, data: str = "") -> None:
        self._write(f"\x1b_G{keys}{';' if data else ''}{data}\x1b\\")

    def _write(self, words: str) -> None:
        if sys.__stdout__ is not None:
            sys.__stdout__.write(words)
            sys.__stdout__.flush()

    def free(self) -> None:
        """Take the picture out of the terminal's memory."""
        with _terminal:
            self._renderable.cleanup()


@dataclass(frozen=True, slots=True)
class SixelImage:
    """A picture as Sixel data, and the cells it covers.

    Attributes:
        parts: where each begins, in cells from the top left corner, and its data; several where the terminal takes no
            picture that is so large.
    """

    parts: tuple[tuple[Offset, str], ...]
    cells: Size

    @property
    def length(self) -> int:
        """Characters of all of it."""
        return sum(len(data) for _, data in self.parts)


def sixel(image: PILImage.Image, room: Size, most: int | None = None) -> SixelImage:
    """Encode a picture in at most so many bytes; takes a tenth of a second at preview size, and that for each try."""
    if most is None or most > image.width * image.height * _LEAST_SIXEL:
        found = _sixel(image, room, None)
        if most is None or found.length <= most:
            return found
    return fit_length(image, lambda one: _sixel(one, room, _FEW_COLORS), lambda one: one.length, most)


def _sixel(image: PILImage.Image, room: Size, colors: int | None) -> SixelImage:
    from textual_image.renderable.sixel import Image, SixelOptions

    options = None if colors is None else SixelOptions(colors=colors)
    cells = _cells_of(image, room)
    places = tuple(_parts(cells))
    if len(places) > 1:
        image = image.resize(room_px(cells), reducing_gap=2.0)
    parts = []
    for place in places:
        part = (
            image
            if len(places) == 1
            else image.crop((*room_px(Size(*place.offset)), *room_px(Size(*place.bottom_right))))
        )
        segments = _segments(Image(part, place.width, place.height, options), room)
        parts.append((place.offset, "".join(s.text for s in segments if s.text.startswith("\x1bP"))))
    return SixelImage(tuple(parts), cells)


def _parts(cells: Size) -> Iterator[Region]:
    """Give the cells of a picture in parts that the terminal takes."""
    most, (width, height) = largest_sixel(), room_px(Size(1, 1))
    across, down = cells if most is None else (max(1, most[0] // width), max(1, most[1] // height))
    for y in range(0, cells.height, down):
        for x in range(0, cells.width, across):
            yield Region(x, y, min(across, cells.width - x), min(down, cells.height - y))


def sixel_at(image: SixelImage, place: Offset) -> list[Segment]:
    """Return what draws a picture at a place of the screen, and leaves the cursor anywhere; it takes no cells."""
    drawn = []
    for offset, data in image.parts:
        move = Control.move_to(*(place + offset)).segment.text
        drawn += [Segment(move, Style(), _NO_CELLS), Segment(data, Style(), _NO_CELLS)]
    return drawn


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
        if image is None or not lines or crop.bottom < self.size.height or not self.screen.is_active:
            return lines
        if image.cells.width > self.size.width or image.cells.height > self.size.height:
            return lines
        region = self.content_region
        left = region.x + (region.width - image.cells.width) // 2
        top = region.y + max(0, (region.height - image.cells.height) // 2)
        controls = [*sixel_at(image, Offset(left, top)), after_sixel(Offset(region.right, region.bottom - 1))]
        lines[-1] = Strip([Segment(" " * crop.width, style), *controls], crop.width)
        return lines

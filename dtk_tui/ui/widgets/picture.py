"""A picture in the terminal: Kitty's protocol, Sixel, half blocks, or letters."""

from __future__ import annotations

import asyncio
from typing import Any

from PIL import Image as PILImage
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.palette import Palette
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dtk_tui.errors import UnreadableFileError
from dtk_tui.services import previews
from dtk_tui.text import one_line
from dtk_tui.ui.background import task
from dtk_tui.ui.widgets.status import Line
from dtk_tui.ui.wording import line

_RAMP = " .:-=+*#%@"
_HALF = "\u2580"


def _palette_256() -> PILImage.Image:
    from rich._palettes import EIGHT_BIT_PALETTE

    colors: Palette = EIGHT_BIT_PALETTE
    flat = [part for number in range(16, 256) for part in colors[number]]
    image = PILImage.new("P", (1, 1))
    image.putpalette(flat + flat[-3:] * 16)
    return image


def half_blocks(image: PILImage.Image, *, few_colors: bool) -> list[Strip]:
    """Draw an RGB image with two pixels a cell; with ``few_colors`` dithered to the 256 colours of older terminals."""
    if few_colors:
        image = image.quantize(palette=_palette_256()).convert("RGB")
    if image.height % 2:
        image = image.crop((0, 0, image.width, max(2, image.height - 1)))
    width, data = image.width, image.tobytes()
    colors: dict[bytes, Color] = {}

    def color(index: int) -> Color:
        key = data[index * 3 : index * 3 + 3]
        if key not in colors:
            colors[key] = Color.from_triplet(ColorTriplet(*key))
        return colors[key]

    strips = []
    for top in range(0, image.height, 2):
        first = top * width
        pairs = [Style(color=color(first + x), bgcolor=color(first + width + x)) for x in range(width)]
        strips.append(Strip([Segment(_HALF, style) for style in pairs], width))
    return strips


def letters(image: PILImage.Image) -> list[Strip]:
    """Draw an image with letters of different weight, for terminals without colours."""
    gray = image.convert("L").resize((image.width, max(1, image.height // 2)))
    data, width = gray.tobytes(), gray.width
    rows = (
        "".join(_RAMP[value * len(_RAMP) // 256] for value in data[y * width : (y + 1) * width])
        for y in range(gray.height)
    )
    return [Strip([Segment(row)], width) for row in rows]


class CellPicture(Widget):
    """A picture that is made of characters, drawn beforehand in a thread."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._strips: list[Strip] = []

    def show(self, strips: list[Strip]) -> None:
        """Show prepared lines, or nothing."""
        self._strips = strips
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line, the picture in the middle."""
        width, base = self.size.width, self.rich_style
        y -= max(0, (self.size.height - len(self._strips)) // 2)
        if not 0 <= y < len(self._strips):
            return Strip.blank(width, base)
        strip = self._strips[y]
        left = max(0, (width - strip.cell_length) // 2)
        body = [Segment(text, base + style if style else base) for text, style, _ in strip]
        return Strip([Segment(" " * left, base), *body]).adjust_cell_length(width, base)


class Picture(Container):
    """Shows one file; decoding and drawing happen in a thread, the newest request wins."""

    class Shown(Message):
        """A picture is on the screen, or it was found that there is none to show."""

    def __init__(self, protocol: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._protocol = protocol
        self._path: str | None = None
        self._drawn: tuple[str | None, Size] = (None, Size(0, 0))

    def compose(self) -> ComposeResult:
        """The picture, and a line for why there is none."""
        yield self._make_widget()
        yield Line(classes="reason")

    def _make_widget(self) -> Widget:
        if self._protocol == "kitty":
            from textual_image.widget import TGPImage

            return TGPImage(classes="pixels")
        if self._protocol == "sixel":
            from textual_image.widget import SixelImage

            return SixelImage(classes="pixels")
        return CellPicture()

    def show(self, path: str | None) -> None:
        """Show a file, or nothing."""
        if self._protocol == "off":
            return
        self._path = path
        self._draw()

    def on_resize(self) -> None:
        """A picture is decoded for the room it has."""
        if self._path is not None and self._drawn != (self._path, self.size):
            self._draw()

    def _room(self) -> tuple[int, int]:
        width, height = max(1, self.size.width), max(1, self.size.height)
        if self._protocol in {"kitty", "sixel"}:
            from textual_image._terminal import get_cell_size

            cell = get_cell_size()
            return width * cell.width, height * cell.height
        return width, height * 2

    @task("picture")
    async def _draw(self) -> None:
        path, size = self._path, self.size
        reason, prepared = "", None
        if path is not None and size.area:
            try:
                prepared = await asyncio.to_thread(self._prepare, path, self._room())
            except UnreadableFileError as error:
                reason = f"{error.title} {error.detail}"
        self._drawn = (path, size)
        self._put(prepared)
        self.query_one(Line).show(line(one_line(reason, 300), "$muted"))
        self.query_one(Line).display = bool(reason)
        self.post_message(self.Shown())

    def _prepare(self, path: str, room: tuple[int, int]) -> Any:
        image = previews.load(path, room)
        if self._protocol in {"kitty", "sixel"}:
            return image
        if self._protocol == "text":
            return letters(image)
        return half_blocks(image, few_colors=self.app.console.color_system != "truecolor")

    def _put(self, prepared: Any) -> None:
        widget = self.children[0]
        if isinstance(widget, CellPicture):
            widget.show(prepared or [])
        else:
            widget.image = prepared  # type: ignore[attr-defined]

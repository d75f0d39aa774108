"""A picture in the terminal: Kitty's protocol, Sixel, half blocks, or letters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.console import Console
from rich.palette import Palette
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dtk_tui.errors import UnreadableFileError
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.drivers.link import LinkSpeed
from dtk_tui.ui.format import line
from dtk_tui.ui.textual_compat import HALF_BLOCK, link_of
from dtk_tui.ui.widgets.drawing import Drawing
from dtk_tui.ui.widgets.graphics import KittyImage, SixelImage, SixelPicture, fit_length, room_px, sixel
from dtk_tui.ui.widgets.status import Line

if TYPE_CHECKING:
    from PIL import Image as PILImage

_RAMP = " .:-=+*#%@"


def _palette_256() -> PILImage.Image:
    from PIL import Image as PILImage
    from rich._palettes import EIGHT_BIT_PALETTE

    colors: Palette = EIGHT_BIT_PALETTE
    flat = [part for number in range(16, 256) for part in colors[number]]
    image = PILImage.new("P", (1, 1))
    image.putpalette(flat + flat[-3:] * 16)
    return image


def half_blocks(image: PILImage.Image, *, few_colors: bool) -> list[Strip]:
    """Draw an RGB image with two pixels a cell; with ``few_colors`` in the 256 colours of older terminals."""
    if few_colors:
        from PIL import Image as PILImage

        image = image.quantize(palette=_palette_256(), dither=PILImage.Dither.NONE).convert("RGB")
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
        strips.append(Strip([Segment(HALF_BLOCK, style) for style in pairs], width))
    return strips


def letters(image: PILImage.Image, style: Style) -> list[Strip]:
    """Draw an image with letters of different weight, for terminals without colours."""
    gray = image.convert("L").resize((image.width, max(1, image.height // 2)))
    data, width = gray.tobytes(), gray.width
    rows = (
        "".join(_RAMP[value * len(_RAMP) // 256] for value in data[y * width : (y + 1) * width])
        for y in range(gray.height)
    )
    return [Strip([Segment(row, style)], width) for row in rows]


def centred(strips: list[Strip], size: Size, ground: Style) -> list[Strip]:
    """Return lines that fill ``size`` with the picture in the middle."""
    above = max(0, (size.height - len(strips)) // 2)
    blank = Strip.blank(size.width, ground)
    lines = [blank] * above
    for strip in strips[: size.height]:
        left = max(0, (size.width - strip.cell_length) // 2)
        line = Strip([Segment(" " * left, ground), *strip], left + strip.cell_length)
        lines.append(line.adjust_cell_length(size.width, ground))
    return lines + [blank] * (size.height - len(lines))


class CellPicture(Widget):
    """A picture that is made of characters, prepared in a thread to the last byte.

    Every cell has colours of its own, which makes a picture fifty times as expensive to draw as text; so its lines go
    past the steps that add styles, and drawing them costs next to nothing on the event loop.
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(classes="pixels")
        self._lines: list[Strip] = []

    def show(self, lines: list[Strip]) -> None:
        """Show lines that fill this widget, or nothing."""
        self._lines = lines
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines inside ``crop`` as they are."""
        blank = Strip.blank(self.size.width, self.rich_style)
        shown = [self._lines[y] if y < len(self._lines) else blank for y in crop.line_range]
        return [strip.crop_extend(crop.x, crop.right, None) for strip in shown]


Prepared = list[Strip] | KittyImage | SixelImage


def _free(prepared: Prepared) -> None:
    """Give back what a drawing holds of the terminal."""
    if isinstance(prepared, KittyImage):
        prepared.free()


class PictureLoader:
    """Decodes a file for the room that it is shown in; a thread calls it."""

    def load(self, path: str, room: tuple[int, int]) -> PILImage.Image:
        """Return a picture of at most so many pixels (width, height); see ``previews.load``."""
        # Decoders are loaded by the first picture: the first lines of the table do not wait for them.
        from dtk_tui.services.library import previews

        return previews.load(path, room)


def room_of(protocol: str, size: Size) -> tuple[int, int]:
    """Return the pixels (width, height) that an area of the terminal has room for."""
    return room_px(size) if protocol in {"kitty", "sixel"} else (size.width, size.height * 2)


def drawn(
    image: PILImage.Image,
    protocol: str,
    size: Size,
    ground: Style,
    console: Console,
    link: LinkSpeed,
    most: int | None,
    check: Callable[[], None] = lambda: None,
) -> Prepared:
    """Prepare a picture that fits into an area, to the last byte; call it in a thread.

    Args:
        link: by which it goes to the screen.
        most: bytes that it may have there; with less than it needs it has fewer colours or pixels. None: any number.
        check: called now and then; raises when nobody wants it any more.
    """
    if protocol == "sixel":
        return sixel(image, size, most)
    if protocol == "kitty":
        kitty = KittyImage(image, size, link, most, check)
        kitty.strips = centred(kitty.strips, size, ground)
        return kitty
    few_colors = console.color_system != "truecolor"

    def in_cells(image: PILImage.Image) -> list[Strip]:
        return letters(image, ground) if protocol == "text" else half_blocks(image, few_colors=few_colors)

    def length(strips: list[Strip]) -> int:
        return sum(len(strip.render(console).encode()) for strip in strips)

    lines = centred(fit_length(image, in_cells, length, most), size, ground)
    for strip in lines:
        strip.render(console)
    return lines


class Picture(Container):
    """Shows one file; decoding and drawing happen in a thread, the newest request wins."""

    class Shown(Message):
        """A picture is on the screen, or it was found that there is none to show."""

    #: Seconds that it may take on its way to the screen.
    WITHIN_S = 0.5

    def __init__(self, protocol: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._protocol = protocol
        self._path: str | None = None
        self._kitty: KittyImage | None = None
        self._drawn: tuple[str | None, Size] = (None, Size(0, 0))
        self._is_drawing = self._is_given_up = False

    def compose(self) -> ComposeResult:
        """The picture, and a line for why there is none."""
        yield self._make_widget()
        yield Line(classes="reason")

    def _make_widget(self) -> CellPicture | SixelPicture:
        return SixelPicture() if self._protocol == "sixel" else CellPicture()

    def show(self, path: str | None) -> None:
        """Show a file, or nothing."""
        if self._protocol == "off":
            return
        self._path = path
        self._begin()

    @property
    def is_drawing(self) -> bool:
        """Whether another picture, or the same one in other colours, is on its way to the screen."""
        return self._is_drawing

    @property
    def is_given_up(self) -> bool:
        """Whether the last file was given up before it was on the screen."""
        return self._is_given_up

    def give_up(self) -> None:
        """Draw no further what is not on the screen yet: the cursor has moved on."""
        if self._is_drawing:
            self._is_drawing, self._is_given_up = False, True
            self.workers.cancel_group(self, "picture")

    def _begin(self) -> None:
        self._is_drawing, self._is_given_up = True, False
        self._draw()

    def on_mount(self) -> None:
        """The ground beside the picture is drawn with it: other colours are another drawing."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show(self._path))
        # A terminal that went to its shell and back may have forgotten the picture.
        self.app.app_resume_signal.subscribe(self, lambda _: self.show(self._path))

    def on_resize(self) -> None:
        """A picture is decoded for the room it has."""
        if self._path is not None and self._drawn != (self._path, self.size):
            self._begin()

    @task("picture")
    async def _draw(self) -> None:
        path, size = self._path, self.size
        reason, prepared, loader = "", None, self._loader()
        drawing: Drawing[Prepared] = Drawing(_free)
        if path is not None and size.area:
            try:
                prepared = await in_thread(self._prepare, drawing, loader, path, size, self.rich_style)
                self._loaded(loader)
            except UnreadableFileError as error:
                reason = f"{error.title} {error.detail}"
            except asyncio.CancelledError:
                drawing.give_up()
                raise
        self._drawn, self._is_drawing = (path, size), False
        self._put(prepared)
        self.query_one(Line).show(line(one_line(reason, 300), "$muted"))
        self.query_one(Line).display = bool(reason)
        self.post_message(self.Shown())

    def _loader(self) -> PictureLoader:
        return PictureLoader()

    def _loaded(self, loader: PictureLoader) -> None:
        """Take over what a loader found out."""

    def _prepare(
        self, drawing: Drawing[Prepared], loader: PictureLoader, path: str, size: Size, ground: Style
    ) -> Prepared:
        drawing.check()
        image = loader.load(path, room_of(self._protocol, size))
        drawing.check()
        link = link_of(self.app)
        most = link.bytes_in(self.WITHIN_S)
        return drawing.finish(drawn(image, self._protocol, size, ground, self.app.console, link, most, drawing.check))

    def _put(self, prepared: Prepared | None) -> None:
        widget, old = self.query(".pixels").first(Widget), self._kitty
        self._kitty = prepared if isinstance(prepared, KittyImage) else None
        if isinstance(widget, SixelPicture):
            widget.show(prepared if isinstance(prepared, SixelImage) else None)
        elif isinstance(widget, CellPicture):
            strips = prepared.strips if isinstance(prepared, KittyImage) else prepared
            widget.show(strips if isinstance(strips, list) else [])
        if old is not None:
            old.free()

    def on_unmount(self) -> None:
        """Leave nothing in the terminal's memory."""
        if self._kitty is not None:
            self._kitty.free()

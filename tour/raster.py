"""Pictures of what a terminal shows: cells, drawn with DejaVu Sans Mono; lines and blocks as a terminal draws them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME

from dtk_tui.errors import DtkError

Colour = tuple[int, int, int]

#: Pixels of one cell.
CELL_WIDTH, CELL_HEIGHT = 8, 16
_FONT_SIZE: Final = 13
_FOLDERS: Final = (
    "/usr/share/fonts/truetype/dejavu",
    "/usr/share/fonts/TTF",
    "/usr/share/fonts/dejavu-sans-mono-fonts",
)
_FILES: Final = {
    (False, False): "DejaVuSansMono.ttf",
    (True, False): "DejaVuSansMono-Bold.ttf",
    (False, True): "DejaVuSansMono-Oblique.ttf",
    (True, True): "DejaVuSansMono-BoldOblique.ttf",
}
_HEAVY: Final = "\u2501\u2503"
#: Arms of lines: left, right, up, down.
_LINES: Final = {
    "\u2500": "lr", "\u2501": "lr", "\u2502": "ud", "\u2503": "ud", "\u250c": "rd", "\u2510": "ld", "\u2514": "ru",
    "\u2518": "lu", "\u251c": "rud", "\u2524": "lud", "\u252c": "lrd", "\u2534": "lru", "\u253c": "lrud",
    "\u256d": "rd", "\u256e": "ld", "\u2570": "ru", "\u256f": "lu", "\u2574": "l", "\u2575": "u", "\u2576": "r",
    "\u2577": "d",
}  # fmt: skip
_LOWER: Final = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"  # an eighth of the height each
_LEFT: Final = "\u258f\u258e\u258d\u258c\u258b\u258a\u2589"  # an eighth of the width each
_SHADES: Final = {"\u2591": 0.25, "\u2592": 0.5, "\u2593": 0.75}


@cache
def _font(*, bold: bool, italic: bool) -> ImageFont.FreeTypeFont:
    name = _FILES[bold, italic]
    for folder in _FOLDERS:
        if (Path(folder) / name).is_file():
            return ImageFont.truetype(str(Path(folder) / name), _FONT_SIZE)
    raise DtkError(
        f"The font {name} is not on this machine.", "Debian has it in fonts-dejavu, Fedora in dejavu-sans-mono-fonts."
    )


def _blend(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _rectangle(char: str) -> tuple[int, int, int, int] | None:
    """Return the part of a cell that a block covers: left, top, right, bottom in pixels; None: it is no block."""
    if char in _LOWER:
        return 0, CELL_HEIGHT - round((_LOWER.index(char) + 1) * CELL_HEIGHT / 8), CELL_WIDTH, CELL_HEIGHT
    if char in _LEFT:
        return 0, 0, round((_LEFT.index(char) + 1) * CELL_WIDTH / 8), CELL_HEIGHT
    whole = {"\u2580": (0, 0, CELL_WIDTH, CELL_HEIGHT // 2), "\u2590": (CELL_WIDTH // 2, 0, CELL_WIDTH, CELL_HEIGHT)}
    return whole.get(char)


def _arms(draw: ImageDraw.ImageDraw, char: str, colour: Colour) -> None:
    middle, centre, thick = CELL_WIDTH // 2, CELL_HEIGHT // 2, 1 if char in _HEAVY else 0
    boxes = {
        "l": (0, centre, middle, centre + thick),
        "r": (middle, centre, CELL_WIDTH - 1, centre + thick),
        "u": (middle, 0, middle + thick, centre),
        "d": (middle, centre, middle + thick, CELL_HEIGHT - 1),
    }
    for arm in _LINES[char]:
        draw.rectangle(boxes[arm], fill=colour)


@cache
def _tile(text: str, front: Colour, back: Colour, bold: bool, italic: bool, underlined: bool) -> Image.Image:
    width = CELL_WIDTH * max(1, cell_len(text))
    tile = Image.new("RGB", (width, CELL_HEIGHT), back)
    draw = ImageDraw.Draw(tile)
    block = _rectangle(text)
    if block is not None:
        left, top, right, bottom = block
        draw.rectangle((left, top, right - 1, bottom - 1), fill=front)
    elif text in _SHADES:
        draw.rectangle((0, 0, width, CELL_HEIGHT), fill=_blend(back, front, _SHADES[text]))
    elif text in _LINES:
        _arms(draw, text, front)
    elif text.strip():
        draw.text((0, 0), text, font=_font(bold=bold, italic=italic), fill=front)
    if underlined:
        draw.line((0, CELL_HEIGHT - 2, width, CELL_HEIGHT - 2), fill=front)
    return tile


def _triple(colour: ColorTriplet) -> Colour:
    return colour.red, colour.green, colour.blue


def _colours(style: Style | None, front: Colour, back: Colour) -> tuple[Colour, Colour]:
    theme = SVG_EXPORT_THEME
    if style is not None and style.color is not None and not style.color.is_default:
        front = _triple(style.color.get_truecolor(theme))
    if style is not None and style.bgcolor is not None and not style.bgcolor.is_default:
        back = _triple(style.bgcolor.get_truecolor(theme))
    if style is not None and style.dim:
        front = _blend(front, back, 0.4)
    return (back, front) if style is not None and style.reverse else (front, back)


def picture(lines: Sequence[Iterable[Segment]], columns: int, front: Colour, back: Colour) -> Image.Image:
    """Return a picture of lines of cells, ``columns`` wide; ``front`` and ``back`` colour what names no colour."""
    image = Image.new("RGB", (columns * CELL_WIDTH, len(lines) * CELL_HEIGHT), back)
    for row, segments in enumerate(lines):
        x = 0
        for segment in segments:
            if segment.control:
                continue
            style = segment.style
            colours = _colours(style, front, back)
            marks = (bool(style and style.bold), bool(style and style.italic), bool(style and style.underline))
            for char in segment.text:
                if cell_len(char):
                    image.paste(_tile(char, *colours, *marks), (x * CELL_WIDTH, row * CELL_HEIGHT))
                    x += cell_len(char)
    return image

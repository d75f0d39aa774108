"""A row of pictures in the terminal, as far as it is wide."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import typer

from dtk_tui.cli.output import show_error
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.terminal import terminal_width
from dtk_tui.terminal_report import image_protocol, largest_sixel, tell_true_color
from dtk_tui.text import cell_width, cut, one_line

if TYPE_CHECKING:
    from PIL import Image as PILImage

    from dtk_tui.config import Config
    from dtk_tui.domain.library import ImageRow, PictureFile

#: Terminal cells of one picture, and between two of them.
_WIDTH, _HEIGHT, _GAP = 20, 10, 2
_MOST = 12
_GROUND = (0, 0, 0)


def print_row(config: Config, found: Sequence[ImageRow], files: Mapping[int, PictureFile]) -> None:
    """Print the first of some images side by side, with their ids and names below.

    Args:
        files: of all of them that are still in the library, by id.

    Raises:
        UsageError: the output is no terminal.
    """
    total = terminal_width(sys.stdout)
    if total is None:
        raise UsageError("--show needs a terminal.", "Use --json or --paths0 for what another program reads.")
    tell_true_color()
    protocol = image_protocol(config.settings.preview.protocol)
    shown = found[: max(1, min(_MOST, (_columns(protocol, total) + _GAP) // (_WIDTH + _GAP)))]
    if not shown:
        typer.echo("Nothing found.", err=True)
        return
    if protocol != "off":
        _draw(config, protocol, [files.get(row.id) for row in shown])
    for texts in ([str(row.id) for row in shown], [one_line(row.file_name, 300) for row in shown]):
        cells = [cut(text, _WIDTH) for text in texts]
        typer.echo((" " * _GAP).join(cell + " " * (_WIDTH - cell_width(cell)) for cell in cells).rstrip())


def _columns(protocol: str, total: int) -> int:
    """Return how many columns of a terminal a picture may take."""
    largest = largest_sixel() if protocol == "sixel" else None
    if largest is None:
        return total
    from textual.geometry import Size

    from dtk_tui.ui.widgets.graphics import room_px

    return min(total, largest[0] // room_px(Size(1, 1))[0])


def _draw(config: Config, protocol: str, files: Sequence[PictureFile | None]) -> None:
    from rich.console import Console
    from rich.segment import Segment, Segments
    from rich.style import Style
    from textual.geometry import Size

    from dtk_tui.ui.widgets.graphics import room_px
    from dtk_tui.ui.widgets.picture import half_blocks, letters

    columns = len(files) * (_WIDTH + _GAP) - _GAP
    width, height = room_px(Size(1, 1)) if protocol in ("kitty", "sixel") else (1, 2)
    sheet = _sheet(config, files, (width, height))
    few_colors = os.environ.get("COLORTERM") not in ("truecolor", "24bit")
    colors: Literal["256", "truecolor"] = "256" if few_colors else "truecolor"
    console = Console(file=sys.stdout, width=columns, force_terminal=True, color_system=colors)
    if protocol == "kitty":
        from textual_image.renderable import tgp

        console.print(tgp.Image(sheet, columns, _HEIGHT))
    elif protocol == "sixel":
        from textual_image.renderable import sixel

        console.print(sixel.Image(sheet, columns, _HEIGHT))
    else:
        strips = letters(sheet, Style()) if protocol == "text" else half_blocks(sheet, few_colors=few_colors)
        for strip in strips:
            console.print(Segments([*strip, Segment.line()]), end="")


def _sheet(config: Config, files: Sequence[PictureFile | None], cell: tuple[int, int]) -> PILImage.Image:
    """Return the pictures side by side; a place stays empty whose picture cannot be read, which is told."""
    from PIL import Image

    from dtk_tui.services.library.thumbnails.thumbnails import thumbnails_of

    thumbnails = thumbnails_of(config)
    room = _WIDTH * cell[0], _HEIGHT * cell[1]
    step = room[0] + _GAP * cell[0]
    sheet = Image.new("RGB", (len(files) * step - _GAP * cell[0], room[1]), _GROUND)
    for number, file in enumerate(files):
        if file is None:
            continue
        found = thumbnails.load(file, room)
        if found.reason:
            show_error(DtkError(found.reason, found.detail))
        picture = found.image
        if picture is None:
            continue
        left = number * step + (room[0] - picture.width) // 2
        sheet.paste(picture, (left, (room[1] - picture.height) // 2))
    return sheet

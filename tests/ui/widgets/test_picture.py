"""Drawing pictures: half blocks, letters, Sixel, Kitty's placeholders, and none."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from msgspec import structs
from PIL import Image
from rich.style import Style
from textual.geometry import Offset, Size

from dtk_tui.config import Config
from dtk_tui.settings import PathSettings, PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets import graphics
from dtk_tui.ui.widgets.graphics import KittyImage, room_px, sixel, sixel_at
from dtk_tui.ui.widgets.picture import Picture, centred, half_blocks, letters
from tests.helpers.pictures import picture
from tests.helpers.running_app import NARROW, WIDE, library_app


def test_half_blocks_hold_two_pixels_a_cell() -> None:
    image = Image.new("RGB", (2, 4))
    image.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9), (1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12)])
    strips = half_blocks(image, few_colors=False)
    assert [strip.text for strip in strips] == ["\u2580\u2580"] * 2
    first = next(iter(strips[0])).style
    assert first is not None and first.color is not None and first.bgcolor is not None
    assert (first.color.get_truecolor(), first.bgcolor.get_truecolor()) == ((255, 0, 0), (0, 0, 255))


def test_few_colors_are_those_of_the_palette() -> None:
    strips = half_blocks(picture(4, (40, 40)), few_colors=True)
    steps = {0, 95, 135, 175, 215, 255} | set(range(8, 239, 10))
    used = {part for strip in strips for segment in strip for part in segment.style.color.get_truecolor()}  # type: ignore[union-attr]
    assert used <= steps


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (30, 17)])
def test_any_size_fills_its_room(size: tuple[int, int]) -> None:
    image = picture(1).resize(size)
    for strips in (half_blocks(image, few_colors=False), letters(image, Style())):
        lines = centred(strips, Size(40, 20), Style())
        assert len(lines) == 20
        assert {line.cell_length for line in lines} == {40}


def test_letters_show_light_and_dark() -> None:
    image = Image.new("L", (2, 2))
    image.putdata([0, 255, 0, 255])
    assert letters(image.convert("RGB"), Style())[0].text == " @"


def test_sixel_data() -> None:
    image = sixel(picture(2, room_px(Size(10, 5))), Size(30, 20))
    assert image.cells == Size(10, 5)
    ((place, data),) = image.parts
    assert place == Offset(0, 0) and data.startswith("\x1bP") and data.endswith("\x1b\\")


def test_sixel_data_is_no_larger_than_the_terminal_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = room_px(Size(1, 1))
    most = (cell[0] * 7 + 1, cell[1] * 3)
    monkeypatch.setattr(graphics, "largest_sixel", lambda: most)
    image = sixel(picture(2, room_px(Size(10, 5))), Size(30, 20))
    assert image.cells == Size(10, 5)
    assert [place for place, _ in image.parts] == [(0, 0), (7, 0), (0, 3), (7, 3)]
    sizes = [re.search(r'"1;1;(\d+);(\d+)', data) for _, data in image.parts]
    assert [size and (int(size[1]) // cell[0], int(size[2]) // cell[1]) for size in sizes] == [
        (7, 3),
        (3, 3),
        (7, 2),
        (3, 2),
    ]
    moves = [segment.text for segment in sixel_at(image, Offset(20, 10))][::2]
    assert moves == ["\x1b[11;21H", "\x1b[11;28H", "\x1b[14;21H", "\x1b[14;28H"]


def test_kitty_gets_the_picture_once_and_frees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", terminal)
    image = KittyImage(picture(2, (100, 100)), Size(30, 20))
    assert "\x1b_Gi=" in terminal.getvalue() and "U=1" in terminal.getvalue()
    assert image.strips and all(strip.text.startswith("\U0010eeee") for strip in image.strips)
    terminal.truncate(0)
    image.free()
    assert "a=d" in terminal.getvalue()


@pytest.mark.parametrize("size", [NARROW, WIDE])
@pytest.mark.parametrize("protocol", ["sixel", "text", "off"])
async def test_the_app_with_each_protocol(
    db: Database, config: Config, library: Path, size: tuple[int, int], protocol: str
) -> None:
    settings = Settings(preview=PreviewSettings(protocol=protocol))
    async with library_app(db, Config(config.paths, settings), size) as run:
        await run.shows("029.png")
        if size == NARROW:
            await run.press("p")
        await run.shows("Alt+1" if size == NARROW else "Parameters")
        widget = run.main.query_one(Picture)
        if protocol == "off":
            assert not widget.display
        elif protocol == "sixel":
            await run.until(lambda: "\x1bP" in run.text())
        else:
            await run.until(lambda: widget._drawn[0] is not None)
        await run.press("m")
        await run.shows("Find similar")
        assert "\x1bP" not in run.text()
        await run.press("escape", "enter")
        await run.shows("1 of 30")
        await run.press("right", "escape")
        await run.shows("All images  30")


async def test_a_picture_that_another_host_scanned_is_found_where_this_one_sees_it(
    db: Database, config: Config, library: Path
) -> None:
    library.rename(library.with_name("mounted"))
    there = PathSettings(map={str(library): str(library.with_name("mounted"))})
    mapped = Config(config.paths, structs.replace(config.settings, paths=there))
    async with library_app(db, mapped) as run:
        await run.shows("\u2580" * 8)
        assert "is not there" not in run.text()

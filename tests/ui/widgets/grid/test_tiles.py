"""How tiles fill a room, and the line below each picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from textual.geometry import Size

from dtk_tui.domain.job import NOW
from dtk_tui.domain.library import ImageRow
from dtk_tui.ui.widgets.grid.tiles import WIDTHS, caption, tiles_in

_ROW = ImageRow(1, 1, "a.png", 1000, datetime(2025, 11, 5, tzinfo=UTC))


def words(row: ImageRow, width: int = 30, *, current: bool = False, selected: bool = False) -> str:
    """Return the line below the picture of an image."""
    return "".join(text for text, _ in caption(row, width, current=current, selected=selected))


@pytest.mark.parametrize("room", [(1, 1), (0, 0), (35, 12), (55, 17), (131, 42), (300, 90)])
@pytest.mark.parametrize("wanted", WIDTHS)
def test_tiles_fill_their_room(room: tuple[int, int], wanted: int) -> None:
    tiles = tiles_in(Size(*room), wanted)
    assert tiles.across >= 1 and tiles.width >= 2 and tiles.tall >= 2
    if room[0] >= wanted:
        assert tiles.across * tiles.width <= room[0] < (tiles.across + 1) * tiles.width + tiles.across
        assert wanted / 2 <= tiles.width <= wanted * 2
        assert tiles.tall <= room[1]


def test_no_badge_is_a_matter_of_colour() -> None:
    assert words(_ROW) == "  a.png" + " " * 23
    assert words(_ROW, current=True).startswith("\u203a a.png")
    assert words(_ROW, selected=True).startswith(" \u25cf a.png")
    full = replace(_ROW, file_name="a.MP4", rating=7, favorite=True, nsfw=True, for_deletion=True)
    full = replace(full, embedded=True, tags=3, queued=NOW)
    assert words(full, current=True, selected=True).startswith("\u203a\u25cf!7\u2665nd\u2713t\u25b7 a.MP4")
    assert words(replace(_ROW, unavailable=True)).startswith("  ? a.png")
    assert words(replace(_ROW, error="damaged")).startswith("  \u2717 a.png")


_NAMES = ("\x1b[31m[red]\x00.png", "\u4e00" * 300, "a" * 100_000, "\u202egnp.exe", "\udcff.png")


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("width", [1, 11, 40])
def test_any_name_fits(name: str, width: int) -> None:
    from rich.cells import cell_len

    text = words(replace(_ROW, file_name=name), width)
    assert cell_len(text) == max(width, 2)
    assert not set("\x1b\x00\u202e\udcff") & set(text)

"""How tiles stand on the screen, and the line below each picture."""

from __future__ import annotations

from dataclasses import dataclass

from textual.geometry import Size

from dtk_tui.domain.library import VIDEO_ENDINGS, ImageRow
from dtk_tui.text import one_line
from dtk_tui.ui.widgets.tables.cursor_list import Cell, fit
from dtk_tui.ui.widgets.tables.image_table import mark, rated

#: Widths in terminal cells that a person can choose from; tiles get about that, so that they fill the screen.
WIDTHS = (12, 18, 26, 40)
_CURSOR, _SELECTED, _EMBEDDED, _TAGGED, _VIDEO = "\u203a", "\u25cf", "\u2713", "t", "\u25b7"
#: What these signs mean, for the help.
SIGNS = f"{_CURSOR} cursor   {_SELECTED} selected   {_TAGGED} tagged   {_VIDEO} video"


@dataclass(frozen=True, slots=True)
class Tiles:
    """How many tiles stand side by side, and the terminal cells of one: its picture, the line below, and a gap."""

    across: int
    width: int
    tall: int

    @property
    def picture(self) -> Size:
        """The cells of the picture."""
        return Size(self.width - 1, self.tall - 1)


def tiles_in(room: Size, wanted: int) -> Tiles:
    """Return the tiles, nearly square and about ``wanted`` cells wide, that fill a room of terminal cells."""
    across = max(1, round(room.width / wanted))
    width = max(2, room.width // across)
    square = width // 2 + 1  # a cell is about twice as tall as it is wide
    return Tiles(across, width, max(2, room.height // max(1, round(room.height / square))))


def caption(row: ImageRow, width: int, *, current: bool, selected: bool, fold: Cell = ("", "")) -> list[Cell]:
    """Return the line below a picture: cursor, selection, fold, work, rating, flags, what was done, and its name."""
    sign, sign_style = mark(row)
    rating, rating_style = rated(row)
    done = (_EMBEDDED if row.embedded else "") + (_TAGGED if row.tags else "")
    video = _VIDEO if row.file_name.lower().endswith(VIDEO_ENDINGS) else ""
    cells = [
        (_CURSOR if current else " ", ""),
        (_SELECTED if selected else " ", ""),
        fold,
        (sign.strip(), sign_style),
        (rating, rating_style),
        (done, "list--good"),
        (video, "list--accent"),
    ]
    used = sum(len(text) for text, _ in cells)
    gap = " " if selected or used > 2 else ""
    name = fit(gap + one_line(row.file_name, 300), max(0, width - used))
    return [*(cell for cell in cells if cell[0]), (name, "list--dim" if row.unavailable else "")]

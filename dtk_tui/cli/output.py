"""What commands print: JSON, tables, a progress line, errors; safe on a terminal and plain in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from dtk_tui.errors import DtkError
from dtk_tui.terminal import terminal_width
from dtk_tui.text import cell_width, cut, display, one_line

_GAP = "  "
#: Columns of a table on a terminal are not made narrower than this, in cells.
_MIN_WIDTH = 8
#: A last column with less room than this is wrapped instead of cut, in cells.
_MIN_READABLE_WIDTH = 16
#: Cells are cut at so many characters, on a terminal and elsewhere; a path may have 4096 bytes.
_TERMINAL_LIMIT, _PIPE_LIMIT = 300, 5000


def tell(text: str, *, err: bool = False) -> None:
    """Print a line on stdout, or on stderr, at once: where it cannot be written, it is the command that fails."""
    print(text, file=sys.stderr if err else sys.stdout, flush=True)


def show_error(error: DtkError) -> None:
    """Print one error on stderr: what went wrong, and what to do."""
    with suppress(OSError):  # nobody can be told where stderr cannot be written
        tell(f"dtk: {one_line(error.title, _PIPE_LIMIT)}", err=True)
        if error.detail:
            tell(f"     {display(error.detail)}".replace("\n", "\n     "), err=True)


def print_json(value: Any) -> None:
    """Print one JSON value; ASCII only, so that file names that are not UTF-8 survive as escapes."""
    tell(json.dumps(value, default=str))


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: frozenset[int] = frozenset()
) -> None:
    """Print a table: one record a line, untrusted text made safe.

    On a terminal the columns are aligned and cut so that they fit, but for a last one with hardly any room, which the
    terminal wraps; elsewhere nothing is aligned or cut, and tabs stand between the columns.

    Args:
        right: numbers of the columns that are aligned to the right.
    """
    total = terminal_width(sys.stdout)
    limit = _PIPE_LIMIT if total is None else _TERMINAL_LIMIT
    cells = [[one_line("" if value is None else str(value), limit) for value in row] for row in rows]
    if total is None:
        for row in [list(headings), *cells]:
            tell("\t".join(row))
        return
    widths = [max([cell_width(h), *(cell_width(row[i]) for row in cells)]) for i, h in enumerate(headings)]
    whole = widths[-1]
    widths = _fit_widths(widths, total - len(_GAP) * (len(widths) - 1))
    room = total - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    wraps = whole > room < _MIN_READABLE_WIDTH
    widths[-1] = whole if wraps else min(widths[-1], room)
    for row in [list(headings), *cells]:
        parts = []
        for i, cell in enumerate(row):
            shown = cut(cell, widths[i], keep_end=cell.startswith("/"))
            pad = " " * (widths[i] - cell_width(shown))
            parts.append(pad + shown if i in right else shown + pad)
        tell(_GAP.join(parts).rstrip())


def _fit_widths(widths: list[int], room: int) -> list[int]:
    """Return the widths with the widest columns made narrower, none below ``_NARROW``, until all fit."""
    fitted = list(widths)
    while sum(fitted) > room and max(fitted) > _MIN_WIDTH:
        widest = max(fitted)
        among = [i for i, width in enumerate(fitted) if width == widest]
        below = max([width for width in fitted if width < widest], default=0)
        excess = sum(fitted) - room
        target = max(below, _MIN_WIDTH, widest - -(-excess // len(among)))
        for i in among:
            fitted[i] = target
    return fitted


class ProgressLine:
    """One line on stderr that is drawn over and over on a terminal, and is silent elsewhere."""

    def __init__(self) -> None:
        self._width = terminal_width(sys.stderr)
        self._shown = False

    @property
    def is_drawn(self) -> bool:
        """Whether there is a terminal to draw it on."""
        return self._width is not None

    def show(self, line: str) -> None:
        """Draw the line."""
        if self._width is not None:
            self._width = terminal_width(sys.stderr) or self._width
            sys.stderr.write("\r\x1b[2K" + cut(one_line(line), self._width))
            sys.stderr.flush()
            self._shown = True

    def end(self) -> None:
        """Leave the terminal at the begin of an empty line."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False


@contextmanager
def progress_of(title: str) -> Iterator[Callable[[int, int], None]]:
    """Give what draws, on a terminal, how many parts of something are done, and of how many."""
    line, name = ProgressLine(), one_line(title, 200)
    try:
        yield lambda done, total: line.show(f"{name}  [{progress_bar(done / max(total, 1))}] {done:,} of {total:,}")
    finally:
        line.end()


def progress_bar(share: float, width: int = 28) -> str:
    """Return a progress bar for a share of 0 to 1."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "#" * full + "-" * (width - full)

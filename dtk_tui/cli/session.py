"""What the commands share: an open library, output for people and for scripts, and how an error is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.errors import DtkError
from dtk_tui.terminal import columns
from dtk_tui.text import cell_width, cut, display, one_line

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.store.database import Database

_GAP = "  "
#: Columns of a table on a terminal are not made narrower than this, in cells.
_NARROW = 8
#: A last column with less room than this is wrapped instead of cut, in cells.
_READABLE = 16
#: Cells are cut at so many characters, on a terminal and elsewhere; a path may have 4096 bytes.
_SHORT, _LONG = 300, 5000
#: The largest number that the database counts with.
LARGEST = 2**63 - 1

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=LARGEST, help="At most so many.")]
Jobs = Annotated[list[int] | None, typer.Option("--job", min=1, max=LARGEST, help="Only this job; may be repeated.")]


@contextmanager
def library() -> Iterator[tuple[Database, Config]]:
    """Open the library of this environment and close it at the end."""
    from dtk_tui.config import load
    from dtk_tui.store.database import Database

    config = load()
    database = Database.open(config)
    try:
        yield database, config
    finally:
        database.close()


def show_error(error: DtkError) -> None:
    """Print one error on stderr: what went wrong, and what to do."""
    with suppress(OSError):  # nobody can be told where stderr cannot be written
        typer.echo(f"dtk: {one_line(error.title, _LONG)}", err=True)
        if error.detail:
            typer.echo(f"     {display(error.detail)}".replace("\n", "\n     "), err=True)


def asked(question: str) -> bool:
    """Ask on stderr, whose answers are yes and no, and return which it was; raises DtkError where nobody can answer."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort as error:
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        typer.echo("", err=True)
        raise DtkError("Nobody answered, and nothing was done.", "--yes does it without a question.") from error


def print_json(value: Any) -> None:
    """Print one JSON value; ASCII only, so that file names that are not UTF-8 survive as escapes."""
    typer.echo(json.dumps(value, default=str))


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: frozenset[int] = frozenset()
) -> None:
    """Print a table: one record a line, untrusted text made safe.

    On a terminal the columns are aligned and cut so that they fit, but for a last one with hardly any room, which the
    terminal wraps; elsewhere nothing is aligned or cut, and tabs stand between the columns.

    Args:
        right: numbers of the columns that are aligned to the right.
    """
    total = columns(sys.stdout)
    limit = _LONG if total is None else _SHORT
    cells = [[one_line("" if value is None else str(value), limit) for value in row] for row in rows]
    if total is None:
        for row in [list(headings), *cells]:
            typer.echo("\t".join(row))
        return
    widths = [max([cell_width(h), *(cell_width(row[i]) for row in cells)]) for i, h in enumerate(headings)]
    whole = widths[-1]
    widths = _fitted(widths, total - len(_GAP) * (len(widths) - 1))
    room = total - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    wraps = whole > room < _READABLE
    widths[-1] = whole if wraps else min(widths[-1], room)
    for row in [list(headings), *cells]:
        parts = []
        for i, cell in enumerate(row):
            shown = cut(cell, widths[i], keep_end=cell.startswith("/"))
            pad = " " * (widths[i] - cell_width(shown))
            parts.append(pad + shown if i in right else shown + pad)
        typer.echo(_GAP.join(parts).rstrip())


def _fitted(widths: list[int], room: int) -> list[int]:
    """Return the widths with the widest columns made narrower, none below ``_NARROW``, until all fit."""
    fitted = list(widths)
    while sum(fitted) > room and max(fitted) > _NARROW:
        widest = max(fitted)
        among = [i for i, width in enumerate(fitted) if width == widest]
        below = max([width for width in fitted if width < widest], default=0)
        excess = sum(fitted) - room
        target = max(below, _NARROW, widest - -(-excess // len(among)))
        for i in among:
            fitted[i] = target
    return fitted


class ProgressLine:
    """One line on stderr that is drawn over and over on a terminal, and is silent elsewhere."""

    def __init__(self) -> None:
        self._width = columns(sys.stderr)
        self._shown = False

    def show(self, line: str) -> None:
        """Draw the line."""
        if self._width is not None:
            self._width = columns(sys.stderr) or self._width
            sys.stderr.write("\r\x1b[2K" + cut(one_line(line), self._width))
            sys.stderr.flush()
            self._shown = True

    def end(self) -> None:
        """Leave the terminal at the begin of an empty line."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False


def bar(share: float, width: int = 28) -> str:
    """Return a progress bar for a share of 0 to 1."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "#" * full + "-" * (width - full)

"""What the commands share: an open library, output for people and for scripts, and how an error is shown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.errors import DtkError
from dtk_tui.text import cell_width, display, one_line

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.store.database import Database

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")]


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
    typer.echo(f"dtk: {display(error.title)}", err=True)
    if error.detail:
        typer.echo(f"     {display(error.detail)}".replace("\n", "\n     "), err=True)


def print_json(value: Any) -> None:
    """Print one JSON value; ASCII only, so that file names that are not UTF-8 survive as escapes."""
    typer.echo(json.dumps(value, default=str))


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: frozenset[int] = frozenset()
) -> None:
    """Print a table for people; untrusted text is made safe, the last column is cut at the terminal's edge.

    Args:
        right: numbers of the columns that are aligned to the right.
    """
    cells = [[one_line("" if value is None else str(value), 300) for value in row] for row in rows]
    widths = [max([cell_width(h), *(cell_width(row[i]) for row in cells)]) for i, h in enumerate(headings)]
    total = _columns()
    for row in [list(headings), *cells]:
        parts = []
        for i, cell in enumerate(row):
            pad = " " * (widths[i] - cell_width(cell))
            parts.append(pad + cell if i in right else cell + pad)
        typer.echo(_cut("  ".join(parts).rstrip(), total))


def _columns() -> int | None:
    return os.get_terminal_size().columns if sys.stdout.isatty() else None


def _cut(line: str, width: int | None) -> str:
    if width is None or cell_width(line) <= width:
        return line
    while cell_width(line) > width - 1:
        line = line[:-1]
    return line + "\u2026"


class ProgressLine:
    """One line on stderr that is drawn over and over on a terminal, and is silent elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._shown = False

    def show(self, line: str) -> None:
        """Draw the line."""
        if self._live:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
            sys.stderr.write("\r\x1b[2K" + _cut(one_line(line), width))
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


def duration(seconds: float | None) -> str:
    """Return a time span as people say it: 4m 10s."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {left:02d}s" if minutes else f"{left}s"

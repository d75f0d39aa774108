"""Columns of a table that adapts to its width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dtk_tui.ui.widgets.tables.cursor_list import Cell, fit

RowT = TypeVar("RowT")
#: Terminal cells between two columns.
GAP = 1


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """One column.

    Attributes:
        title: its heading, fitted into ``width``.
        cell: what it shows of a row: text (safe to show) and component class.
        width: terminal cells it needs at least.
        share: its share of the room that is left, 0 for a fixed column.
        most: terminal cells it can make use of at most, 0 for no limit.
        rank: columns with a higher rank are left out first where the room is short.
        right: aligned to the right.
        id: by which a person's choice of columns names it.
        sort: what the query line calls it to sort by it; empty: it does not.
        is_usual: shown unless a person chose otherwise.
    """

    title: str
    cell: Callable[[RowT], Cell]
    width: int
    share: int = 0
    most: int = 0
    rank: int = 0
    right: bool = False
    id: str = ""
    sort: str = ""
    is_usual: bool = True


@dataclass(frozen=True, slots=True)
class Placed(Generic[RowT]):
    """A column with the width that it got."""

    column: Column[RowT]
    width: int


def place(columns: Sequence[Column[RowT]], room: int) -> list[Placed[RowT]]:
    """Choose which columns fit into ``room`` terminal cells and how wide each is; they fill the room exactly.

    The columns of lowest rank always stay; what is left over goes to the columns with a share.
    """
    kept = list(columns)
    lowest = min((column.rank for column in kept), default=0)

    def needed() -> int:
        return sum(column.width for column in kept) + GAP * (len(kept) - 1)

    while needed() > room:
        worst = max(kept, key=lambda column: column.rank)
        if worst.rank == lowest:
            break
        kept.remove(worst)
    widths = [column.width for column in kept]
    spare = room - needed()
    growing = [index for index, column in enumerate(kept) if column.share]
    while spare > 0 and growing:
        total = sum(kept[index].share for index in growing)
        given = 0
        for index in list(growing):
            column = kept[index]
            extra = max(1, spare * column.share // total)
            if column.most:
                extra = min(extra, column.most - widths[index])
            extra = min(extra, spare - given)
            widths[index] += extra
            given += extra
            if column.most and widths[index] >= column.most:
                growing.remove(index)
        if not given and not growing:
            break
        spare -= given
    return [Placed(column, width) for column, width in zip(kept, widths, strict=True)]


def heading(placed: Placed[RowT], sign: str = "") -> str:
    """Return the title over a column, with a sign behind it for which there is room."""
    title = placed.column.title[: max(0, placed.width - len(sign))] if sign else placed.column.title
    return fit(title + sign, placed.width, right=placed.column.right)


def headings(placed: Sequence[Placed[RowT]]) -> str:
    """Return the line of titles over the columns."""
    return (" " * GAP).join(heading(one) for one in placed)


def row_cells(placed: Sequence[Placed[RowT]], row: RowT) -> list[Cell]:
    """Return the cells of one row, padded to the widths of their columns and the gaps behind them."""
    cells: list[Cell] = []
    for one in placed:
        text, name = one.column.cell(row)
        cells.append((fit(text, one.width, right=one.column.right) + " " * GAP, name))
    return cells

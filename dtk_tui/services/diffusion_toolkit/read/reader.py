"""Reading ranges of a table: whole columns, and beside them the rows that need a note, repaired one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from dtk_tui.services.diffusion_toolkit.read import ranges, repair
from dtk_tui.services.diffusion_toolkit.read.arrow import ColumnReader, Columns, UnexpectedValueError
from dtk_tui.services.diffusion_toolkit.read.ranges import Span
from dtk_tui.services.diffusion_toolkit.read.repair import RepairedRow
from dtk_tui.services.diffusion_toolkit.read.rows import is_direct
from dtk_tui.services.diffusion_toolkit.source.database import Source
from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted

#: (table, id, outcome, reason, JSON of what the source said).
Note = tuple[str, int | None, str, str, str]

#: A range with an unexpected value is halved down to so many rows, which are repaired one by one.
_SMALLEST_SPLIT = 48
#: Rowids that are read at once, and the parts that a range is read in at most.
_ROWIDS_PER_PART = 16_384
_MOST_PARTS = 64


@dataclass(slots=True)
class Content:
    """The content of a range that was read.

    Attributes:
        rows: how many could be read.
        lost: how many of those that could not are known to have been there.
        columns: rows in pieces, in no order.
        notes: of rows that were repaired or refused.
    """

    rows: int = 0
    lost: int = 0
    columns: list[Columns] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def add(self, other: Content) -> None:
        """Add another part of the range."""
        self.rows += other.rows
        self.lost += other.lost
        self.columns += other.columns
        self.notes += other.notes


class TableReader:
    """Reads one table; one a thread."""

    def __init__(self, source: Source, table: str, conn: sqlite3.Connection) -> None:
        self._table = table
        self._names = source.columns[table]
        self._conn = conn
        self._columns = ColumnReader(source, table)

    def read(self, span: Span) -> Content:
        """Return the content of a range of rowids, past damaged pages."""
        found = Content()
        for part in _parts(*span):
            found.add(self._read_part(part))
        return found

    def close(self) -> None:
        """Give the file back."""
        self._columns.close()

    def _read_part(self, span: Span) -> Content:
        try:
            columns = self._columns.read(*span)
        except UnexpectedValueError:
            middle = self._middle(span)
            if middle is None:
                return self._repair_range(span)
            found = self._read_part((span[0], middle - 1))
            found.add(self._read_part((middle, span[1])))
            return found
        if not columns.count:
            return Content()
        are_direct = is_direct(self._table, columns)
        found = Content(columns.count, 0, [columns.where(are_direct)])
        if not are_direct.all():
            self._add(found, (repair.repair_row(self._table, row) for row in columns.where(~are_direct).rows()))
        return found

    def _repair_range(self, span: Span) -> Content:
        """Return the content of a range value by value; of damaged rows what the indexes know."""
        sql = f"SELECT rowid FROM {quoted(self._table)} WHERE rowid BETWEEN ? AND ? ORDER BY rowid"  # noqa: S608
        scanned = ranges.read_range(self._conn, sql, *span)
        looked_up = {
            number: repair.read_row(self._conn, self._table, self._names, number) for (number,) in scanned.rows
        }
        rows = {number: row for number, row in looked_up.items() if row is not None}
        found = Content(len(looked_up))
        self._add(found, (repair.repair_row(self._table, row) for row in rows.values()))
        # Of a damaged tree a scan comes by a row that a look-up does not find.
        unread = looked_up.keys() - rows.keys()
        if failed := sorted([*scanned.failed, *unread]):
            lost, is_vague = ranges.lost_rowids(self._conn, self._table, span, rows, failed)
            if is_vague and self._table != "Image":
                reason = f"{repair.DAMAGED}: others of rows {failed[0]} to {failed[-1]} may be lost"
                found.notes.append((self._table, None, "refused", reason, "{}"))
            self._add_recovered(found, {*lost, *unread})
            found.lost = len({*lost} - unread)
            found.rows += found.lost
        return found

    def _add_recovered(self, found: Content, numbers: set[int]) -> None:
        """Add what the indexes know of rows whose page is damaged."""
        recovered = ranges.recover_from_indexes(self._conn, self._table, sorted(numbers))
        self._add(
            found,
            (repair.recovered_row(self._table, number, row, self._names) for number, row in recovered.items()),
        )

    def _add(self, found: Content, repaired: Iterable[RepairedRow]) -> None:
        rows: list[dict[str, Any]] = []
        for row in repaired:
            number = row.values["rowid"]
            found.notes += [
                (self._table, number, outcome, reason, repair.note_json(original))
                for outcome, reason, original in row.notes
            ]
            if not row.is_refused:
                rows.append(row.values)
        if rows:
            found.columns.append(Columns.of_rows(self._table, rows))

    def _middle(self, span: Span) -> int | None:
        """Return the rowid before which half of the rows of a span are; None where they are few, or unreadable."""
        sql = f"SELECT rowid FROM {quoted(self._table)} WHERE rowid BETWEEN ? AND ? ORDER BY rowid"  # noqa: S608
        try:
            found = self._conn.execute(sql, span).fetchall()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return None
        middle = int(found[len(found) // 2][0]) if len(found) > _SMALLEST_SPLIT else span[0]
        return middle if span[0] < middle <= span[1] else None


@contextmanager
def open_reader(source: Source, table: str) -> Iterator[TableReader]:
    """Give a reader of a table for one thread."""
    with closing(source.connect()) as conn, closing(TableReader(source, table, conn)) as reader:
        yield reader


def _parts(low: int, high: int) -> Iterator[Span]:
    """Yield a span in parts that do not take much memory; few parts where its rowids are far apart."""
    width = max(_ROWIDS_PER_PART, -(-(high - low + 1) // _MOST_PARTS))
    for first in range(low, high + 1, width):
        yield first, min(first + width - 1, high)

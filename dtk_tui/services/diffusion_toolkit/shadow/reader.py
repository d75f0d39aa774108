"""Reading images for shadow tables: whole batches column by column; rows that need a note are staged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from dtk_tui.services.diffusion_toolkit.read import ranges
from dtk_tui.services.diffusion_toolkit.read.arrow import ColumnReader, UnexpectedValueError
from dtk_tui.services.diffusion_toolkit.read.images import ReadBatch, Span, StagingReader
from dtk_tui.services.diffusion_toolkit.shadow.rows import RowBuilder
from dtk_tui.store.diffusion_toolkit.shadow_rows import Rows

#: A range with an unexpected value is halved down to so many rows, which are staged.
_SMALLEST_SPLIT = 48

#: Rowids that are read at once, and the parts that a batch is read in at most.
_ROWIDS_PER_PART = 16_384
_MOST_PARTS = 64

Ids = npt.NDArray[np.int64]


class ShadowReader:
    """Reads images into rows for the shadow tables; one a thread.

    Args:
        base: image.id is rowid and this.
    """

    def __init__(self, columns: ColumnReader, rows: RowBuilder, staged: StagingReader, base: int) -> None:
        self._columns = columns
        self._rows = rows
        self._staged = staged
        self._base = base

    def read(self, conn: sqlite3.Connection, spans: Sequence[Span]) -> tuple[Rows | None, list[ReadBatch]]:
        """Return the rows for the shadow tables, and the content of each of some adjoining batches."""
        try:
            rowids, rows, left = self._read_direct(spans[0][0], spans[-1][1])
        except UnexpectedValueError:
            pieces: list[Rows] = []
            found = [self._bisect(conn, span, pieces) for span in spans]
            return Rows.concatenated(pieces) if pieces else Rows.empty(), found
        return rows, [self._batch_of(conn, rowids, left, span) for span in spans]

    def reread(self, conn: sqlite3.Connection, span: Span, staged: set[int]) -> Rows:
        """Return the shadow rows of a span, without those of ``staged`` rowids, for a comparison."""
        rows = self.read(conn, [span])[0] or Rows.empty()
        rows = rows.without([number + self._base for number in staged])
        seen = staged | set((rows.ids - self._base).tolist())
        found = ranges.read_range(conn, "Image", 'SELECT rowid FROM "Image" WHERE rowid BETWEEN ? AND ?', *span)
        # Halved elsewhere, a span has other rows next to one with an unexpected value.
        pieces = [self._read_one(number) for (number, *_) in found.rows if number not in seen]
        return Rows.concatenated([rows, *pieces]).sorted() if pieces else rows

    def _read_one(self, rowid: int) -> Rows:
        """Return the shadow row of one image; none where it is staged."""
        try:
            return self._read_direct(rowid, rowid)[1]
        except UnexpectedValueError:
            return Rows.empty()

    def close(self) -> None:
        """Give the file back."""
        self._columns.close()

    def _read_direct(self, low: int, high: int) -> tuple[Ids, Rows, Ids]:
        """Return the rowids that are there, their shadow rows, and the rowids of those that are to be staged."""
        seen: list[Ids] = []
        pieces: list[Rows] = []
        for span in _parts(low, high):
            columns = self._columns.read(*span)
            seen.append(columns.rowids)
            pieces.append(self._rows.make(columns))
        rowids, rows = np.concatenate(seen), Rows.concatenated(pieces)
        if len(rows.ids) == len(rowids):
            return rowids, rows, rowids[:0]
        return rowids, rows, np.setdiff1d(rowids, rows.ids - self._base, assume_unique=True)

    def _batch_of(self, conn: sqlite3.Connection, rowids: Ids, left: Ids, span: Span) -> ReadBatch:
        some = _within(left, span).tolist()
        found = ReadBatch(len(_within(rowids, span)))
        if some:
            found.lines = self._staged.stage_some(conn, some)
        return found

    def _bisect(self, conn: sqlite3.Connection, span: Span, pieces: list[Rows]) -> ReadBatch:
        """Return the content of a batch with unexpected values; rows of the halves without are added to ``pieces``."""
        try:
            rowids, rows, left = self._read_direct(*span)
        except UnexpectedValueError:
            middle = _middle(conn, span)
            if middle is None:
                return self._staged.stage(conn, span)
            found = self._bisect(conn, (span[0], middle - 1), pieces)
            found.add(self._bisect(conn, (middle, span[1]), pieces))
            return found
        pieces.append(rows)
        return self._batch_of(conn, rowids, left, span)


def _parts(low: int, high: int) -> Iterator[Span]:
    """Yield a span in parts that do not take much memory; few parts where its rowids are far apart."""
    width = max(_ROWIDS_PER_PART, -(-(high - low + 1) // _MOST_PARTS))
    for first in range(low, high + 1, width):
        yield first, min(first + width - 1, high)


def _within(rowids: Ids, span: Span) -> Ids:
    first, last = np.searchsorted(rowids, (span[0], span[1] + 1))
    return rowids[first:last]


def _middle(conn: sqlite3.Connection, span: Span) -> int | None:
    """Return the rowid before which half of the rows of a span are; None where they are few, or cannot be read."""
    try:
        found = conn.execute('SELECT rowid FROM "Image" WHERE rowid BETWEEN ? AND ? ORDER BY rowid', span).fetchall()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return None
    middle = int(found[len(found) // 2][0]) if len(found) > _SMALLEST_SPLIT else span[0]
    return middle if span[0] < middle <= span[1] else None

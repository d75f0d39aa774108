"""Readers of image batches: their protocol, and the reader that stages every row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dtk_tui.services.diffusion_toolkit.read import csv_select, ranges
from dtk_tui.services.diffusion_toolkit.read.csv_rows import ImageCsv
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.store.diffusion_toolkit.shadow_rows import Rows

#: First and last rowid of a batch, both included.
Span = tuple[int, int]


@dataclass(slots=True)
class ReadBatch:
    """The content of a batch that was read.

    Attributes:
        rows: how many could be read.
        failed: how many rowids could not.
        lines: what is staged, by staging table.
    """

    rows: int = 0
    failed: int = 0
    lines: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, other: ReadBatch) -> None:
        """Add another part of the batch."""
        self.rows += other.rows
        self.failed += other.failed
        for table, lines in other.lines.items():
            self.lines.setdefault(table, []).extend(lines)


class ImageReader(Protocol):
    """Reads images; one a thread."""

    def read(self, conn: sqlite3.Connection, spans: Sequence[Span]) -> tuple[Rows | None, list[ReadBatch]]:
        """Return the rows for the shadow tables, and the content of each of some adjoining batches."""
        ...

    def close(self) -> None:
        """Give back what it holds open."""
        ...


class StagingReader:
    """Reads images as lines for the staging tables."""

    def __init__(self, columns: tuple[str, ...], pool: StringPool) -> None:
        self._select = csv_select.select(columns)
        self._lines = ImageCsv(columns, pool)

    def read(self, conn: sqlite3.Connection, spans: Sequence[Span]) -> tuple[Rows | None, list[ReadBatch]]:
        """Return no rows, and the content of each of some batches."""
        return None, [self.stage(conn, span) for span in spans]

    def close(self) -> None:
        """Give back nothing."""

    def stage(self, conn: sqlite3.Connection, span: Span) -> ReadBatch:
        """Return the content of a batch, past damaged pages."""
        found = ranges.read_range(conn, "Image", self._select, *span)
        unclean = self._lines.write_clean(found.rows)
        lines = self._lines.write_rest(conn, unclean, found.failed)
        return ReadBatch(len(found.rows), len(found.failed), lines.by_table())

    def stage_some(self, conn: sqlite3.Connection, rowids: Sequence[int]) -> dict[str, list[bytes]]:
        """Return the lines of some images, which are there, by staging table."""
        whole = rowids[-1] - rowids[0] + 1
        if whole > 4 * len(rowids):
            rows = [
                row for number in rowids for row in ranges.read_range(conn, "Image", self._select, number, number).rows
            ]
        else:
            wanted = set(rowids)
            found = ranges.read_range(conn, "Image", self._select, rowids[0], rowids[-1])
            rows = [row for row in found.rows if row[0] in wanted]
        return self._lines.write_rest(conn, self._lines.write_clean(rows), []).by_table()

    def stage_one_by_one(self, conn: sqlite3.Connection, rowids: Sequence[int]) -> dict[str, list[bytes]]:
        """Return the lines of some images, each read by itself, by staging table."""
        self._lines.write_clean([])
        return self._lines.write_rest(conn, rowids, []).by_table()

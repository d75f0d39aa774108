"""Reading the whole source in parallel, from any checkpoint on."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dtk_tui.domain.imports import ImportProgressed, ProgressCallback
from dtk_tui.services.diffusion_toolkit.read import other_tables, ranges
from dtk_tui.services.diffusion_toolkit.read.images import ImageReader, ReadBatch
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.source.database import TABLES, Source
from dtk_tui.services.diffusion_toolkit.source.sqlite import explain_error
from dtk_tui.store.diffusion_toolkit.shadow_rows import Rows

#: Two readers keep two cores busy: SQLite and PostgreSQL work outside the interpreter's lock.
READERS = 2
#: Batches, and rows if they are large, that a reader writes in one transaction: one by one they wait for the server.
_BATCHES_PER_WRITE = 16
_ROWS_PER_WRITE = 16_000
_REPORT_EVERY_S = 0.25


@dataclass(slots=True)
class WriteUnit:
    """The content of one transaction.

    Attributes:
        batches: (number, rows, lost rows) of each.
        span: first and last rowid that they can have.
        lines: by staging table.
        rows: of images for the shadow tables.
    """

    table: str
    batches: list[tuple[int, int, int]]
    span: tuple[int, int]
    lines: dict[str, list[bytes]]
    rows: Rows | None = None


Write = Callable[[WriteUnit], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """A range of rowids of one table; ``number`` is the same at every attempt."""

    table: str
    number: int
    low: int
    high: int


def plan(source: Source, batch_size: int) -> tuple[list[Batch], dict[str, int]]:
    """Return all batches of a source and the expected rows by table."""
    conn = source.connect()
    try:
        tables = [table for table in TABLES if table in source.columns]
        plans = [ranges.plan_ranges(conn, table, source.bounds(table), batch_size) for table in tables]
    finally:
        conn.close()
    batches = [
        Batch(one.table, number, low, high) for one in plans for number, (low, high) in enumerate(one.ranges, start=1)
    ]
    assert all(a.table != b.table or a.high < b.low for a, b in pairwise(batches))
    return batches, {one.table: one.rows for one in plans}


class Loader:
    """Runs the readers over the source.

    Args:
        images: gives each thread its reader of images.
        pool: texts and folders that are written before the rows that share them.
        write: writes some batches in one transaction.
        stop: set from outside, ends the reading behind the batches that are under way.
    """

    def __init__(
        self, source: Source, images: Callable[[], ImageReader], pool: StringPool, write: Write,
        on_progress: ProgressCallback, stop: threading.Event,
    ) -> None:  # fmt: skip
        self._source = source
        self._images = images
        self._pool = pool
        self._write = write
        self._on_progress = on_progress
        self._queue: deque[Batch] = deque()
        self._cancelled = stop
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._reported_at = 0.0
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}
        self._read_now = 0

    def run(self, batches: Sequence[Batch], done: Mapping[str, int], total: Mapping[str, int]) -> None:
        """Read and write some batches; of ``total`` rows by table, ``done`` are there already.

        Raises:
            DtkError: the source cannot be read, or the database cannot be written; what was written stays.
        """
        self._total = dict(total)
        self._done = {table: done.get(table, 0) for table in total}
        self._queue.extend(batches)
        threads = [threading.Thread(target=self._work, name=f"migrate-{i}", daemon=True) for i in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
                    if self._cancelled.is_set():
                        self._stop.set()
        finally:
            self._stop.set()
        for thread in threads:
            thread.join()
        if self._error is not None:
            raise explain_error(self._error) if isinstance(self._error, sqlite3.Error) else self._error

    def _work(self) -> None:
        try:
            conn = self._source.connect()
            try:
                self._read_batches(conn)
            finally:
                conn.close()
        except BaseException as error:
            with self._lock:
                self._error = self._error or error
            self._stop.set()

    def _read_batches(self, conn: sqlite3.Connection) -> None:
        images = self._images()
        try:
            while not self._stop.is_set() and (several := self._take()):
                table = several[0].table
                made = WriteUnit(table, [], (several[0].low, several[-1].high), {})
                if table == "Image":
                    made.rows, found = images.read(conn, [(batch.low, batch.high) for batch in several])
                else:
                    found = [self._read_small(conn, batch) for batch in several]
                for batch, one in zip(several, found, strict=True):
                    self._add(made, batch, one)
                self._pool.flush()
                self._write(made)
                self._report_progress(table, sum(rows for _, rows, _ in made.batches))
        finally:
            images.close()

    def _read_small(self, conn: sqlite3.Connection, batch: Batch) -> ReadBatch:
        """Read a batch of another table than that of images."""
        columns = self._source.columns[batch.table]
        select = other_tables.select(batch.table, columns)
        found = ranges.read_range(conn, batch.table, select, batch.low, batch.high)
        lines = other_tables.csv_lines(conn, batch.table, columns, found)
        return ReadBatch(len(found.rows), len(found.failed), lines)

    def _add(self, made: WriteUnit, batch: Batch, found: ReadBatch) -> None:
        """Add what a batch writes."""
        damaged = sum(1 for text in found.lines.get("note", ()) if b"is damaged" in text and b"may be lost" not in text)
        lost = min(damaged, found.failed)
        made.batches.append((batch.number, found.rows + lost, lost))
        for name, more in found.lines.items():
            made.lines.setdefault(name, []).extend(more)

    def _take(self) -> list[Batch]:
        """Return the next adjoining batches of one table, to be written together; none when all are taken."""
        with self._lock:
            several: list[Batch] = []
            rows = 0
            while (
                self._queue
                and len(several) < _BATCHES_PER_WRITE
                and self._queue[0].table == (several or self._queue)[0].table
            ):
                rows += self._queue[0].high - self._queue[0].low + 1
                if several and (rows > _ROWS_PER_WRITE or self._queue[0].low != several[-1].high + 1):
                    break
                several.append(self._queue.popleft())
            return several

    def _report_progress(self, table: str, rows: int) -> None:
        with self._lock:
            self._done[table] += rows
            self._read_now += rows
            now = time.monotonic()
            if now - self._reported_at < _REPORT_EVERY_S:
                return
            self._reported_at = now
            rate = self._read_now / max(now - self._started, 1e-3)
            done, total = sum(self._done.values()), sum(self._total.values())
            eta_s = max(total - done, 0) / rate if rate else None
            tables = tuple((name, self._done[name], rows) for name, rows in self._total.items())
            news = ImportProgressed("reading", table, done, total, rate, eta_s, tables)
        self._on_progress(news)

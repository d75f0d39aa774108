"""Reading the whole source in parallel into the staging tables, from any checkpoint on."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from dtk_tui.domain.imports import ImportProgressed, ProgressCallback
from dtk_tui.services.diffusion_toolkit.parallel import run_parallel
from dtk_tui.services.diffusion_toolkit.read import ranges
from dtk_tui.services.diffusion_toolkit.read.reader import open_reader
from dtk_tui.services.diffusion_toolkit.read.rows import RowBuilder
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.source.database import TABLES, Source
from dtk_tui.services.diffusion_toolkit.source.sqlite import explain_error
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import staging

#: Batches, and rows if they are large, that a reader writes in one transaction: one by one they wait for the server.
_BATCHES_PER_WRITE = 16
_ROWS_PER_WRITE = 16_000
_REPORT_EVERY_S = 0.25


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


def _units(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Yield adjoining batches of one table that are read and written together."""
    unit: list[Batch] = []
    rows = 0
    for batch in batches:
        rows += batch.high - batch.low + 1
        is_next = unit and (batch.table, batch.low) == (unit[-1].table, unit[-1].high + 1)
        if unit and (not is_next or len(unit) == _BATCHES_PER_WRITE or rows > _ROWS_PER_WRITE):
            yield unit
            unit, rows = [], batch.high - batch.low + 1
        unit.append(batch)
    if unit:
        yield unit


class Loader:
    """Reads the source into the staging tables.

    Args:
        builder: of rows of images.
        pool: texts and folders that are written before the rows that share them.
        import_id: that of the record.
        ticket: as ``staging.issue_ticket`` gave it.
    """

    def __init__(
        self, db: Database, source: Source, builder: RowBuilder, pool: StringPool, import_id: int, ticket: int
    ) -> None:
        self._db = db
        self._source = source
        self._builder = builder
        self._pool = pool
        self._import_id = import_id
        self._ticket = ticket

    def run(self, batch_size: int, on_progress: ProgressCallback, stop: threading.Event) -> None:
        """Read and write what is not there yet.

        Raises:
            StoppedError: ``stop`` was set.
            DtkError: the source cannot be read, or the database cannot be written; what was written stays.
        """
        batches, expected = plan(self._source, batch_size)
        with self._db.connection() as conn:
            finished = staging.finished_chunks(conn)
            done = {table: rows for table, (rows, _) in staging.row_counts(conn).items()}
        left = [batch for batch in batches if (batch.table, batch.number) not in finished]
        told = _Progress(on_progress, done, expected).add
        try:
            run_parallel(self._db, [partial(self._load, unit, told) for unit in _units(left)], stop)
        except sqlite3.Error as error:
            raise explain_error(error) from error

    def _load(self, unit: Sequence[Batch], told: Callable[[str, int], None], conn: Connection) -> None:
        table, span = unit[0].table, (unit[0].low, unit[-1].high)
        with open_reader(self._source, table) as reader:
            found = reader.read(span)
        images = self._builder.make_all(found.columns) if table == "Image" else None
        rows = [] if images else [columns.staged(table) for columns in found.columns]
        # Which of the batches has which rows is of no interest any more.
        counts = [(batch.number, 0, 0) for batch in unit]
        counts[0] = (unit[0].number, found.rows, found.lost)
        self._pool.flush()
        staging.write_chunks(conn, self._ticket, table, counts, rows, found.notes)
        if images:
            base = self._builder.base
            ids = None if self._source.id_is_rowid else images.ids.tolist()
            images.write(conn, self._import_id, (span[0] + base, span[1] + base), ids)
        told(table, found.rows)


class _Progress:
    """Counts rows by table and reports them, with the rate and the time left."""

    def __init__(self, on_progress: ProgressCallback, done: Mapping[str, int], total: Mapping[str, int]) -> None:
        self._on_progress = on_progress
        self._total = total
        self._done = {table: done.get(table, 0) for table in total}
        self._before = sum(self._done.values())
        self._started = time.monotonic()
        self._reported_at = 0.0
        self._lock = threading.Lock()

    def add(self, table: str, rows: int) -> None:
        """Count rows that are written; report them, but not too often."""
        with self._lock:
            self._done[table] += rows
            now = time.monotonic()
            if now - self._reported_at < _REPORT_EVERY_S:
                return
            self._reported_at = now
            done, total = sum(self._done.values()), sum(self._total.values())
            rate = (done - self._before) / max(now - self._started, 1e-3)
            eta_s = max(total - done, 0) / rate if rate else None
            tables = tuple((name, self._done[name], expected) for name, expected in self._total.items())
            news = ImportProgressed("reading", table, done, total, rate, eta_s, tables)
        self._on_progress(news)

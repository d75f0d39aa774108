"""Reading the whole source in parallel into the staging tables, from any checkpoint on."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial

from dtk_tui.domain.imports import ImportProgressed, ProgressCallback
from dtk_tui.services.diffusion_toolkit.parallel import run_parallel
from dtk_tui.services.diffusion_toolkit.read import ranges
from dtk_tui.services.diffusion_toolkit.read.ranges import Span
from dtk_tui.services.diffusion_toolkit.read.reader import open_reader
from dtk_tui.services.diffusion_toolkit.read.rows import RowBuilder
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.source.database import TABLES, Source
from dtk_tui.services.diffusion_toolkit.source.sqlite import explain_error
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import staging

#: Batches, and rows if they are large, that are written with one checkpoint: one by one they wait for the server.
_BATCHES_PER_WRITE = 16
_ROWS_PER_WRITE = 16_000
_REPORT_EVERY_S = 0.25


def plan(source: Source, batch_size: int) -> list[tuple[str, Span]]:
    """Return what is read and written with one checkpoint, as (table, range); the same for the same file."""
    rows = min(batch_size * _BATCHES_PER_WRITE, max(batch_size, _ROWS_PER_WRITE))
    with closing(source.connect()) as conn:
        return [
            (table, span)
            for table in TABLES
            if table in source.columns
            for span in ranges.plan_ranges(conn, table, source.bounds(table), rows)
        ]


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
        expected = {table: self._source.bounds(table)[2] for table in TABLES if table in self._source.columns}
        with self._db.connection() as conn:
            finished = staging.finished_chunks(conn)
            done = {table: read for table, (read, _) in staging.row_counts(conn).items()}
        told = _Progress(on_progress, done, expected).add
        try:
            spans = [
                (table, span) for table, span in plan(self._source, batch_size) if (table, span[0]) not in finished
            ]
            run_parallel(self._db, [partial(self._load, table, span, told) for table, span in spans], stop)
        except sqlite3.Error as error:
            raise explain_error(error) from error

    def _load(self, table: str, span: Span, told: Callable[[str, int], None], conn: Connection) -> None:
        with open_reader(self._source, table) as reader:
            found = reader.read(span)
        images = self._builder.make_all(found.columns) if table == "Image" else None
        rows = [] if images else [columns.batch.columns for columns in found.columns]
        self._pool.flush()
        staging.write_chunk(conn, self._ticket, (table, span[0], found.rows, found.lost), rows, found.notes)
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

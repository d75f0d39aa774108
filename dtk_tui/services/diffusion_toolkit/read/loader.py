"""Reading the whole source into the stage, in parallel and from any checkpoint on."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dtk_tui.domain.imports import Follow, ImportProgressed
from dtk_tui.services.diffusion_toolkit.read import small_tables
from dtk_tui.services.diffusion_toolkit.read import table as reading
from dtk_tui.services.diffusion_toolkit.read.images import Found, ImageReader
from dtk_tui.services.diffusion_toolkit.read.interning import Known
from dtk_tui.services.diffusion_toolkit.source import TABLES, Source, readable
from dtk_tui.store.diffusion_toolkit.shadow_rows import Rows

#: Two readers keep two cores busy: SQLite and PostgreSQL work outside the interpreter's lock.
READERS = 2
#: Batches, and rows if they are large, that a reader writes in one transaction: one by one they wait for the server.
_TOGETHER = 16
_TOGETHER_ROWS = 16_000
_TELL_EVERY_S = 0.25


@dataclass(slots=True)
class Written:
    """What is written in one transaction.

    Attributes:
        batches: (number, rows, lost rows) of each.
        span: first and last rowid that they can have.
        lines: by stage table.
        rows: of images that go beside an empty library.
    """

    table: str
    batches: list[tuple[int, int, int]]
    span: tuple[int, int]
    lines: dict[str, list[bytes]]
    rows: Rows | None = None


Write = Callable[[Written], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """One range of rowids of one table; ``number`` is the same at every attempt."""

    table: str
    number: int
    low: int
    high: int


def plan(source: Source, batch_size: int) -> tuple[list[Batch], dict[str, int]]:
    """Return all batches of a source and the expected rows by table."""
    conn = source.connect()
    try:
        tables = [table for table in TABLES if table in source.columns]
        plans = [reading.plan(conn, table, source.bounds(table), batch_size) for table in tables]
    finally:
        conn.close()
    batches = [
        Batch(one.table, number, low, high) for one in plans for number, (low, high) in enumerate(one.ranges, start=1)
    ]
    assert all(a.table != b.table or a.high < b.low for a, b in pairwise(batches))
    return batches, {one.table: one.rows for one in plans}


class Loading:
    """One run of the readers.

    Args:
        images: gives each thread its reader of images.
        known: texts and folders that are written before the rows that share them.
        write: writes some batches in one transaction.
        stop: set from outside, ends the reading behind the batches that are under way.
    """

    def __init__(
        self, source: Source, images: Callable[[], ImageReader], known: Known, write: Write, follow: Follow,
        stop: threading.Event,
    ) -> None:  # fmt: skip
        self._source = source
        self._images = images
        self._known = known
        self._write = write
        self._follow = follow
        self._left: deque[Batch] = deque()
        self._wish = stop
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._told = 0.0
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}
        self._here = 0

    def run(self, batches: Sequence[Batch], done: Mapping[str, int], total: Mapping[str, int]) -> None:
        """Read and write some batches; of ``total`` rows by table, ``done`` are there already.

        Raises:
            DtkError: the source cannot be read, or the database cannot be written; what was written stays.
        """
        self._total = dict(total)
        self._done = {table: done.get(table, 0) for table in total}
        self._left.extend(batches)
        threads = [threading.Thread(target=self._work, name=f"migrate-{i}", daemon=True) for i in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
                    if self._wish.is_set():
                        self._stop.set()
        finally:
            self._stop.set()
        for thread in threads:
            thread.join()
        if self._error is not None:
            raise readable(self._error) if isinstance(self._error, sqlite3.Error) else self._error

    def _work(self) -> None:
        try:
            conn = self._source.connect()
            try:
                self._drain(conn)
            finally:
                conn.close()
        except BaseException as error:
            with self._lock:
                self._error = self._error or error
            self._stop.set()

    def _drain(self, conn: sqlite3.Connection) -> None:
        images = self._images()
        try:
            while not self._stop.is_set() and (several := self._next()):
                table = several[0].table
                made = Written(table, [], (several[0].low, several[-1].high), {})
                if table == "Image":
                    made.rows, found = images.read(conn, [(batch.low, batch.high) for batch in several])
                else:
                    found = [self._read(conn, batch) for batch in several]
                for batch, one in zip(several, found, strict=True):
                    self._add(made, batch, one)
                self._known.settle()
                self._write(made)
                self._tell(table, sum(rows for _, rows, _ in made.batches))
        finally:
            images.close()

    def _read(self, conn: sqlite3.Connection, batch: Batch) -> Found:
        """Read a batch of another table than that of images."""
        columns = self._source.columns[batch.table]
        select = small_tables.select(batch.table, columns)
        found = reading.read(conn, batch.table, select, batch.low, batch.high)
        lines = small_tables.build(conn, batch.table, columns, found)
        return Found(len(found.rows), len(found.failed), lines)

    def _add(self, made: Written, batch: Batch, found: Found) -> None:
        """Add what a batch writes."""
        damaged = sum(1 for text in found.lines.get("note", ()) if b"is damaged" in text and b"may be lost" not in text)
        lost = min(damaged, found.failed)
        made.batches.append((batch.number, found.rows + lost, lost))
        for name, more in found.lines.items():
            made.lines.setdefault(name, []).extend(more)

    def _next(self) -> list[Batch]:
        """Return the next adjoining batches of one table, to be written together; none when all are taken."""
        with self._lock:
            several: list[Batch] = []
            rows = 0
            while self._left and len(several) < _TOGETHER and self._left[0].table == (several or self._left)[0].table:
                rows += self._left[0].high - self._left[0].low + 1
                if several and (rows > _TOGETHER_ROWS or self._left[0].low != several[-1].high + 1):
                    break
                several.append(self._left.popleft())
            return several

    def _tell(self, table: str, rows: int) -> None:
        with self._lock:
            self._done[table] += rows
            self._here += rows
            now = time.monotonic()
            if now - self._told < _TELL_EVERY_S:
                return
            self._told = now
            rate = self._here / max(now - self._started, 1e-3)
            done, total = sum(self._done.values()), sum(self._total.values())
            eta_s = max(total - done, 0) / rate if rate else None
            tables = tuple((name, self._done[name], rows) for name, rows in self._total.items())
            news = ImportProgressed("reading", table, done, total, rate, eta_s, tables)
        self._follow(news)

"""The deep phase of a scan: files that are new or changed are read, and their readings written in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from dtk_tui.domain.events import ScanProgressed
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.scan.read import File, ReadBatch, read_all, read_chunk, readers
from dtk_tui.services.scan.scan_run import ScanRun
from dtk_tui.services.scan.unmet import Claims, find_claims
from dtk_tui.services.scan.write import MovedCounts, write_readings
from dtk_tui.store.database import Connection
from dtk_tui.store.scan import listings, unmet

#: Neighbours in a large batch meet on the same pages of the library.
_WRITE_ROWS = 20_000
_WRITE_BYTES = 16 * 1024 * 1024
#: On a slow disk what was read is kept this often.
_WRITE_S = 3.0
#: Many at a time, because each look for paths is one over all folders.
_PAGE = 16_384


def read_unread(run: ScanRun, folder_ids: Sequence[int]) -> None:
    """Read the unread files of folders, newest first, and write what they hold."""
    waiting = run.read(lambda conn: listings.unread(conn, folder_ids))
    if not len(waiting):
        return
    # What an import brought and no scan has met may have moved.
    has_unmet = run.read(unmet.are_there)
    done = 0
    batch = ReadBatch()
    writing: Future[None] | None = None
    due = time.monotonic() + _WRITE_S
    with (
        readers(run.settings.processes, len(waiting)) as pool,
        ThreadPoolExecutor(1, thread_name_prefix="write") as writer,
    ):
        for read in read_all(pool, read_chunk, _files(run, waiting.tolist()), len(waiting), run.stop):
            batch.merge(read)
            # Small ones in the end: nobody reads while the last one is written.
            enough = min(_WRITE_ROWS, max((len(waiting) - done) // 4, _WRITE_ROWS // 10))
            if len(batch.rows) >= enough or batch.size >= _WRITE_BYTES or time.monotonic() > due:
                if writing is not None:
                    writing.result()
                writing = writer.submit(_write_batch, run, batch, has_unmet)
                batch = ReadBatch()
                due = time.monotonic() + _WRITE_S
            done += len(read.rows) + len(read.unreadable)
            run.emit(ScanProgressed("deep", done, len(waiting)))
        if writing is not None:
            writing.result()
    _write_batch(run, batch, has_unmet)


def _files(run: ScanRun, ids: list[int]) -> Iterator[File]:
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        yield from run.read(partial(listings.paths, ids=page))


def _write_batch(run: ScanRun, batch: ReadBatch, has_unmet: bool) -> None:
    """Write readings; should PostgreSQL refuse one of them, it fails alone with the reason.

    Args:
        has_unmet: whether files may be those of images that an import brought and no scan has met.
    """
    if not batch.rows and not batch.unreadable:
        return
    claims = find_claims(run, [number for number, _, _ in batch.rows]) if has_unmet else Claims()
    if claims.undecided:
        batch.rows = [row for row in batch.rows if row[0] not in claims.undecided]
    found = MovedCounts()

    def write(conn: Connection) -> None:
        nonlocal found
        found = write_readings(conn, batch, claims)

    try:
        run.write(write)
    except DatabaseLostError:
        raise
    except DtkError as error:
        if len(batch.rows) <= 1:
            lost = [(number, f"The metadata cannot be stored. {error.detail}") for number, _, _ in batch.rows]
            _write_batch(run, ReadBatch(unreadable=batch.unreadable + lost), has_unmet)
            return
        middle = len(batch.rows) // 2
        _write_batch(run, ReadBatch(batch.rows[:middle], batch.prompts, batch.unreadable, batch.damaged), has_unmet)
        _write_batch(run, ReadBatch(batch.rows[middle:], batch.prompts), has_unmet)
        return
    run.counts.moved += found.new + found.changed
    run.counts.added -= found.new
    run.counts.updated -= found.changed
    run.counts.gone -= found.unavailable
    run.counts.failed += len(batch.unreadable) + batch.damaged

"""Deriving generation parameters again from the raw metadata that the library keeps: no file is touched."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ScanProgressed, ignore
from dtk_tui.metadata import reader
from dtk_tui.services.library.folder_rules import absolute, known_path
from dtk_tui.services.library.folders import id_of
from dtk_tui.services.retry import retry_until_available
from dtk_tui.services.scan.read import Raw, ReadBatch, derive_chunk, read_all, readers
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import folders
from dtk_tui.store.scan import listings, raw_metadata, readings, staging

_PAGE = 256
_WRITE_ROWS = 2000


def reparse(
    db: Database,
    config: Config,
    paths: Sequence[str] = (),
    emit: Emit = ignore,
    stop: threading.Event | None = None,
    *,
    write: bool = True,
) -> dict[str, float]:
    """Derive parameters again, of all images with raw metadata or of those below some folders.

    Returns:
        ``seen``, ``updated``, ``unchanged``, ``failed``, ``seconds``; with ``write`` False, what would be.

    Raises:
        UsageError: a path is no folder of the library.
    """
    started = time.monotonic()
    stop = stop or threading.Event()
    with db.connection() as conn:
        waiting = raw_metadata.image_ids(conn, _folders(conn, paths)).tolist()
    counts = {"seen": 0, "updated": 0, "failed": 0}

    def flush(batch: ReadBatch) -> None:
        def transaction() -> int:
            with db.connection() as conn:
                listings.acquire_write_lock(conn)
                staging.stage(conn, [row for _, row, _ in batch.rows], batch.prompts)
                return readings.write_derived(conn) if write else readings.count_derived(conn)

        counts["updated"] += retry_until_available(transaction, stop, emit) if batch.rows else 0
        counts["seen"] += len(batch.rows) + len(batch.unreadable)
        counts["failed"] += len(batch.unreadable)
        emit(ScanProgressed("deep", counts["seen"], len(waiting)))

    batch = ReadBatch()
    with readers(config.settings.scan.processes, len(waiting)) as pool:
        for read in read_all(pool, derive_chunk, _raw(db, waiting), len(waiting), stop):
            batch.merge(read)
            if len(batch.rows) >= _WRITE_ROWS:
                flush(batch)
                batch = ReadBatch()
    flush(batch)
    if write and not paths and not stop.is_set():
        with db.connection() as conn:
            raw_metadata.note_version(conn, reader.VERSION)
    unchanged = counts["seen"] - counts["updated"] - counts["failed"]
    return {**counts, "unchanged": unchanged, "seconds": round(time.monotonic() - started, 3)}


def is_due(conn: Connection) -> bool:
    """Return whether this version understands more of the raw metadata than the one that read it."""
    return raw_metadata.is_outdated(conn, reader.VERSION)


def _folders(conn: Connection, paths: Sequence[str]) -> list[int] | None:
    if not paths:
        return None
    tops = [id_of(conn, known_path(conn, absolute(path))) for path in paths]
    return [number for top in tops for number in folders.subtree(conn, top)]


def _raw(db: Database, ids: list[int]) -> Iterator[Raw]:
    for start in range(0, len(ids), _PAGE):
        with db.connection() as conn:
            page = raw_metadata.chunks(conn, ids[start : start + _PAGE])
        yield from page

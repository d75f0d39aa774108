"""Scanning: folders on disk become rows of the library.

Two phases. Quick: every file is listed with size and date. Deep: files that are new or changed are read. Both write in
batches, so that an interrupted scan goes on where it stopped.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ScanFinished, ScanProgressed, ignore
from dtk_tui.domain.parameters import FileReading
from dtk_tui.errors import UnreadableFileError, UsageError
from dtk_tui.metadata.reader import read_file
from dtk_tui.services.patience import persist
from dtk_tui.services.walk import Listing, walk
from dtk_tui.store import folders, ingest
from dtk_tui.store.database import Connection, Database

_FLUSH_FILES = 5000
_FLUSH_FOLDERS = 1000
_READ_CHUNK = 64
_WRITE_ROWS = 512
#: Below this many files, starting processes costs more than it saves.
_PROCESSES_FROM = 2000

Reading = tuple[int, FileReading | str]


@dataclass(slots=True)
class _Tally:
    seen: int = 0
    added: int = 0
    updated: int = 0
    moved: int = 0
    failed: int = 0
    started: float = field(default_factory=time.monotonic)

    def counts(self) -> dict[str, float]:
        """Return the keys of ``dtk scan --json``."""
        return {
            "seen": self.seen,
            "added": self.added,
            "updated": self.updated,
            "moved": self.moved,
            "unchanged": self.seen - self.added - self.updated - self.moved,
            "failed": self.failed,
            "seconds": round(time.monotonic() - self.started, 3),
        }


class Scan:
    """One run over some folders; ``run`` does it all.

    Args:
        stop: when set, the scan ends soon; what was written stays, the rest is done by the next scan.
    """

    def __init__(self, db: Database, config: Config, emit: Emit = ignore, stop: threading.Event | None = None) -> None:
        self._db = db
        self._config = config
        self._emit = emit
        self._stop = stop or threading.Event()
        self._tally = _Tally()
        self._new: set[int] = set()

    def run(self, paths: Sequence[str]) -> dict[str, float]:
        """Scan folders, add those that are new as roots, and return the keys of ``dtk scan --json``.

        Raises:
            UsageError: a path is no folder that can be read; nothing is changed then.
        """
        roots = [os.path.abspath(path) for path in paths]  # noqa: PTH100 (surrogates must survive)
        for root in roots:
            _require_folder(root)
        scanned: list[int] = []
        for root in roots:
            scanned += self._quick(root)
        self._deep(scanned)
        counts = self._tally.counts()
        self._emit(ScanFinished(counts))
        return counts

    def _write(self, action: Callable[[Connection], None]) -> None:
        def transaction() -> None:
            with self._db.connection() as conn:
                action(conn)

        persist(transaction, self._stop, self._emit)

    # -- quick ------------------------------------------------------------------------------------------------------

    def _quick(self, root: str) -> list[int]:
        with self._db.connection() as conn:
            root_id = folders.add_root(conn, root)
            known = folders.known(conn, root_id)
        # A root that was put above older ones is their parent until the folders in between are met.
        ids = {p: f.id for p, f in known.items() if p == root or f.parent_id == _parent_id(known, p)}
        extensions = frozenset(self._config.settings.scan.extensions)
        seen: set[str] = set()
        unreadable: list[str] = []
        batch: list[Listing] = []
        files = 0
        for listing in walk(root, extensions):
            if self._stop.is_set():
                break
            seen.add(listing.path)
            if not listing.complete:
                unreadable.append(listing.path)
            batch.append(listing)
            files += len(listing.files)
            if files >= _FLUSH_FILES or len(batch) >= _FLUSH_FOLDERS:
                self._flush(batch, ids)
                batch, files = [], 0
        self._flush(batch, ids)
        if not self._stop.is_set():
            self._forget_folders(known, seen, unreadable)
        return [ids[path] for path in seen if path in ids]

    def _forget_folders(self, known: dict[str, folders.KnownFolder], seen: set[str], unreadable: list[str]) -> None:
        """Mark folders that were not met; what lies below an unreadable folder is only out of sight."""
        hidden = tuple(path.rstrip("/") + "/" for path in unreadable)
        gone = [f.id for path, f in known.items() if path not in seen and not path.startswith(hidden)]
        if gone:
            self._write(lambda conn: _discard(folders.mark_gone(conn, gone)))

    def _flush(self, batch: list[Listing], ids: dict[str, int]) -> None:
        """Write the quick rows of some folders: what is new, changed, back, or gone."""
        if not batch:
            return

        added = updated = 0

        def write(conn: Connection) -> None:
            nonlocal added, updated
            added, updated = self._merge(conn, batch, ids)

        self._write(write)
        self._tally.added += added
        self._tally.updated += updated
        self._tally.seen += sum(len(listing.files) for listing in batch)
        self._emit(ScanProgressed("quick", self._tally.seen, 0, batch[-1].path))

    def _merge(self, conn: Connection, batch: list[Listing], ids: dict[str, int]) -> tuple[int, int]:
        _add_folders(conn, batch, ids)
        had = ingest.listed(conn, [ids[listing.path] for listing in batch])
        new: list[ingest.Found] = []
        changed: list[tuple[int, int, int]] = []
        back: list[int] = []
        gone: list[int] = []
        for listing in batch:
            folder_id = ids[listing.path]
            rows = had[folder_id]
            for name, size, mtime_ns in listing.files:
                row = rows.pop(name, None)
                if row is None:
                    new.append(ingest.Found(folder_id, name, size, mtime_ns))
                elif (row.file_size, row.mtime_ns) != (size, mtime_ns):
                    changed.append((row.id, size, mtime_ns))
                elif row.unavailable:
                    back.append(row.id)
            if listing.complete:
                gone += [row.id for row in rows.values() if not row.unavailable]
            elif listing.error:
                folders.mark_unreadable(conn, folder_id, listing.error)
        added = ingest.add_quick(conn, new) if new else 0
        if changed:
            ingest.touch(conn, changed)
        if back:
            ingest.mark_back(conn, back)
        if gone:
            ingest.mark_gone(conn, gone)
        folders.mark_scanned(conn, [ids[listing.path] for listing in batch if listing.complete])
        return added, len(changed)

    # -- deep -------------------------------------------------------------------------------------------------------

    def _deep(self, folder_ids: Sequence[int]) -> None:
        with self._db.connection() as conn:
            waiting = ingest.unread(conn, folder_ids)
        self._new = {image_id for image_id, _, is_new in waiting if is_new}
        if not waiting:
            return
        done = 0
        batch: list[Reading] = []
        with _readers(self._config, len(waiting)) as pool:
            for readings in _read_all(pool, [(number, path) for number, path, _ in waiting], self._stop):
                batch += readings
                done += len(readings)
                if len(batch) >= _WRITE_ROWS:
                    self._write_batch(batch)
                    batch = []
                self._emit(ScanProgressed("deep", done, len(waiting)))
        self._write_batch(batch)

    def _write_batch(self, batch: list[Reading]) -> None:
        if not batch:
            return
        read = [(number, reading) for number, reading in batch if isinstance(reading, FileReading)]
        unreadable = [(number, reading) for number, reading in batch if isinstance(reading, str)]
        moved = 0

        def write(conn: Connection) -> None:
            nonlocal moved
            moves = _moves(conn, [(n, r) for n, r in read if n in self._new])
            moved = ingest.move(conn, [(old, new) for new, old in moves.items()]) if moves else 0
            ingest.write_readings(conn, [(moves.get(number, number), reading) for number, reading in read])
            if unreadable:
                ingest.write_unreadable(conn, unreadable)

        self._write(write)
        self._tally.moved += moved
        self._tally.added -= moved
        self._tally.failed += len(unreadable) + sum(1 for _, reading in read if reading.error)


def scan(
    db: Database, config: Config, paths: Sequence[str], emit: Emit = ignore, stop: threading.Event | None = None
) -> dict[str, float]:
    """Scan folders into the library and return the keys of ``dtk scan --json``.

    Raises:
        UsageError: a path is no folder that can be read.
    """
    return Scan(db, config, emit, stop).run(paths)


def _parent_id(known: dict[str, folders.KnownFolder], path: str) -> int | None:
    above = known.get(os.path.dirname(path))  # noqa: PTH120
    return above.id if above else None


def _discard(_: object) -> None:
    """End an expression whose value is not wanted."""


def _require_folder(path: str) -> None:
    try:
        with os.scandir(path):
            return
    except FileNotFoundError as error:
        raise UsageError(f"There is no folder {path}.", "Check the spelling, or that its disk is mounted.") from error
    except NotADirectoryError as error:
        raise UsageError(f"{path} is not a folder.", "Name the folder that it lies in.") from error
    except OSError as error:
        raise UsageError(f"The folder {path} cannot be read.", error.strerror or str(error)) from error


def _add_folders(conn: Connection, batch: list[Listing], ids: dict[str, int]) -> None:
    """Insert the folders of a batch that are new, level by level, for a child needs its parent's id."""
    new = [listing for listing in batch if listing.path not in ids]
    while new:
        ready = [x for x in new if x.parent in ids]
        ids.update(folders.add(conn, [(ids[x.parent] if x.parent else None, x.path) for x in ready]))
        new = [x for x in new if x.path not in ids]


def _moves(conn: Connection, read: list[tuple[int, FileReading]]) -> dict[int, int]:
    """Return for new rows the known row of the same content whose file is no longer in its place."""
    by_content: dict[bytes, list[int]] = {}
    for number, reading in read:
        if reading.file_size:
            by_content.setdefault(reading.fingerprint, []).append(number)
    if not by_content:
        return {}
    moves: dict[int, int] = {}
    for twin in ingest.twins(conn, list(by_content), [number for number, _ in read]):
        if by_content[twin.fingerprint] and (twin.unavailable or not os.path.lexists(twin.path)):
            moves[by_content[twin.fingerprint].pop(0)] = twin.id
    return moves


def read_chunk(files: list[tuple[int, str]]) -> list[Reading]:
    """Read some files, given as (image id, path); a file that cannot be read gives its reason instead."""
    readings: list[Reading] = []
    for number, path in files:
        try:
            readings.append((number, read_file(path)))
        except UnreadableFileError as error:
            readings.append((number, f"{error.title} {error.detail}".strip()))
    return readings


@contextmanager
def _readers(config: Config, files: int) -> Iterator[Executor]:
    """Give processes for many files, threads for few; a spawned process inherits no thread or model of ours."""
    count = config.settings.scan.processes or os.cpu_count() or 1
    if files < _PROCESSES_FROM:
        with ThreadPoolExecutor(count, thread_name_prefix="read") as threads:
            yield threads
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as processes:
        yield processes


def _read_all(pool: Executor, files: list[tuple[int, str]], stop: threading.Event) -> Iterator[list[Reading]]:
    """Yield readings in the order of ``files``; only as many chunks are under way as keep the readers busy."""
    chunks = (files[start : start + _READ_CHUNK] for start in range(0, len(files), _READ_CHUNK))
    under_way: deque[Future[list[Reading]]] = deque()
    depth = 4 * (os.cpu_count() or 1)
    for chunk in chunks:
        if stop.is_set():
            break
        under_way.append(pool.submit(read_chunk, chunk))
        if len(under_way) >= depth:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()

"""Scanning: folders on disk become rows of the library.

Two phases. Quick: every file is listed with size and date. Deep: files that are new or changed are read. Both write in
batches, so that an interrupted scan goes on where it stopped.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ProblemReported, ScanFinished, ScanProgressed, ignore
from dtk_tui.errors import DatabaseLostError, DtkError, UsageError
from dtk_tui.services.library.folder_rules import (
    Rules,
    absolute,
    elsewhere,
    is_watched,
    known_path,
    open_roots,
    require_folder,
    require_scannable,
)
from dtk_tui.services.retry import retry_until_available
from dtk_tui.services.scan.diff import Differences, compare
from dtk_tui.services.scan.read import File, Read, read_all, read_chunk, readers
from dtk_tui.services.scan.walk import Listing, batches, walk
from dtk_tui.services.scan.write import Written, write_readings
from dtk_tui.store.copy.rows import listed_files
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import folders
from dtk_tui.store.scan import listing as ingest
from dtk_tui.text import counted

T = TypeVar("T")

#: Neighbours in a large batch meet on the same pages of the library.
_WRITE_ROWS = 20_000
_WRITE_BYTES = 16 * 1024 * 1024
#: On a slow disk what was read is kept this often.
_WRITE_S = 3.0
#: Many at a time, because each look for paths is one over all folders.
_PAGE = 16_384
_COLLECT_AFTER = 50_000


@dataclass(slots=True)
class Tally:
    """What a scan has done so far."""

    seen: int = 0
    added: int = 0
    updated: int = 0
    moved: int = 0
    failed: int = 0
    gone: int = 0
    started: float = field(default_factory=time.monotonic)

    def counts(self) -> dict[str, float]:
        """Return the keys of ``dtk scan --json``; ``gone`` files vanished and were not found elsewhere."""
        # What an interrupted scan has listed moves now, and was never counted as added or updated here.
        added, updated = max(self.added, 0), max(self.updated, 0)
        return {
            "seen": self.seen,
            "added": added,
            "updated": updated,
            "moved": self.moved,
            "unchanged": max(self.seen - added - updated - self.moved, 0),
            "failed": self.failed,
            "gone": max(self.gone, 0),
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
        self._tally = Tally()
        self._extensions = frozenset(config.settings.scan.extensions)

    def run(self, paths: Sequence[str]) -> dict[str, float]:
        """Scan folders, add those that are new as roots, and return the keys of ``dtk scan --json``.

        Args:
            paths: folders; none: all roots of the library.

        Raises:
            UsageError: a path is no folder that can be read, or rules of the library keep scans out of it; nothing is
                changed then.
        """
        scanned: list[int] = []
        targets = self.targets(paths)
        with self._db.listener() as announced:
            ingest.announce(announced)
            for root in targets:
                scanned += self.quick(root)
            self.deep(scanned)
        return self._finish()

    def refresh(self, paths: Iterable[str]) -> dict[str, float]:
        """Look again at single folders of the library whose content changed, and at what is new below them."""
        scanned: list[int] = []
        for path in sorted(set(paths)):
            scanned += retry_until_available(partial(self._refresh_one, path), self._stop, self._emit)
        self.deep(scanned)
        return self._finish()

    def _finish(self) -> dict[str, float]:
        counts = self._tally.counts()
        self._emit(ScanFinished(counts))
        return counts

    def targets(self, paths: Sequence[str]) -> list[str]:
        """Return the absolute folders to scan; raises UsageError as ``run``."""
        with self._db.connection() as conn:
            if not paths:
                if not folders.roots(conn):
                    raise UsageError("The library has no folders yet.", "Name one: dtk scan FOLDER")
                roots = open_roots(conn)
                return [path for path in roots if os.path.isdir(path)] or roots  # noqa: PTH112
            targets: list[str] = []
            for path in map(absolute, paths):
                require_folder(path)
                known = known_path(conn, path, targets)
                require_scannable(conn, known, folders.rule_of(conn, known))
                if known != path:
                    self._emit(ProblemReported(f"The folder {path} is in the library as {known}.", "That is scanned."))
                targets += [] if known in targets else [known]
            return targets

    def _write(self, action: Callable[[Connection], None]) -> None:
        retry_until_available(partial(self._write_once, action), self._stop, self._emit)

    def _write_once(self, action: Callable[[Connection], None]) -> None:
        with self._db.connection() as conn:
            ingest.acquire_write_lock(conn)
            action(conn)

    def _ask(self, question: Callable[[Connection], T]) -> T:
        def transaction() -> T:
            with self._db.connection() as conn:
                return question(conn)

        return retry_until_available(transaction, self._stop, self._emit)

    # -- quick ------------------------------------------------------------------------------------------------------

    def quick(self, root: str) -> list[int]:
        """List a tree and write what is new, changed, back or gone; return the ids of its folders.

        A database that went away may have forgotten its last transactions, so the listing begins anew when it is back.
        """
        return retry_until_available(partial(self._list, root, self._tally.seen), self._stop, self._emit)

    def _list(self, root: str, seen_before: int) -> list[int]:
        self._tally.seen = seen_before
        with self._db.connection() as conn:
            root_id = folders.add_root(conn, root)
            known = folders.known(conn, root_id)
            apart = elsewhere(conn, root)
        # A root that was put above older ones is their parent until the folders in between are met.
        ids = {p: f.id for p, f in known.items() if p == root or f.parent_id == _parent_id(known, p)}
        rules = Rules({path: f.rule for path, f in known.items()}, apart)
        seen, unreadable = set[str](), list[str]()
        gone_before = self._tally.gone
        flushed: Future[None] | None = None
        with _few_collections(), ThreadPoolExecutor(1, thread_name_prefix="list") as writer:
            for batch in batches(walk(root, self._extensions, rules.scope)):
                seen.update([listing.path for listing in batch])
                unreadable += [listing.path for listing in batch if not listing.complete]
                # Here, because the writer and its server are as busy as the walk.
                for listing in batch:
                    if listing.path not in known:
                        listing.packed = listed_files(listing.files)
                if flushed is not None:
                    flushed.result()
                flushed = writer.submit(self._flush, batch, ids, known)
                if self._stop.is_set():
                    break
            if flushed is not None:
                flushed.result()
        if not self._stop.is_set():
            hidden = rules.out_of_sight(unreadable)
            gone = [f.id for path, f in known.items() if path not in seen and path not in hidden]
            self._forget(gone)
            lost = self._tally.gone - gone_before
            if self._tally.seen == seen_before and lost > 0:
                self._tell_lost(root, "is empty now", lost)
        return [ids[path] for path in seen if path in ids]

    def _tell_lost(self, root: str, how: str, images: int) -> None:
        title = f"The folder {root} {how}: its {counted(images, 'image counts', 'images count')} as gone."
        self._emit(ProblemReported(title, "If its disk is not mounted, mount it and scan again: they come back."))

    def _forget(self, folder_ids: list[int]) -> None:
        """Mark folders that vanished, with their images."""
        images = 0

        def write(conn: Connection) -> None:
            nonlocal images
            images = folders.mark_gone(conn, folder_ids)

        if folder_ids:
            self._write(write)
            self._tally.gone += images

    def _refresh_one(self, path: str) -> list[int]:
        with self._db.connection() as conn:
            number = folders.find(conn, path)
            if number is None:
                return []
            known = folders.known(conn, number)
            if not is_watched(conn, path, known[path].rule):
                return []
            apart = elsewhere(conn, path)
        if not os.path.isdir(path):  # noqa: PTH112 (surrogates must survive)
            gone_before = self._tally.gone
            self._forget([folder.id for folder in known.values()])
            lost = self._tally.gone - gone_before
            if known[path].parent_id is None and lost:
                self._tell_lost(path, "is not there any more", lost)
            return []
        rules = Rules({p: f.rule for p, f in known.items()}, apart)
        ids = {p: f.id for p, f in known.items()}
        met: list[str] = []
        for batch in batches(walk(path, self._extensions, rules.scope)):
            # Folders below that are known already have news of their own.
            new = [x for x in batch if x.path == path or x.path not in known or not known[x.path].settled]
            self._flush(new, ids, known)
            met += [x.path for x in new]
        return [ids[p] for p in met if p in ids]

    def _flush(self, batch: list[Listing], ids: dict[str, int], known: dict[str, folders.KnownFolder]) -> None:
        """Write the quick rows of some folders: what is new, changed, back, or gone."""
        added = updated = gone = 0

        def write(conn: Connection) -> None:
            nonlocal added, updated, gone
            made = _add_folders(conn, batch, ids)
            found = _differences(conn, batch, ids, known, made)
            added = ingest.add_quick(conn, found.new, made, found.packed)
            ingest.touch(conn, found.changed)
            ingest.read_again(conn, found.again)
            folders.note_beside(conn, found.beside)
            ingest.mark_back(conn, found.back)
            ingest.mark_gone(conn, found.gone)
            for folder_id, reason in found.unreadable:
                folders.mark_unreadable(conn, folder_id, reason)
            if found.read:
                folders.mark_scanned(conn, found.read)
            updated, gone = len(found.changed) + len(found.again), len(found.gone)

        self._write_once(write)
        self._tally.added += added
        self._tally.updated += updated
        self._tally.gone += gone
        self._tally.seen += sum([len(listing.files) for listing in batch])
        self._emit(ScanProgressed("quick", self._tally.seen, 0, batch[-1].path if batch else ""))

    # -- deep -------------------------------------------------------------------------------------------------------

    def deep(self, folder_ids: Sequence[int]) -> None:
        """Read the files of folders that wait for it, newest first."""
        waiting = self._ask(lambda conn: ingest.unread(conn, folder_ids))
        if not len(waiting):
            return
        done = 0
        batch = Read()
        written: Future[None] | None = None
        due = time.monotonic() + _WRITE_S
        with (
            readers(self._config.settings.scan.processes, len(waiting)) as pool,
            ThreadPoolExecutor(1, thread_name_prefix="write") as writer,
        ):
            for read in read_all(pool, read_chunk, self._files(waiting.tolist()), len(waiting), self._stop):
                batch.add(read)
                # Small ones in the end: nobody reads while the last one is written.
                enough = min(_WRITE_ROWS, max((len(waiting) - done) // 4, _WRITE_ROWS // 10))
                if len(batch.rows) >= enough or batch.size >= _WRITE_BYTES or time.monotonic() > due:
                    if written is not None:
                        written.result()
                    written = writer.submit(self._write_batch, batch)
                    batch = Read()
                    due = time.monotonic() + _WRITE_S
                done += len(read.rows) + len(read.unreadable)
                self._emit(ScanProgressed("deep", done, len(waiting)))
            if written is not None:
                written.result()
        self._write_batch(batch)

    def _files(self, ids: list[int]) -> Iterator[File]:
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            yield from self._ask(partial(ingest.paths, ids=page))

    def _write_batch(self, batch: Read) -> None:
        """Write readings; should PostgreSQL refuse one of them, it fails alone with the reason."""
        if not batch.rows and not batch.unreadable:
            return
        written = Written()

        def write(conn: Connection) -> None:
            nonlocal written
            written = write_readings(conn, batch)

        try:
            self._write(write)
        except DatabaseLostError:
            raise
        except DtkError as error:
            if len(batch.rows) <= 1:
                lost = [(number, f"The metadata cannot be stored. {error.detail}") for number, _, _ in batch.rows]
                self._write_batch(Read(unreadable=batch.unreadable + lost))
                return
            middle = len(batch.rows) // 2
            self._write_batch(Read(batch.rows[:middle], batch.prompts, batch.unreadable, batch.damaged))
            self._write_batch(Read(batch.rows[middle:], batch.prompts))
            return
        self._tally.moved += written.moved + written.traded
        self._tally.added -= written.moved
        self._tally.updated -= written.traded
        self._tally.gone -= written.found
        self._tally.failed += len(batch.unreadable) + batch.damaged


def scan(
    db: Database, config: Config, paths: Sequence[str], emit: Emit = ignore, stop: threading.Event | None = None
) -> dict[str, float]:
    """Scan folders into the library and return the keys of ``dtk scan --json``.

    Raises:
        UsageError: a path is no folder that can be read.
    """
    return Scan(db, config, emit, stop).run(paths)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Let the interpreter look for cycles less often: listings are many objects without any."""
    usual = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _parent_id(known: dict[str, folders.KnownFolder], path: str) -> int | None:
    above = known.get(os.path.dirname(path))  # noqa: PTH120
    return above.id if above else None


def _add_folders(conn: Connection, batch: list[Listing], ids: dict[str, int]) -> set[int]:
    """Insert the folders of a batch that are new, level by level, for a child needs its parent's id; return theirs."""
    new = [listing for listing in batch if listing.path not in ids]
    read = {listing.path for listing in new if listing.complete}
    made: set[int] = set()
    while new:
        ready = [x for x in new if x.parent in ids]
        added = folders.add(conn, [(ids[x.parent] if x.parent else None, x.path) for x in ready], read)
        ids.update(added)
        made.update(added.values())
        new = [x for x in new if x.path not in ids]
    return made


def _differences(
    conn: Connection,
    batch: list[Listing],
    ids: dict[str, int],
    known: dict[str, folders.KnownFolder],
    made: set[int],
) -> Differences:
    old = {x.path for x in batch if x.path in known}
    beside = {known[path].id: known[path].beside for path in old}
    differences = compare(conn, [(ids[x.path], x, x.path in old) for x in batch], beside)
    settled = {known[path].id for path in old if known[path].settled}
    # A folder that is as it was costs no write at all.
    differences.read = [n for n in differences.read if n not in made and (n not in settled or n in differences.touched)]
    return differences

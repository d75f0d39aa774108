"""What the phases of one scan share: the library, the counts, and how they write."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ProblemReported, ignore
from dtk_tui.services.retry import retry_until_available
from dtk_tui.services.scan.walk import File
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.scan import listings, relocation
from dtk_tui.text import counted

T = TypeVar("T")
#: Beyond so many new files they get their rows at once: what moved among them is found when it is read.
_MOST_HELD = 500_000
_COLLECT_AFTER = 50_000


@dataclass(slots=True)
class ScanCounts:
    """How many files a scan has seen, and what it found of them so far."""

    seen: int = 0
    added: int = 0
    updated: int = 0
    moved: int = 0
    failed: int = 0
    gone: int = 0
    started: float = field(default_factory=time.monotonic)

    def as_json(self) -> dict[str, float]:
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


#: Files of folders, by id: the folder's path, and what was listed in it.
HeldFiles = dict[int, tuple[str, list[File]]]


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the interpreter look for cycles less often: listings are many objects without any."""
    usual = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class ScanRun:
    """One scan under way.

    Args:
        stop: when set, the scan ends soon; what was written stays, the rest is done by the next scan.
    """

    def __init__(self, db: Database, config: Config, emit: Emit = ignore, stop: threading.Event | None = None) -> None:
        self.db = db
        self.settings = config.settings.scan
        self.emit = emit
        self.stop = stop or threading.Event()
        self.counts = ScanCounts()
        #: Ids of images whose files were not where they were; see ``relocate.settle_vanished``.
        self.vanished: set[int] = set()
        #: New files that get no rows before it is known which of them are those images'.
        self.held: HeldFiles = {}
        self._may_hold: bool | None = None

    def may_hold(self) -> bool:
        """Return whether more new files may be held: the library has images that may have moved, and they are few."""
        if self._may_hold is None:
            self._may_hold = self.read(relocation.has_images)
        return self._may_hold and sum(len(files) for _, files in self.held.values()) < _MOST_HELD

    def write(self, action: Callable[[Connection], object]) -> None:
        """Run a transaction that writes, alone among scans; again while the database is away."""
        self.retry(partial(self.write_once, action))

    def write_once(self, action: Callable[[Connection], object]) -> None:
        """Run a transaction that writes, alone among scans."""
        with self.db.connection() as conn:
            listings.acquire_write_lock(conn)
            action(conn)

    def read(self, query: Callable[[Connection], T]) -> T:
        """Run a transaction that reads and return its result; again while the database is away."""

        def transaction() -> T:
            with self.db.connection() as conn:
                return query(conn)

        return self.retry(transaction)

    def retry(self, action: Callable[[], T]) -> T:
        """Do something again and again while the database is away, until the scan is stopped."""
        return retry_until_available(action, self.stop, self.emit)

    def report_lost_folder(self, path: str, how: str, images: int) -> None:
        """Tell that a whole root is gone: its disk may not be mounted."""
        title = f"The folder {path} {how}: its {counted(images, 'image counts', 'images count')} as gone."
        self.emit(ProblemReported(title, "If its disk is not mounted, mount it and scan again: they come back."))

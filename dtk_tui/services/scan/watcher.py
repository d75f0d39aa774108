"""Watching folders: what changes on the disk is in the library a moment later.

Local folders are watched with inotify (through watchfiles); where its limit is reached, and for roots on network file
systems, which send no news, the times of the folders are looked at every few seconds instead. A root that is mounted,
added or replaced while others are watched is scanned and watched from then on.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, Event, ProblemReported, ScanFinished, ignore
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.metadata import sidecars
from dtk_tui.services.library.folder_rules import report_missing_roots, scannable_roots
from dtk_tui.services.scan.mounts import is_network
from dtk_tui.services.scan.notifier import DELETED, Notifier, NotifierError, failure_text, open_notifier
from dtk_tui.services.scan.scanner import Scan
from dtk_tui.store.database import Database
from dtk_tui.store.scan import known_folders, listings

#: Changes are gathered until the disk is quiet for ``_QUIET_MS``, but not longer than ``_GATHER_MS``.
_GATHER_MS = 1600
_QUIET_MS = 200
_POLL_S = 5.0
#: Beside inotify the folder times are looked at as well, for it loses news when too much happens at once.
_SWEEP_S = 30.0
_JOIN_S = 10.0
_CLOCK_NS = 1_000_000_000

#: Roots by path, with the device and the inode that they are at the moment.
Roots = dict[str, tuple[int, int]]


class Watcher:
    """Keeps the library in step with some folders, in a thread of its own.

    Args:
        paths: folders; none: all roots of the library, also those that are added later.
        poll_s: how often roots, and where nothing sends news folder times, are looked at, in seconds.
        watch: makes the notifier of some folders.
        network: tells whether a folder is on a file system that sends no news.
    """

    def __init__(
        self,
        db: Database,
        config: Config,
        emit: Emit = ignore,
        paths: Sequence[str] = (),
        *,
        poll_s: float = _POLL_S,
        watch: Callable[[list[str]], Notifier] = open_notifier,
        network: Callable[[str], bool] = is_network,
    ) -> None:
        self._db = db
        self._config = config
        self._emit = emit
        self._paths = list(paths)
        self._poll_s = poll_s
        self._watch = watch
        self._is_network = network
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._notifier: Notifier | None = None
        self._times: dict[str, int] = {}
        #: When the folder times below a root were looked at last.
        self._swept_ns: dict[str, int] = {}
        self._remote: list[str] = []
        self._pending: set[str] = set()
        self._deleted: set[str] = set()
        #: Whether news of local folders comes from the system; otherwise folder times are polled.
        self.notified = False
        self.watching = threading.Event()

    def check(self) -> None:
        """Raise UsageError when the folders are none that can be scanned."""
        Scan(self._db, self._config, self._emit).targets(self._paths)

    def start(self) -> None:
        """Begin watching; returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name="dtk-watch", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End watching; what is under way is ended soon, the rest is found by the next scan."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            self._thread = None

    def check_roots(self) -> None:
        """Look now whether roots were added or removed."""
        self._wake.set()

    def run(self) -> None:
        """Watch in this thread until ``close`` is called from another; scans once first."""
        try:
            self._report_missing_roots()
            self._run()
        except DtkError as error:
            self._emit(ProblemReported(error.title, error.detail))
        finally:
            self.watching.clear()
            if self._notifier is not None:
                self._notifier.close()

    def _run(self) -> None:
        targets = Scan(self._db, self._config).targets(self._paths) if self._paths else None
        roots: Roots = {}
        swept = polled = 0.0
        while not self._stop.is_set():
            self._wake.clear()
            try:
                now = _root_identities(self._scannable_roots() if targets is None else targets)
                # What is put in the place of a root that was deleted may get its inode, but nobody watches it.
                roots = {root: place for root, place in roots.items() if root not in self._deleted}
                self._deleted.clear()
                if now != roots or (self._notifier is None and self.notified):
                    new = [root for root in now if now[root] != roots.get(root)]
                    if new and self._others_scan():
                        now = {root: place for root, place in now.items() if root not in new}
                        new = []
                    roots, swept = now, 0.0
                    self._watch_roots(list(roots), new)
                if self._notifier is None or time.monotonic() - swept >= _SWEEP_S:
                    self._poll_folder_times(list(roots))
                    swept = time.monotonic()
                    polled = swept
                elif self._remote and time.monotonic() - polled >= self._poll_s:
                    self._poll_folder_times(self._remote)
                    polled = time.monotonic()
            except DatabaseLostError:
                roots, swept = {}, 0.0  # whatever changes until it is back is found by scanning once more
            self._refresh()
            self.watching.set()
            self._pending.update(self._changed(self._poll_s))

    def _report_missing_roots(self) -> None:
        if not self._paths:
            with suppress(DatabaseLostError), self._db.connection() as conn:
                report_missing_roots(conn, self._emit)

    def _scannable_roots(self) -> list[str]:
        with self._db.connection() as conn:
            return scannable_roots(conn)

    def _others_scan(self) -> bool:
        """Whether another scan is under way, which may be reading what is new; it is waited for."""
        with self._db.connection() as conn:
            return listings.is_anyone_scanning(conn)

    def _watch_roots(self, roots: list[str], new: list[str]) -> None:
        """Watch other folders than before; those that are new are scanned once."""
        self._open_notifier(roots)
        self._swept_ns = dict.fromkeys(roots, time.time_ns())
        try:
            if new:
                Scan(self._db, self._config, self._emit_watched, self._stop).run(new)
        except DatabaseLostError:
            raise
        except DtkError as error:
            self._emit(ProblemReported(error.title, error.detail))

    def _open_notifier(self, roots: list[str]) -> None:
        """Ask the system for news of the folders; say so where it cannot give them."""
        if self._notifier is not None:
            self._notifier.close()
            self._notifier = None
        self.notified = False
        told = set(self._remote)
        self._remote = [root for root in roots if self._is_network(root)]
        for root in self._remote:
            if root not in told:
                detail = f"{root} is on a network: its folders are looked at every {self._poll_s:.0f} s."
                self._emit(ProblemReported("Network file systems send no news.", detail))
        local = [root for root in roots if root not in self._remote]
        if not local:
            return
        try:
            self._notifier = self._watch(local)
            self.notified = True
        except (OSError, UnicodeEncodeError, NotifierError) as error:
            self._emit(ProblemReported(*failure_text(error, self._poll_s)))

    def _changed(self, wait_s: float) -> Iterable[str]:
        """Wait for news and return the folders that it is about."""
        if self._notifier is None:
            self._wake.wait(wait_s)
            return ()
        try:
            news = self._notifier.watch(_GATHER_MS, _QUIET_MS, max(int(wait_s * 1000), 1), self._wake)
        except NotifierError:
            # A name that is not UTF-8: nothing more is heard from this notifier, and the folder times tell the rest.
            self._notifier.close()
            self._notifier = None
            return ()
        if isinstance(news, str):
            if news == "signal":
                self._stop.set()
            return ()
        self._deleted.update(path for change, path in news if change == DELETED)
        return self._folders_of(path for _, path in news)

    def _folders_of(self, paths: Iterable[str]) -> set[str]:
        endings = tuple(self._config.settings.scan.extensions)
        found: set[str] = set()
        for path in paths:
            if path.lower().endswith(endings):
                found.add(os.path.dirname(path))  # noqa: PTH120 (surrogates must survive)
            else:
                found.update((path, os.path.dirname(path)))  # noqa: PTH120
            if f"/{sidecars.FOLDER}/" in path:
                # What stands there tells of files in the folder above.
                found.add(path.rpartition(f"/{sidecars.FOLDER}/")[0])
        return found

    def _poll_folder_times(self, roots: list[str]) -> None:
        """Look at the times of all known folders; those that changed are looked at again."""
        # A folder that is new to the sweep may have changed since it was listed; clocks of file systems are coarse.
        times: dict[str, int] = {}
        for root in roots:
            since_ns = self._swept_ns.get(root, 0) - _CLOCK_NS
            self._swept_ns[root] = time.time_ns()
            with self._db.connection() as conn:
                known = known_folders.load_below(conn, root)
            for path, folder in known.items():
                try:
                    times[path] = os.stat(path).st_mtime_ns  # noqa: PTH116
                except OSError:
                    if folder.settled:
                        self._pending.add(path)
                    continue
                before = self._times.get(path)
                if times[path] > since_ns if before is None else times[path] != before:
                    self._pending.add(path)
        self._times.update(times)

    def _refresh(self) -> None:
        """Scan the folders that changed; those that a lost database kept back are tried again later."""
        if not self._pending or self._stop.is_set():
            return
        paths, self._pending = self._pending, set()
        scan = Scan(self._db, self._config, self._emit_problem, self._stop)
        try:
            counts = scan.refresh(paths)
        except DtkError as error:
            self._pending |= paths
            self._emit(ProblemReported(error.title, error.detail))
            self._stop.wait(1.0)
            return
        if counts["gone"] or counts["failed"] or counts["unchanged"] != counts["seen"]:
            self._emit(ScanFinished(counts, watched=True))

    def _emit_watched(self, event: Event) -> None:
        self._emit(replace(event, watched=True) if isinstance(event, ScanFinished) else event)

    def _emit_problem(self, event: Event) -> None:
        """Pass on troubles; the end of a refresh is only news when something was different."""
        if isinstance(event, ProblemReported):
            self._emit(event)


def _root_identities(paths: Iterable[str]) -> Roots:
    """Return what stands at some paths; a disk that is not mounted says nothing about its files."""
    places: Roots = {}
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116 (surrogates must survive)
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            places[path] = (status.st_dev, status.st_ino)
    return places

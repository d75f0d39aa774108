"""Reads have a bound: a thread whose read does not return is left behind, and another takes its place."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from dtk_tui.domain.job import ClaimedJob
from dtk_tui.errors import ChangedFileError, DatabaseLostError, DtkError
from dtk_tui.metadata.bounded_file import fingerprint_of
from dtk_tui.services.worker.batch_result import Failure, failure_of, is_memory
from dtk_tui.services.worker.files.away import AwayFolders, Probe
from dtk_tui.services.worker.state import PipelineState, ToLoad
from dtk_tui.store.queue import missing
from dtk_tui.store.queue.missing import ImagePlace
from dtk_tui.text import duration

_LOOK_S = 0.5


@dataclass(eq=False, slots=True)
class Read:
    """A read that is under way.

    Attributes:
        until: when it has taken too long (monotonic seconds).
        go_on: the work of the thread that takes over.
    """

    item: ToLoad
    thread: threading.Thread
    begun: float
    until: float
    go_on: Callable[[], None]


class ReadWatch:
    """Watches the reads of all loading threads, and finds out why files could not be read.

    Args:
        away: where folders are noted that are away.
    """

    def __init__(self, state: PipelineState, away: AwayFolders) -> None:
        self._state = state
        self._away = away
        self._lock = threading.Lock()
        self._reads: set[Read] = set()
        self._hung: list[tuple[Read, Probe]] = []
        self._threads: list[threading.Thread] = []

    # -- threads ----------------------------------------------------------------------------------------------------

    def start_thread(self, work: Callable[[], None], name: str) -> None:
        """Start a thread that loads."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait until the loading threads have ended, or so long; what still reads then is left behind."""
        until = time.monotonic() + timeout_s
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    # -- reads ------------------------------------------------------------------------------------------------------

    def begin(self, item: ToLoad, bound_s: float, go_on: Callable[[], None]) -> Read:
        """Note that the calling thread begins to read a file.

        Args:
            bound_s: how long that may take, in seconds.
            go_on: the work of the thread that takes over if it takes longer.
        """
        now = time.monotonic()
        read = Read(item, threading.current_thread(), now, now + bound_s, go_on)
        with self._lock:
            self._reads.add(read)
        return read

    def end(self, read: Read) -> bool:
        """Note that a read has returned; False when that took too long, and another thread has taken over."""
        with self._lock:
            if read not in self._reads:
                return False
            self._reads.discard(read)
            return True

    def run(self) -> None:
        """Watch until the pipeline stops."""
        state = self._state
        while not state.wait_stopping(_LOOK_S):
            now = time.monotonic()
            with self._lock:
                late = [read for read in self._reads if now > read.until]
                self._reads.difference_update(late)
                left = {read.thread for read in late}
                self._threads = [thread for thread in self._threads if thread not in left]
            for read in late:
                self.start_thread(read.go_on, "dtk-load-again")
                state.end_loading()
            try:
                for read in late:
                    self._ask(read)
                self._settle()
            except DatabaseLostError:
                return  # it stops; what hangs stays under a lease that ends
            except DtkError as error:
                state.report(error)

    def _ask(self, read: Read) -> None:
        """Ask the folders of a file that does not answer."""
        place = self._place(read.item.job)
        if place is not None:
            self._hung.append((read, self._away.probe(place)))

    def _settle(self) -> None:
        """Decide on files that did not answer: their disk is away, or it is the file."""
        over = [(read, probe) for read, probe in self._hung if probe.is_over]
        self._hung = [(read, probe) for read, probe in self._hung if not probe.is_over]
        for read, probe in over:
            item, state = read.item, self._state
            if probe.away is not None and self._away.add(*probe.away, probe):
                state.put_returned(item)
            elif item.job.isolated:
                took = duration(time.monotonic() - read.begun)
                reason = f"Reading {item.job.path} took longer than {took}; it is set aside. Is its disk well?"
                state.put_failed(item, Failure(item.job, reason, permanent=True))
            else:
                state.put_suspected(item)

    # -- failures ---------------------------------------------------------------------------------------------------

    def explain(self, item: ToLoad, error: Exception) -> Failure | None:
        """Return why a file could not be read; None when it is to wait: its disk is away, or it has moved.

        Raises:
            DatabaseLostError: the pipeline stops.
        """
        failure = failure_of(item.job, error)
        place = None if is_memory(error) else self._place(item.job)
        if place is None:
            return failure
        if self._state.local_path(place.path) != item.job.path:
            return None
        probe = self._away.probe(place)
        probe.wait()
        if probe.away is not None:
            if self._away.add(*probe.away, probe):
                return None
            return failure._replace(permanent=False)
        if isinstance(error, ChangedFileError):
            return failure
        if failure.missing and os.path.exists(item.job.path):  # noqa: PTH110 (surrogates)
            return failure._replace(permanent=False)  # it came back meanwhile
        try:
            require_same_file(item.job)
        except ChangedFileError as changed:
            return failure_of(item.job, changed)
        except OSError:
            pass
        return failure

    def _place(self, job: ClaimedJob) -> ImagePlace | None:
        return self._state.transaction(lambda conn: missing.place_of(conn, job.image_id))


def require_same_file(job: ClaimedJob) -> None:
    """Make sure, when the file of a job was read, that it is the one that a scan has read.

    Raises:
        ChangedFileError: it is another: what was made of it is of another picture, or of none.
        OSError: it cannot be read any more.
    """
    if job.fingerprint and fingerprint_of(job.path) != job.fingerprint:
        raise ChangedFileError(f"{job.path} has changed since it was scanned.", "Scan again: dtk scan")

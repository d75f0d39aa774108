"""Watching what a worker does, and running the commands of ``[hooks]`` when its work ends or fails too often."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ProblemReported
from dtk_tui.errors import DtkError
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.text import one_line

WORK_ENDED, OFTEN_FAILED = "work_ended", "often_failed"
_LOOK_S = 1.0
#: While nothing ends.
_RESTING_LOOK_S = 10.0
#: Of so many jobs that ended last, ``failures`` counts those that failed.
_WINDOW = 100
#: How long each is not run again by itself, in seconds: pictures that trickle in, and a model that always fails.
_REST_S = {WORK_ENDED: 60.0, OFTEN_FAILED: 3600.0}
#: A command that runs while the worker closes has so many seconds yet.
_CLOSING_S = 5.0
_LOG_BYTES = 500_000
_SAID = 300


class Hooks:
    """The thread of a worker that runs the commands of ``[hooks]``, one at a time.

    Args:
        is_done: says whether nothing that this worker can do now is left; DtkError where the database is away.
        worker_id: of this worker.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        config: Config,
        throughput: Throughput,
        emit: Emit,
        *,
        is_done: Callable[[], bool],
        worker_id: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._throughput = throughput
        self._emit = emit
        self._is_done = is_done
        self._worker_id = worker_id
        self._clock = clock
        self._stop = threading.Event()
        self._stopped_at = 0.0
        #: Guards everything below; held while a command runs.
        self._lock = threading.Lock()
        self._counted = (0, 0)
        self._told = (0, 0)
        self._begun: float | None = None
        self._recent: deque[tuple[int, int]] = deque()
        self._next = dict.fromkeys(_REST_S, 0.0)
        self.thread = threading.Thread(target=self._watch, name="dtk-hooks", daemon=True)

    def end(self) -> None:
        """Let the thread look a last time and end; a command that runs has 5 seconds yet."""
        self._stopped_at = time.monotonic()
        self._stop.set()

    def look(self, *, at_once: bool = False) -> None:
        """Run what is due, and return when it has ended.

        Args:
            at_once: also what was run a short while ago: nobody looks later.
        """
        with self._lock:
            hooks = self._config.settings.hooks
            self._count()
            failed, of = self._often_failed(hooks.failures)
            if hooks.often_failed and failed and self._clock() >= self._next[OFTEN_FAILED]:
                self._recent.clear()
                self._run(OFTEN_FAILED, hooks.often_failed, {"ended": of, "failed": failed})
            if not hooks.work_ended:
                self._told, self._begun = self._counted, None
            elif self._counted != self._told and (at_once or self._clock() >= self._next[WORK_ENDED]):
                with suppress(DtkError):  # the database is away: the next look asks again
                    if self._is_done():
                        self._tell_end(hooks.work_ended)

    def _watch(self) -> None:
        counted = self._counted
        while not self._stop.wait(_LOOK_S if self._counted != counted else _RESTING_LOOK_S):
            counted = self._counted
            self.look()
        self.look(at_once=True)

    def _count(self) -> None:
        """Take over what ended since the last look."""
        done, failed = self._throughput.processed, self._throughput.failed
        new_failed = failed - self._counted[1]
        new = done - self._counted[0] + new_failed
        if not new:
            return
        self._counted = (done, failed)
        self._begun = self._begun or self._clock()
        self._recent.append((new, new_failed))
        while sum(ended for ended, _ in self._recent) - self._recent[0][0] >= _WINDOW:
            self._recent.popleft()

    def _often_failed(self, failures: int) -> tuple[int, int]:
        """Return how many of the jobs that ended last failed, and of how many; (0, 0) where they are fewer."""
        of, failed = sum(ended for ended, _ in self._recent), sum(bad for _, bad in self._recent)
        # What ended between two looks counts as a whole, also where it is more than a hundred.
        return (failed, of) if failed and failed * _WINDOW >= failures * max(of, _WINDOW) else (0, 0)

    def _tell_end(self, command: Sequence[str]) -> None:
        (done, failed), (told_done, told_failed) = self._counted, self._told
        seconds = 0.0 if self._begun is None else round(self._clock() - self._begun, 3)
        self._told, self._begun = self._counted, None
        numbers = {"processed": done - told_done, "failed": failed - told_failed, "seconds": seconds}
        self._run(WORK_ENDED, command, numbers)

    def _run(self, event: str, command: Sequence[str], numbers: Mapping[str, Any]) -> None:
        from dtk_tui.services.worker.hooks.command import run  # who has no hooks starts without it

        now = datetime.now(UTC).isoformat(timespec="seconds")
        who = {"host": socket.gethostname(), "pid": os.getpid(), "worker": self._worker_id()}
        told = json.dumps({"event": event, "at": now, **who, **numbers})
        limit_s = self._config.settings.hooks.timeout_s
        end = time.monotonic() + limit_s
        ended = run(command, told.encode(), {"DTK_EVENT": event}, lambda: self._until(end))
        self._next[event] = self._clock() + _REST_S[event]
        file = self._config.paths.hooks_log
        outcome = ended.why or f"It ended with status {ended.status}."
        is_well = ended.status == 0
        _note(self._config, is_well, f"hooks.{event}: {outcome} {ended.output}".rstrip())
        if not is_well:
            said = one_line(ended.output, _SAID)
            detail = f"It printed: {said} " if said else ""
            self._emit(ProblemReported(f"The command hooks.{event} failed. {outcome}", f"{detail}See {file}."))

    def _until(self, end: float) -> float:
        return min(end, self._stopped_at + _CLOSING_S) if self._stop.is_set() else end


def _note(config: Config, is_well: bool, message: str) -> None:
    """Write a line into the log of the hooks; where it cannot be written, what failed is reported all the same."""
    from dtk_tui.log_file import log_handler

    file = config.paths.hooks_log
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = log_handler(file, _LOG_BYTES)
        level = logging.INFO if is_well else logging.WARNING
        log.handle(logging.LogRecord(__name__, level, __file__, 0, message, None, None))
        log.close()

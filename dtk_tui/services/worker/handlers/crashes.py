"""Who is to blame when a server dies: what it worked on then is tried alone, and only what dies alone is blamed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: A server may be killed by someone, and once by a neighbour: so many deaths are the picture's.
_DEADLY = 3
_MOST = 10_000


class CrashSuspects:
    """Turns of requests: all at once, but one that a server died over has it for itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._deaths: dict[int, int] = {}
        self._running = 0
        self._waiting_alone = 0
        self._is_alone = False

    @contextmanager
    def turn(self, job_id: int) -> Iterator[bool]:
        """Wait for the turn of a job; gives whether it is alone."""
        alone = job_id in self._deaths
        with self._changed:
            if alone:
                self._waiting_alone += 1
                self._changed.wait_for(lambda: not self._running)
                self._waiting_alone -= 1
                self._is_alone = True
            else:
                self._changed.wait_for(lambda: not (self._is_alone or self._waiting_alone))
            self._running += 1
        try:
            yield alone
        finally:
            with self._changed:
                self._running -= 1
                self._is_alone = False
                self._changed.notify_all()

    def died(self, job_id: int, *, alone: bool) -> bool:
        """Note that the server died over a job; say whether the job is to blame."""
        with self._changed:
            deaths = self._deaths.get(job_id, 0) + 1 if alone else max(1, self._deaths.get(job_id, 0))
            if len(self._deaths) < _MOST:
                self._deaths[job_id] = deaths
            if deaths < _DEADLY:
                return False
            del self._deaths[job_id]
            return True

    def lived(self, job_id: int) -> None:
        """Note that the server lived on after a job."""
        if job_id in self._deaths:
            with self._changed:
                self._deaths.pop(job_id, None)

"""Kinds of work that rest: nothing of them can be done just now, whatever the image, and all of it stays queued."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from dtk_tui.domain.events import Emit, ProblemReported
from dtk_tui.domain.job import Kind
from dtk_tui.services.worker.handlers.base import KindPausedError

#: How long to rest at first and at most: where it passes by itself, and where a person has to do something.
_FIRST_S, _LONGEST_S = 1.0, 60.0
_FIRST_PERSON_S, _LONGEST_PERSON_S = 60.0, 600.0
#: What has not passed after so long does not pass by itself.
_LASTING_S = 600.0


@dataclass(slots=True)
class _Rest:
    error: KindPausedError
    since: float
    until: float = 0.0
    times: int = 0


class KindRests:
    """Which kinds rest, until when and why; every method may be called from any thread.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, emit: Emit, clock: Callable[[], float] = time.monotonic) -> None:
        self._emit = emit
        self._clock = clock
        self._lock = threading.Lock()
        self._rests: dict[Kind, _Rest] = {}

    def begin(self, kind: Kind, error: KindPausedError) -> None:
        """Let a kind rest, longer each time; told once as long as the reason is the same."""
        now = self._clock()
        with self._lock:
            rest = self._rests.get(kind)
            is_new = rest is None or rest.error.title != error.title
            if rest is None:
                rest = self._rests[kind] = _Rest(error, now)
            if now >= rest.until:
                first, longest = (_FIRST_S, _LONGEST_S) if error.pause_s is not None else _PERSON
                rest.until = now + max(min(first * 2**rest.times, longest), error.pause_s or 0.0)
                rest.times = min(rest.times + 1, 20)
            rest.error = error
        if is_new:
            self._emit(ProblemReported(error.title, error.detail))

    def end(self, kind: Kind) -> None:
        """Note that something of a kind was done."""
        if kind in self._rests:
            with self._lock:
                self._rests.pop(kind, None)

    def clear(self) -> None:
        """Let every kind be tried now: a person asked for it."""
        with self._lock:
            self._rests.clear()

    def left_s(self, kind: Kind) -> float:
        """Return how long a kind still rests, in seconds; 0 when it may be tried."""
        rest = self._rests.get(kind)
        return 0.0 if rest is None else max(0.0, rest.until - self._clock())

    @property
    def reason(self) -> str | None:
        """Why something rests, or rested until the try that is under way; None when nothing does."""
        with self._lock:
            reasons = [str(rest.error) for rest in self._rests.values()]
        return " ".join(reasons) or None

    @property
    def lasting(self) -> tuple[Kind, ...]:
        """The kinds for which waiting is no use: a person has to do something, or it has lasted too long."""
        now = self._clock()
        with self._lock:
            return tuple(
                kind
                for kind, rest in self._rests.items()
                if rest.error.pause_s is None or now > rest.since + _LASTING_S
            )


_PERSON = (_FIRST_PERSON_S, _LONGEST_PERSON_S)

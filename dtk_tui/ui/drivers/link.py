"""How fast the link to a terminal is: two questions around what is drawn, and the time between their answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

#: Asks where the cursor is (DSR 6 of ECMA-48): every terminal answers, and only after it has taken what came before.
_QUESTION = "\x1b[6n"
#: Less than this tells nothing: it goes along with others.
LEAST_BYTES = 4096
#: Answers are so late on any link: a terminal answers between two frames, and a processor is shared.
_LATE_S = 0.025
#: What was found before counts half with each new measurement, and less where a long one was quicker: only a stall
#: makes a link look slower than it is.
_FADING, _FADING_OF_STALLS, _LONG_BYTES = 0.5, 0.1, 12_288
#: An answer that has not come after so long never comes; after so many of these there are no more questions.
_LOST_S, _MOST_LOST = 30.0, 3


class LinkSpeed:
    """Bytes a second that get to the screen, as far as the terminal shows it; every method may be called in any thread.

    In tmux and screen it is these that answer, which take everything at once, and drop frames for a slow link.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._awaited = 0
        self._asked_at = self._answered_at = 0.0
        self._sent = 0
        self._lost = 0
        self._bytes = self._seconds = 0.0

    def questions(self, sent: int) -> tuple[str, str]:
        """Return what to write right before and after so many bytes; empty where there is nothing to learn now."""
        with self._changed:
            if sent < LEAST_BYTES or (self._awaited and self._clock() < self._asked_at + _LOST_S):
                return "", ""
            self._lost += bool(self._awaited)
            if self._lost >= _MOST_LOST:
                return "", ""
            self._awaited, self._sent, self._asked_at = 2, sent, self._clock()
        return _QUESTION, _QUESTION

    def disregard(self) -> None:
        """Learn nothing from what is under way: not all of it was sent."""
        with self._changed:
            self._sent = 0

    def answered(self) -> bool:
        """Note that the terminal said where its cursor is; False where nobody asked."""
        with self._changed:
            if not self._awaited:
                return False
            self._awaited -= 1
            now = self._clock()
            if self._awaited:
                self._answered_at = now
                return True
            self._lost = 0
            if self._sent:
                seconds = max(0.0, now - self._answered_at - _LATE_S)
                is_quicker = self._sent >= _LONG_BYTES and self._sent * self._seconds > self._bytes * seconds
                fading = _FADING_OF_STALLS if is_quicker else _FADING
                self._bytes = self._bytes * fading + self._sent
                self._seconds = self._seconds * fading + seconds
            self._changed.notify_all()
            return True

    def bytes_in(self, seconds: float) -> int | None:
        """Return how many bytes get to the screen in that time; None where nothing says that there is a bound.

        It is never less than what shows by itself how fast the link is.
        """
        with self._changed:
            if self._seconds <= _LATE_S:
                return None
            return max(_LONG_BYTES, int(self._bytes / self._seconds * seconds))

    def settle(self, seconds: float) -> None:
        """Wait for answers that are under way, so long at most: who has the terminal next would take them for keys."""
        with self._changed:
            self._changed.wait_for(lambda: not self._awaited, seconds)
            self._awaited = 0

"""How fast what is drawn reaches the terminal: a question behind each picture is answered when the picture is there."""

from __future__ import annotations

from collections import deque
from math import sqrt
from time import monotonic

#: A picture shall be there so soon, in seconds: whoever looks through many waits for each.
_SOON_S = 0.5
#: What is smaller than this tells more of the way there and back than of the link, in bytes.
_TELLING = 10_000
#: A picture is drawn no smaller than this share of its room, in each direction.
_SMALLEST = 0.3
#: Who has not answered by then does not.
_LONGEST_S = 5.0


class LinkSpeed:
    """Measures a link by answers, and says how large a picture may be on it.

    The way there and back counts as if the link were that much slower: on a slow one it matters little, and a fast one
    has enough to spare.
    """

    def __init__(self) -> None:
        self._asked: deque[tuple[float, int]] = deque()
        self._is_mute = False
        self._rate: float | None = None

    @property
    def is_measurable(self) -> bool:
        """Whether the terminal answers."""
        self._give_up()
        return not self._is_mute

    @property
    def is_busy(self) -> bool:
        """Whether a picture is still on its way."""
        self._give_up()
        return bool(self._asked)

    def asked(self, sent: int) -> None:
        """Take note of a question that went behind so many bytes."""
        self._asked.append((monotonic(), sent))

    def answered(self) -> None:
        """Take note of an answer."""
        if not self._asked:
            return
        at, sent = self._asked.popleft()
        if sent >= _TELLING:
            rate = sent / max(monotonic() - at, 0.001)
            self._rate = rate if self._rate is None else (self._rate + rate) / 2

    def share(self, size: int) -> float:
        """Return how much of its room, in each direction, a picture may take that has so many bytes where it fills it.

        0.3 at least, 1 where nothing is known.
        """
        if self._rate is None or size <= self._rate * _SOON_S:
            return 1.0
        return max(_SMALLEST, sqrt(self._rate * _SOON_S / size))

    def _give_up(self) -> None:
        if self._asked and monotonic() - self._asked[0][0] > _LONGEST_S:
            self._asked.clear()
            self._is_mute = True

"""When the garbage collector looks at all objects: while nobody types."""

from __future__ import annotations

import gc
from time import monotonic

#: So long after the last key nobody waits for an answer.
_REST_S = 1.5
#: After so many collections of the younger objects a full one is worth its time; after so many, some seconds of pages
#: one after the other, it waits no more for a pause, as then it would take longer than a key may wait.
_DUE, _OVERDUE = 4, 50
#: After so long a pause, and so many full collections of what is new, one looks at what is old, too; later without one.
_LONG_REST_S, _OLD_DUE, _OLD_OVERDUE = 30.0, 50, 6000
#: So long after the start most of what is new are modules that threads import, and no garbage.
_START_S = 5.0
#: Seconds between two looks, and while nothing is made that could become garbage.
_LOOK_S, _RESTING_LOOK_S = 1.0, 5.0
#: For the generations that Python collects by itself, more than there will be.
_NEVER = 1_000_000_000


class IdleCollector:
    """Makes the full collections, which Python would make in the middle of an answer, in the pauses between keys.

    A full one of all objects takes up to a tenth of a second in which no key is answered. So there is one as soon as
    there is a little to look at, and those that follow, which take milliseconds, pass over what outlived one
    (``gc.freeze``) until there is a long pause.
    """

    def __init__(self) -> None:
        self._last_input = monotonic()
        self._collections = 0
        self._started = -_START_S
        self._younger = 0
        self._rests = False

    def begin(self) -> None:
        """Pass over what is there from the start, and let Python begin no full collection."""
        self._started = monotonic()
        gc.freeze()
        gc.set_threshold(*gc.get_threshold()[:2], _NEVER)

    def note_input(self) -> bool:
        """A key was pressed, or the mouse moved; return whether the next look is far, and should be now."""
        self._last_input = monotonic()
        return self._rests

    def look(self) -> float:
        """Collect if it is time for it; return in how many seconds to look again."""
        now = monotonic()
        rest_s = now - self._last_input
        before, self._younger = self._younger, gc.get_count()[2]
        if now - self._started < _START_S:
            gc.freeze()
        elif is_due(self._younger, rest_s):
            self._collect(rest_s)
        self._rests = rest_s >= _REST_S and self._younger == before
        return _RESTING_LOOK_S if self._rests else _LOOK_S

    def _collect(self, rest_s: float) -> None:
        self._collections += 1
        if is_old_due(self._collections, rest_s):
            self._collections = 0
            gc.unfreeze()
        gc.collect()
        gc.freeze()


def is_due(younger: int, rest_s: float) -> bool:
    """Say whether it is time for a full collection.

    Args:
        younger: how often the younger objects were collected since the last one.
        rest_s: seconds since the last key.
    """
    return younger >= (_DUE if rest_s >= _REST_S else _OVERDUE)


def is_old_due(collections: int, rest_s: float) -> bool:
    """Say whether it is time to look at what outlived earlier full collections as well.

    Args:
        collections: how many there were since that was looked at.
        rest_s: seconds since the last key.
    """
    return collections >= (_OLD_DUE if rest_s >= _LONG_REST_S else _OLD_OVERDUE)

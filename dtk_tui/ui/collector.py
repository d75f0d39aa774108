"""When the garbage collector looks at all objects: while nobody types."""

from __future__ import annotations

import gc
from time import monotonic

#: So long after the last key nobody waits for an answer.
_REST_S = 1.5
#: After so many collections of the younger objects a full one is worth its time, and after so many it waits no more.
_DUE, _OVERDUE = 10, 300
#: For the generations that Python collects by itself, more than there will be.
_NEVER = 1_000_000_000


class IdleCollector:
    """Makes the full collections, which Python would make in the middle of an answer, in the pauses between keys.

    A full one takes up to a tenth of a second in which no key is answered; those of younger objects take a millisecond.
    """

    def __init__(self) -> None:
        self._last_input = monotonic()

    def begin(self) -> None:
        """Pass over what is there from the start, and let Python begin no full collection."""
        gc.freeze()
        gc.set_threshold(*gc.get_threshold()[:2], _NEVER)

    def note_input(self) -> None:
        """A key was pressed, or the mouse moved."""
        self._last_input = monotonic()

    def look(self) -> None:
        """Collect if it is time for it; called once a second or so."""
        if is_due(gc.get_count()[2], monotonic() - self._last_input):
            gc.collect()


def is_due(younger: int, rest_s: float) -> bool:
    """Say whether it is time for a full collection.

    Args:
        younger: how often the younger objects were collected since the last one.
        rest_s: seconds since the last key.
    """
    return younger >= (_DUE if rest_s >= _REST_S else _OVERDUE)

"""Scheduling of kinds of work: all at once, the fast ones first; but early in a long run each alone for a while.

The slow kinds come last, so that how long they take would be unknown, or remembered from another day, for most of a
run. A turn is of work that has to be done anyway. Nothing else is under way meanwhile: files that are decoded for one
kind while another one has the device would be counted for the wrong one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from dtk_tui.domain.job import Kind

#: A turn lasts until so much of the kind's time has been counted, which leaves out the first batch; or so long at most.
_TIMED_S, _LONGEST_S = 10.0, 60.0
#: The longest that a turn waits for what is under way to end.
_EMPTY_S = 30.0
#: How often what waits is timed again.
_AGAIN_S = 600.0
#: A kind with fewer batches than these gets no turn of its own.
_WORTH_BATCHES = 40


class KindScheduler:
    """Decides which kinds of work may be claimed now; used by the claiming thread alone.

    Args:
        kinds: all that this worker can do.
        batch_size: of a kind.
        timed_s: how many seconds of a kind's batches have been counted.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        batch_size: Callable[[Kind], int],
        timed_s: Callable[[Kind], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kinds = tuple(kinds)
        self._batch_size = batch_size
        self._timed_s = timed_s
        self._clock = clock
        self._waiting: deque[Kind] = deque()
        self._turn: Kind | None = None
        self._until = self._until_timed_s = 0.0
        self._empty_by: float | None = None
        self._planned_at = -_AGAIN_S

    def plan(self, pending: Mapping[str, int]) -> None:
        """Give a turn to each kind that would come last.

        Args:
            pending: how many jobs wait, by the kind's word.
        """
        present = [kind for kind in sorted(self._kinds) if pending.get(kind.label, 0)]
        self._waiting = deque(
            kind for kind in present[1:] if pending[kind.label] >= _WORTH_BATCHES * self._batch_size(kind)
        )
        self._planned_at = self._clock()
        self._turn = None
        self._empty_by = self._planned_at + _EMPTY_S if self._waiting else None

    @property
    def is_due(self) -> bool:
        """Whether it is time to plan again."""
        return self._clock() >= self._planned_at + _AGAIN_S

    def kinds(self, *, idle: bool) -> tuple[Kind, ...]:
        """Return what may be claimed; nothing until what is under way has ended.

        Args:
            idle: whether nothing is under way.
        """
        now = self._clock()
        if self._turn is not None and (now >= self._until or self._timed_s(self._turn) >= self._until_timed_s):
            self.end()
        if self._empty_by is not None:
            if not idle and now < self._empty_by:
                return ()
            self._empty_by = None
            if self._waiting:
                self._turn = self._waiting.popleft()
                self._until = now + _LONGEST_S
                self._until_timed_s = self._timed_s(self._turn) + _TIMED_S
        return self._kinds if self._turn is None else (self._turn,)

    @property
    def turn(self) -> Kind | None:
        """The kind that is alone now."""
        return self._turn

    def end(self) -> None:
        """End the present turn; what is under way ends before anything else begins."""
        self._turn = None
        self._empty_by = self._clock() + _EMPTY_S

    def forget(self) -> None:
        """Plan anew at the next occasion."""
        self._waiting.clear()
        self._turn = self._empty_by = None
        self._planned_at = -_AGAIN_S

"""Priority buffers between the stages of the pipeline: bounded, most urgent first, emptied at once on Pause."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PriorityBuffer(Generic[T]):
    """A blocking priority queue; equal urgency keeps the order of arrival.

    Args:
        limit: how many items may wait; an urgent item (rank below 0) never waits for room.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[int, int, T]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, rank: int, item: T) -> bool:
        """Add an item, waiting for room; False when the buffer was closed instead."""
        with self._changed:
            while len(self._heap) >= self._limit and rank >= 0 and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            heapq.heappush(self._heap, (rank, next(self._order), item))
            self._changed.notify_all()
            return True

    def take(self) -> T | None:
        """Return the most urgent item, waiting for one; None when the buffer was closed."""
        with self._changed:
            while not self._heap and not self._closed:
                self._changed.wait()
            if not self._heap:
                return None
            item = heapq.heappop(self._heap)[2]
            self._changed.notify_all()
            return item

    def take_batch(
        self, size: Callable[[T], int], alike: Callable[[T, T], bool], patience_s: float, more: Callable[[], bool]
    ) -> list[T] | None:
        """Return a batch of items that are alike, headed by the most urgent one; None when the buffer was closed.

        Args:
            size: how many items a batch headed by this one may have.
            alike: whether a second item may be in the batch of the first.
            patience_s: how long an incomplete batch waits for company, in seconds.
            more: whether company can still come.
        """
        with self._changed:
            while not self._heap and not self._closed:
                self._changed.wait()
            until = time.monotonic() + patience_s
            while self._heap and not self._closed:
                rank, _, head = self._heap[0]
                left_s = until - time.monotonic()
                if rank < 0 or left_s <= 0 or self._is_enough(size(head), head, alike) or not more():
                    break
                self._changed.wait(left_s)
            if not self._heap:
                return None if self._closed else []
            batch = self._pop_alike(size, alike)
            self._changed.notify_all()
            return batch

    def _is_enough(self, wanted: int, head: T, alike: Callable[[T, T], bool]) -> bool:
        """Say whether so many items are like the head, or no more can come because there is no room."""
        if len(self._heap) >= self._limit:
            return True
        return len(self._heap) >= wanted and sum(alike(head, item) for _, _, item in self._heap) >= wanted

    def _pop_alike(self, size: Callable[[T], int], alike: Callable[[T, T], bool]) -> list[T]:
        head = heapq.heappop(self._heap)[2]
        batch, kept, most = [head], [], size(head)
        while self._heap and len(batch) < most:
            entry = heapq.heappop(self._heap)
            if alike(head, entry[2]):
                batch.append(entry[2])
            else:
                kept.append(entry)
        for entry in kept:
            heapq.heappush(self._heap, entry)
        return batch

    def nudge(self) -> None:
        """Let a waiting ``take_batch`` ask again whether more can come."""
        with self._changed:
            self._changed.notify_all()

    def clear(self) -> int:
        """Throw away what waits and return how many items that were."""
        with self._changed:
            number = len(self._heap)
            self._heap.clear()
            self._changed.notify_all()
            return number

    def close(self) -> None:
        """End every wait; what is still inside can be taken, nothing can be added."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._heap)

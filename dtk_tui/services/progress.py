"""How much a worker has done, and how fast: honest numbers from what was really saved."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

from dtk_tui.domain.job import Kind

#: Speed is the average over this window.
_WINDOW_S = 30.0


class Progress:
    """Counters of one worker since its start; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: dict[Kind, deque[tuple[float, int]]] = {kind: deque() for kind in Kind}
        self.processed = 0
        self.failed = 0
        self.cache_hits = 0
        self.cache_misses = 0

    def count_jobs(self, done: Sequence[Kind], failed: int) -> None:
        """Count jobs that were saved just now, and those that failed for good."""
        now = time.monotonic()
        with self._lock:
            self.processed += len(done)
            self.failed += failed
            for kind in set(done):
                self._recent[kind].append((now, sum(1 for other in done if other == kind)))

    def count_cache(self, hits: int, misses: int) -> None:
        """Count prompts that had a vector already, or that had none."""
        with self._lock:
            self.cache_hits += hits
            self.cache_misses += misses

    def speed(self) -> dict[str, float]:
        """Return jobs per second by the kind's word; a kind that rested for a whole window has none."""
        now = time.monotonic()
        speeds: dict[str, float] = {}
        with self._lock:
            for kind, recent in self._recent.items():
                while recent and now - recent[0][0] > _WINDOW_S:
                    recent.popleft()
                if len(recent) > 1:
                    # The first entry only marks where the measured time begins.
                    span_s = recent[-1][0] - recent[0][0]
                    jobs = sum(number for _, number in recent) - recent[0][1]
                    if span_s > 0:
                        speeds[kind.label] = round(jobs / span_s, 2)
        return speeds

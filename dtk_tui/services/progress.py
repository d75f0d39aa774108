"""How much a worker has done, and how fast: honest numbers from what was really saved."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

from dtk_tui.domain.job import Kind

#: Speed is the average over this window.
_WINDOW_S = 30.0
#: Pace is the average over so much time that a kind really took.
_PACE_S = 45.0


class Progress:
    """Counters of one worker since its start; safe to use from any thread.

    ``speed`` is what is being done now, ``pace`` what a kind of work does while it has the device: kinds take turns, so
    that what remains of each divided by its pace adds up to the time that is left.
    """

    def __init__(self) -> None:
        self._spans: dict[Kind, deque[tuple[int, float]]] = {kind: deque() for kind in Kind}
        self._remembered: dict[str, float] = {}
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

    def remember(self, pace: Mapping[str, float]) -> None:
        """Take the pace of earlier runs, by the kind's word, until this one has its own."""
        with self._lock:
            self._remembered = dict(pace)

    def count_span(self, kind: Kind, jobs: int, span_s: float) -> None:
        """Count a batch and the time it took, from the end of the batch before (or from the work's coming)."""
        with self._lock:
            spans = self._spans[kind]
            spans.append((jobs, span_s))
            while len(spans) > 8 and sum(s for _, s in spans) - spans[0][1] > _PACE_S:
                spans.popleft()

    def pace(self, *, measured: bool = False) -> dict[str, float]:
        """Return jobs per second by the kind's word; ``measured`` leaves out what is only remembered."""
        with self._lock:
            paces = {} if measured else dict(self._remembered)
            for kind, spans in self._spans.items():
                # The first batch after loading a model is slow.
                counted = list(spans)[1:] if len(spans) > 2 else []
                total_s = sum(span_s for _, span_s in counted)
                jobs = sum(number for number, _ in counted)
                if total_s > 0 and jobs:
                    paces[kind.label] = round(jobs / total_s, 3)
            return paces

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

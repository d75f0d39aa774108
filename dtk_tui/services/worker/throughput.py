"""Throughput of a worker: counters, moving averages and paces, from what was really saved."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from dtk_tui.domain.job import Kind

#: The word under which the pace of prompts stands beside those of the kinds.
PROMPT = "prompt"

#: Speed is the average over this window.
_WINDOW_S = 30.0
#: A kind of which nothing was saved for so long, and for so many times its usual interval, is not being done.
_QUIET_S, _QUIET_INTERVALS = 3.0, 3.0
#: Pace is the average over so much time that a kind really took.
_PACE_S = 120.0
_LEAST_SPANS = 8


class _Spans:
    """A moving average over the last ``_PACE_S`` seconds of one kind, without a model's first batch, which is slow."""

    def __init__(self) -> None:
        self.cold = True
        self.total_s = 0.0
        self._spans: deque[tuple[int, float]] = deque()
        self._jobs = 0
        self._seconds = 0.0
        self._without_batch = 0

    def add(self, jobs: int, span_s: float) -> None:
        """Count a batch."""
        if self.cold:
            self.cold = False
            return
        jobs += self._without_batch
        self._without_batch = 0
        self._spans.append((jobs, span_s))
        self._jobs += jobs
        self._seconds += span_s
        self.total_s += span_s
        while len(self._spans) > _LEAST_SPANS and self._seconds - self._spans[0][1] > _PACE_S:
            gone_jobs, gone_s = self._spans.popleft()
            self._jobs -= gone_jobs
            self._seconds -= gone_s

    def add_without_batch(self) -> None:
        """Count a job that ended before it came to a device, with the next batch."""
        self._without_batch += 1

    @property
    def rate(self) -> float | None:
        """Jobs a second; None while too little is known."""
        return self._jobs / self._seconds if len(self._spans) > 1 and self._seconds > 0 else None


class Throughput:
    """Counters of one worker since its start; safe to use from any thread.

    ``speed`` is what is being done now, ``pace`` what a kind of work does while it has the device: kinds take turns, so
    that what remains of each divided by its pace adds up to the time that is left. Prompts have a pace of their own
    (``PROMPT``): most images share one that has its vector already, and how many do changes during a run.

    Args:
        clock: seconds that only grow.

    Attributes:
        has_news: is set when jobs end; who tells of them clears it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spans: dict[str, _Spans] = {word: _Spans() for word in (*(kind.label for kind in Kind), PROMPT)}
        self._remembered: dict[str, float] = {}
        self._recent: dict[Kind, deque[tuple[float, int]]] = {kind: deque() for kind in Kind}
        self._output: dict[str, deque[tuple[float, int]]] = {}
        self.has_news = threading.Event()
        self.processed = 0
        self.failed = 0
        self.cache_hits = 0
        self.cache_misses = 0

    def count_jobs(self, done: Sequence[Kind], failed: int) -> None:
        """Count jobs that were saved just now, and those that failed for good."""
        now = self._clock()
        with self._lock:
            self.processed += len(done)
            self.failed += failed
            for kind in set(done):
                self._recent[kind].append((now, sum(1 for other in done if other == kind)))
        self.has_news.set()

    def count_cache(self, hits: int, misses: int) -> None:
        """Count prompts that had a vector already, or that had none."""
        with self._lock:
            self.cache_hits += hits
            self.cache_misses += misses

    def begin(self, remembered: Mapping[str, float]) -> None:
        """Note that models were loaded; take the pace of earlier runs until this one has its own."""
        with self._lock:
            self._remembered = dict(remembered)
            for spans in self._spans.values():
                spans.cold = True

    def count_span(self, kind: Kind, jobs: int, span_s: float) -> None:
        """Count a batch and the time it took, from the end of the batch before (or from the work's coming)."""
        with self._lock:
            self._spans[kind.label].add(jobs, span_s)

    def timed_s(self, kind: Kind) -> float:
        """Return how many seconds of a kind's batches have been counted."""
        return self._spans[kind.label].total_s

    def count_prompts(self, prompts: int, span_s: float) -> None:
        """Count a batch of prompts like ``count_span``."""
        with self._lock:
            self._spans[PROMPT].add(prompts, span_s)

    def count_unloaded(self, kind: Kind) -> None:
        """Count a job that failed before it came to a device: what is left shrinks by it too."""
        with self._lock:
            self._spans[kind.label].add_without_batch()

    def pace(self, *, measured: bool = False) -> dict[str, float]:
        """Return jobs per second by the kind's word; ``measured`` leaves out what is only remembered."""
        with self._lock:
            paces = {} if measured else dict(self._remembered)
            rates = {word: spans.rate for word, spans in self._spans.items()}
        return paces | {word: round(rate, 3) for word, rate in rates.items() if rate}

    def speed(self) -> dict[str, float]:
        """Return jobs per second by the kind's word; a kind that is not being done any more has none."""
        with self._lock:
            return _rates({kind.label: recent for kind, recent in self._recent.items()}, self._clock())

    def count_output(self, output: Mapping[str, int]) -> None:
        """Count what a saved result came to, by a word."""
        now = self._clock()
        with self._lock:
            for word, number in output.items():
                self._output.setdefault(word, deque()).append((now, number))

    def output(self) -> dict[str, float]:
        """Return what results come to, a second, by a word; what does not come any more has none."""
        with self._lock:
            return _rates(self._output, self._clock())


def _rates(recent_by_word: Mapping[str, deque[tuple[float, int]]], now: float) -> dict[str, float]:
    """Return moving averages of what was counted when, and forget what is too old for them."""
    rates: dict[str, float] = {}
    for word, recent in recent_by_word.items():
        while recent and now - recent[0][0] > _WINDOW_S:
            recent.popleft()
        if len(recent) > 1:
            # The first entry only marks where the measured time begins.
            span_s = recent[-1][0] - recent[0][0]
            number = sum(count for _, count in recent) - recent[0][1]
            interval_s = span_s / (len(recent) - 1)
            quiet_s = now - recent[-1][0]
            if span_s > 0 and quiet_s <= max(_QUIET_S, _QUIET_INTERVALS * interval_s):
                rates[word] = round(number / (span_s + max(0.0, quiet_s - interval_s)), 2)
    return rates

"""The numbers of queue, workers and library: polled often while something happens, seldom while nothing does."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from time import monotonic
from typing import Any

from textual.app import App
from textual.signal import Signal

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import LibraryCounts, Stats
from dtk_tui.services import stats as stats_service
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.ui.background import in_thread, reporting

#: Seconds between looks at the numbers while something happens and while nothing does; the longer nothing has, the
#: longer the rest, up to that after which PostgreSQL tells what other processes did to images.
_POLL_S, _IDLE_POLL_S, _RESTING_POLL_S = 0.5, 1.0, 5.0
_REST_SHARE = 0.4
#: While nobody may ask, it is seen so often whether that is over.
_PAUSED_S = 0.25
#: The first look waits so long for the first lines of the table, which ask for it.
_FIRST_POLL_S = 1.0
#: Several who ask for fresh numbers at the same time get one look.
_SOON_S = 0.1
#: Workers tell what they did a moment after the queue shows it.
_LINGER_S = 2.0
#: A look that takes longer than this says that the database does not answer.
_SLOW_S = 4.0
#: The load of the GPUs is kept so often, for an hour.
SAMPLE_S, _SAMPLES = 5.0, 720
#: The sizes of the library change slowly and are counted no more often than this.
_COUNT_S = 5.0


def _load(gpu: Mapping[str, object]) -> float | None:
    load = gpu.get("utilisation")
    return float(load) if isinstance(load, int | float) else None


def _moving(stats: Stats) -> tuple[object, ...]:
    return stats.queue, stats.processed, stats.marks, stats.state, stats.asked, stats.awaited


class StatsFeed:
    """Polls the numbers and publishes them.

    Args:
        app: on whose event loop it lives.
        is_paused: says when the database has something better to do.

    Attributes:
        current: the last numbers, None before the first.
        changed: publishes fresh numbers.
        gpu_loads: the load of each GPU in percent, None where it is not told, every ``SAMPLE_S`` of this session.
        lost: publishes why the database does not answer, and an empty text when it does again.
        is_lost: the database does not answer.
        rests: nothing has changed for a while; who knows of a change calls ``poll_now``.
    """

    def __init__(self, app: App[Any], library: LibraryBrowser, is_paused: Callable[[], bool]) -> None:
        self.current: Stats | None = None
        self.changed: Signal[Stats] = Signal(app, "stats-changed")
        self.lost: Signal[str] = Signal(app, "stats-lost")
        self._app = app
        self._library = library
        self._is_paused = is_paused
        self._library_counts: tuple[float, LibraryCounts] | None = None
        self.is_lost = self.rests = False
        self._poll_at = math.inf
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._variables: Context | None = None
        self._polling_since: float | None = None
        self._moved_at = 0.0
        self._sampled_at = -math.inf
        self.gpu_loads: deque[tuple[float | None, ...]] = deque(maxlen=_SAMPLES)

    def start(self) -> None:
        """Poll from now on."""
        self._poll_at = min(self._poll_at, monotonic() + _FIRST_POLL_S)
        self._loop, self._variables = asyncio.get_running_loop(), copy_context()
        self._look_in(self._poll_at - monotonic())

    def poll_now(self, *, count: bool = False) -> None:
        """Look at the numbers soon; ``count``: also at the sizes of the library."""
        self._poll_at = 0.0
        if count:
            self._library_counts = None
        if self._polling_since is None:
            self._look_in(_SOON_S)

    def publish(self, stats: Stats) -> None:
        """Publish numbers; they also prove that the database is there."""
        self.current = stats
        if monotonic() >= self._sampled_at + SAMPLE_S:
            self._sampled_at = monotonic()
            self.gpu_loads.append(tuple(_load(gpu) for gpu in stats.gpus))
        self.changed.publish(stats)
        if self.is_lost:
            self.is_lost = False
            self.lost.publish("")

    def publish_lost(self, words: str) -> None:
        """Say that the database does not answer, until it does."""
        self.is_lost = True
        self.lost.publish(words)

    def _look_in(self, seconds: float) -> None:
        """Look so late whether it is time to poll; an interval timer of Textual costs more than what it waits for."""
        if self._loop is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, seconds), self._look, context=self._variables)

    def _look(self) -> None:
        if self._loop is None or not self._app.is_running:
            return
        if self._is_paused():
            self._polling_since = None
            self._look_in(_PAUSED_S)
        elif self._polling_since is not None:
            if not self.is_lost:
                self.publish_lost("db does not answer")
        elif monotonic() >= self._poll_at:
            self._polling_since, self._poll_at = monotonic(), math.inf
            # A worker of Textual costs ten times what the look does.
            self._task = self._loop.create_task(reporting(self._app, self._poll, name="StatsFeed"))
            self._look_in(_SLOW_S)
        else:
            self._look_in(self._poll_at - monotonic())

    async def _poll(self) -> None:
        rest_s = _IDLE_POLL_S
        try:
            counts = self._library_counts
            known = counts[1] if counts is not None and monotonic() < counts[0] else None
            started = monotonic()
            stats = await in_thread(stats_service.snapshot, self._library.db, known)
            took = monotonic() - started
            if known is None:
                self._library_counts = (monotonic() + max(_COUNT_S, 20 * took), stats.library)
            rest_s = max(self._rest_s(stats), 5 * took)
            self.publish(stats)
        finally:
            self._polling_since = None
            self._poll_at = min(self._poll_at, monotonic() + rest_s)  # who asked meanwhile gets another look
            self._look_in(self._poll_at - monotonic())

    def _rest_s(self, stats: Stats) -> float:
        old = self.current
        if old is None or _moving(stats) != _moving(old):
            self._moved_at = monotonic()
        works = stats.state is WorkerState.RUNNING and stats.queue.pending + stats.queue.running > 0
        rests_s = monotonic() - self._moved_at
        self.rests = not works and rests_s >= _LINGER_S
        return min(max(_IDLE_POLL_S, _REST_SHARE * rests_s), _RESTING_POLL_S) if self.rests else _POLL_S

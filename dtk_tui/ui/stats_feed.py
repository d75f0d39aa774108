"""The app's regular look at the numbers: often while something happens, seldom while nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, cast

from textual.app import App

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import LibraryCounts, Stats
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services import stats as stats_service
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.messages import StatsArrived
from dtk_tui.ui.screens.base import DtkScreen

if TYPE_CHECKING:
    from dtk_tui.ui.app import DtkApp

#: Seconds between looks at the numbers while something happens, and while nothing does.
_LOOK_S, _IDLE_LOOK_S = 0.5, 1.0
#: Workers tell what they did a moment after the queue shows it.
_LINGER_S = 2.0
#: A look that takes longer than this says that the database does not answer.
_SLOW_S = 4.0
#: The sizes of the library change slowly and are counted no more often than this.
_COUNT_S = 5.0


class Looks(App[None]):
    """Looks at queue, workers and library, and shows what it saw on all screens."""

    def __init__(self) -> None:
        super().__init__()
        self.stats: Stats | None = None
        self._library_counts: tuple[float, LibraryCounts] | None = None
        self._is_lost = False
        self._look_at = 0.0
        self._looking_since: float | None = None
        self._moved_at = 0.0

    @property
    def _looked_at(self) -> DtkApp:
        return cast("DtkApp", self)

    def begin_to_look(self) -> None:
        """Look from now on."""
        self.set_interval(0.25, self._tick)

    def look_now(self, *, count: bool = False) -> None:
        """Look at the numbers at the next tick; ``count``: also at the sizes of the library."""
        self._look_at = 0.0
        if count:
            self._library_counts = None

    def on_stats_arrived(self, message: StatsArrived) -> None:
        """Show fresh numbers; they also prove that the database is back."""
        self.stats = message.stats
        self._looked_at.consider_offer(message.stats)
        was_lost, self._is_lost = self._is_lost, False
        for screen in self._screens():
            screen.show_stats(message.stats)
            if was_lost:
                screen.recover()

    def show_lost(self, words: str) -> None:
        """Say in the header that the database does not answer, until it does."""
        self._is_lost = True
        for screen in self._screens():
            screen.show_lost(words)

    def _screens(self) -> Sequence[DtkScreen]:
        # One that is just opening reads the numbers itself, when it has all its parts.
        return [screen for screen in self.screen_stack if isinstance(screen, DtkScreen) and screen.is_mounted]

    def _tick(self) -> None:
        importing = self._looked_at.importing
        if importing is not None and importing.fills:
            self._looking_since = None
            return
        if self._looking_since is not None:
            if monotonic() - self._looking_since > _SLOW_S and not self._is_lost:
                self.show_lost("db does not answer")
        elif monotonic() >= self._look_at:
            self._looking_since = monotonic()
            self._look()

    @task("look", exclusive=False)
    async def _look(self) -> None:
        try:
            counts = self._library_counts
            known = counts[1] if counts is not None and monotonic() < counts[0] else None
            started = monotonic()
            stats = await in_thread(stats_service.snapshot, self._looked_at.library.db, known)
            took = monotonic() - started
            if known is None:
                self._library_counts = (monotonic() + max(_COUNT_S, 20 * took), stats.library)
            self._look_at = monotonic() + max(_LOOK_S if self._is_busy(stats) else _IDLE_LOOK_S, 5 * took)
            self.post_message(StatsArrived(stats))
        except DatabaseLostError:
            self._look_at = monotonic() + _IDLE_LOOK_S
            raise
        finally:
            self._looking_since = None

    def _is_busy(self, stats: Stats) -> bool:
        old = self.stats
        if old is None or (stats.queue, stats.processed) != (old.queue, old.processed):
            self._moved_at = monotonic()
        works = stats.state is WorkerState.RUNNING and stats.queue.pending + stats.queue.running > 0
        return works or monotonic() - self._moved_at < _LINGER_S

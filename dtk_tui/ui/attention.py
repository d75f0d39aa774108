"""Telling of the end of long work to whoever looks elsewhere: a bell, or a notification by the terminal."""

from __future__ import annotations

from time import monotonic

from dtk_tui import terminal
from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import Stats
from dtk_tui.text import one_line
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.textual_compat import FaultReportingApp

#: Work that took less was waited for.
LONG_S = 30.0


class Attention:
    """Knows since when the queue is worked on, and since when a scan, an import or an edit of many goes on."""

    def __init__(self, app: FaultReportingApp, context: AppContext) -> None:
        self._app = app
        self._context = context
        self._queue_since: float | None = None
        self._task: tuple[str, float] | None = None

    def begin(self) -> None:
        """Follow the numbers, and what goes on beside the screens."""
        self._context.stats.changed.subscribe(self._app, self._take_stats)
        self._context.tasks.activity.subscribe(self._app, self._take_activity)

    def _take_stats(self, stats: Stats) -> None:
        left = stats.queue.pending + stats.queue.running
        if left and stats.state is WorkerState.RUNNING:
            self._queue_since = self._queue_since or monotonic()
            return
        since, self._queue_since = self._queue_since, None
        if since is not None and not left and monotonic() - since >= LONG_S:
            failed = stats.queue.failed
            self._tell(f"The queue is done; {failed:,} failed." if failed else "The queue is done.")

    def _take_activity(self, words: str) -> None:
        if words:
            self._task = self._task or (words.partition(":")[0], monotonic())
            return
        task, self._task = self._task, None
        if task is not None and monotonic() - task[1] >= LONG_S:
            self._tell(f"{task[0]}: it has ended.")

    def _tell(self, words: str) -> None:
        how = self._context.config.settings.display.notify
        if how == "bell":
            self._app.bell()
        elif how != "off":
            title = f"dtk {one_line(self._context.library_name, 60)}".rstrip()
            self._app.tell_terminal(terminal.notification(how, title, words))

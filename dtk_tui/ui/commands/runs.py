"""Telling of the end of what was tagged and captioned in one action, whoever queued it and wherever it was done."""

from __future__ import annotations

from time import monotonic
from typing import Any

from textual.app import App

from dtk_tui.domain.stats import QueueCounts, Stats
from dtk_tui.services import runs
from dtk_tui.ui.background import in_thread, start_task
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.widgets.run_text import summary_words

#: The longest list of runs is looked through this often at most.
_LOOK_S = 2.0


class RunWatch:
    """Knows which runs are under way, also those of before this app was started, and tells the summary of each."""

    def __init__(self, app: App[Any], context: AppContext) -> None:
        self._app = app
        self._context = context
        self._open: set[int] = set()
        self._queue: QueueCounts | None = None
        self._next_look = 0.0

    def add(self, run_id: int) -> None:
        """Take note of a run that was queued here, and say where to look."""
        self._open.add(run_id)
        self._queue = None
        self._context.notify(f"{self._context.key('app.runs')} shows how far it is.")

    def consider(self, stats: Stats) -> None:
        """Look whether a run has ended, when the queue moved."""
        if stats.queue != self._queue and monotonic() >= self._next_look:
            self._queue = stats.queue
            self._next_look = monotonic() + _LOOK_S
            start_task(self._app, self._look, name="RunWatch", group="runs", exclusive=False)

    async def _look(self) -> None:
        db = self._context.library.db
        before = set(self._open)
        now = set(await in_thread(runs.open_ids, db))
        self._open = (self._open - before) | now
        for number in sorted(before - now):
            report = await in_thread(runs.report, db, number)
            if report is not None:
                self._context.notify(f"{summary_words(report)}. {self._context.key('app.runs')} shows it.")

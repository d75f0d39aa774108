"""What a person wishes of all workers and of the queue as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import App

from dtk_tui.domain.job import JobState, WorkerState
from dtk_tui.services.worker import control
from dtk_tui.text import counted
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.dialogs import Confirm

if TYPE_CHECKING:
    from dtk_tui.ui.app import DtkApp

_WISHES = {
    WorkerState.RUNNING: control.start,
    WorkerState.PAUSED: control.pause,
    WorkerState.STOPPED: control.stop,
}


class WorkerActions(App[None]):
    """The actions of the control bar; the app binds their keys."""

    @property
    def _whole(self) -> DtkApp:
        return cast("DtkApp", self)

    @task("wish", exclusive=False, asked=True)
    async def _wish(self, state: WorkerState) -> None:
        await in_thread(_WISHES[state], self._whole.library.db)
        self._whole.look_now()

    def action_start_worker(self) -> None:
        """Wish that all workers run."""
        self._wish(WorkerState.RUNNING)

    def action_pause_worker(self) -> None:
        """Wish that all workers rest, with their models in memory."""
        self._wish(WorkerState.PAUSED)

    def action_stop_worker(self) -> None:
        """Wish that all workers stop and unload their models."""
        self._wish(WorkerState.STOPPED)

    def action_clear_queue(self) -> None:
        """Take all waiting jobs out of the queue, after a question."""
        stats = self._whole.stats
        waiting = stats.queue.pending if stats is not None else 0
        if not waiting:
            self._whole.say("No jobs are waiting.")
            return
        what = "the job that waits" if waiting == 1 else f"all {waiting:,} waiting jobs"
        text = "Jobs that run or failed stay. The images stay as they are and can be queued again."

        def answered(yes: bool | None) -> None:
            if yes:
                self._clear()

        self.push_screen(Confirm(f"Remove {what}?", text, "Remove it" if waiting == 1 else "Remove them"), answered)

    @task("clear", exclusive=False, asked=True)
    async def _clear(self) -> None:
        number = await in_thread(self._whole.library.remove, None, JobState.PENDING)
        self._whole.say(f"{counted(number, 'job')} removed from the queue")
        self._whole.look_now()

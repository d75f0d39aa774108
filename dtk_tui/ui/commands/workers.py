"""What is asked of all workers and of the queue as a whole."""

from __future__ import annotations

from functools import partial
from typing import Any

from dtk_tui.domain.job import JobState, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DtkError
from dtk_tui.services.models import needed
from dtk_tui.services.worker import control
from dtk_tui.text import counted
from dtk_tui.ui.background import in_thread, start_task
from dtk_tui.ui.commands.advice import in_keys
from dtk_tui.ui.commands.run import Run, in_background
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import Confirm, ErrorDialog

_SET = {
    WorkerState.RUNNING: control.start,
    WorkerState.PAUSED: control.pause,
    WorkerState.STOPPED: control.stop,
}


def set_desired_state(state: WorkerState) -> Run:
    """Return a command that says what all workers shall do."""

    @in_background("desired state", exclusive=False, asked=True)
    async def run(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
        async with context.tasks.wishes_in_order:
            await in_thread(_SET[state], context.library.db)
        context.stats.poll_now()

    return run


def clear_queue(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Take all waiting jobs out of the queue, after a question."""
    stats = context.stats.current
    waiting = stats.queue.pending if stats is not None else 0
    if not waiting:
        context.notify("No jobs are waiting.")
        return
    what = "the job that waits" if waiting == 1 else f"all {waiting:,} waiting jobs"
    text = "Jobs that run or failed stay. The images stay as they are and can be queued again."

    def answered(yes: bool | None) -> None:
        if yes:
            work = partial(_clear, context)
            start_task(screen.app, work, name="clear_queue", group="clear", exclusive=False, asked=True)

    yes = "Remove it" if waiting == 1 else "Remove them"
    screen.app.push_screen(Confirm(f"Remove {what}?", text, yes), answered)


async def _clear(context: AppContext) -> None:
    number = await in_thread(context.library.remove, None, JobState.PENDING)
    context.notify(f"{counted(number, 'job')} removed from the queue")
    context.stats.poll_now()


@in_background("trouble")
async def show_trouble(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show all of what keeps the workers from their work, in the words of whoever said it."""
    stats = context.stats.current
    told = [(worker.host, worker.stats.trouble) for worker in stats.workers] if stats is not None else []
    troubles = [f"{host}: {words}" for host, words in told if words]
    troubles += stats.unserved if stats is not None else []
    for folder in stats.away if stats is not None else ():
        waits = counted(folder.jobs, "job waits for it", "jobs wait for it")
        troubles.append(f"The folder {folder.path} {folder.reason}: {waits}. They go on by themselves when it is back.")
    if not troubles:
        context.notify("Nothing keeps the workers from their work.")
        return
    if any(not one.is_here for one in await in_thread(needed, context.config)):
        troubles.append(f"{context.key('app.models')} gets the models that are missing on this machine.")
    detail = in_keys("\n\n".join(troubles), context.key)
    screen.app.push_screen(ErrorDialog(DtkError("This keeps the workers from their work.", detail)))


def ask_to_quit(left: int) -> Confirm:
    """Return the question before the worker of this window is stopped in its work, with so many jobs left."""
    text = (
        f"The worker of this window is running and {counted(left, 'job is', 'jobs are')} left.\n"
        "Nothing is lost: the queue is kept, and the next start goes on.\n"
        "To let it work without this window: dtk worker run"
    )
    return Confirm("Quit?", text, "Quit")

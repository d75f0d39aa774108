"""What follows when a setting was saved: it is taken over at once, or what has to be started again is offered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App

from dtk_tui.domain.job import WorkerState
from dtk_tui.services.settings.schema import Effect, SettingInfo
from dtk_tui.services.worker import control
from dtk_tui.ui.background import in_thread, start_task
from dtk_tui.ui.context import AppContext
from dtk_tui.ui.dialogs import Confirm

#: The result of an app that shall be opened again.
RESTART = "restart"
_WORKERS = (
    "All workers end their batch, load their models anew and go on; each reads the config.toml of its host. Nothing of "
    "the queue is lost."
)
_APP = "The app ends and opens again. Nothing of the queue is lost; the worker of this window stops meanwhile."


async def follow(app: App[Any], context: AppContext, info: SettingInfo | None) -> None:
    """Take over what config.toml says now, and offer what a changed setting needs beside that.

    Raises:
        DtkError: config.toml cannot be used because of something else that stands there.
    """
    await in_thread(context.config.reload)
    if info is None:
        return
    stats, effect = context.stats.current, info.effect
    if effect is Effect.MODELS and stats is not None and stats.asked != {WorkerState.STOPPED}:
        _ask(app, "Start the workers again?", _WORKERS, lambda: restart_workers(app, context))
    elif effect is Effect.RESTART:
        _ask(app, "Start the app again?", _APP, lambda: app.exit(RESTART))
    else:
        when = "from the next Start of the workers on" if effect is Effect.MODELS else "from now on"
        context.notify(f"Saved. It holds {when}.")


def _ask(app: App[Any], title: str, text: str, do: Callable[[], None]) -> None:
    words = f"It is saved, and holds then. {text}"
    app.push_screen(Confirm(title, words, "Yes, now", "Later"), lambda yes: do() if yes else None)


def restart_workers(app: App[Any], context: AppContext) -> None:
    """Let all workers end their batch and load their models anew."""

    async def work() -> None:
        await in_thread(control.restart, context.library.db)
        context.stats.poll_now()
        context.notify("The workers were started again.")

    context.notify("The workers stop, and start again.")
    start_task(app, work, name="restart_workers", group="restart workers", exclusive=False, asked=True)

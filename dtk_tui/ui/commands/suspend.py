"""Giving the terminal back to the shell for a while."""

from __future__ import annotations

import os
from typing import Any

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.terminal import has_shell
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.textual_compat import FaultReportingApp

_NO_SHELL = "No shell waits for dtk here that could bring it back: it is suspended where one started it."
_NO_TERMINAL = "There is no shell behind this page: dtk is suspended in a terminal only."


def suspend(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Stop the app until the shell continues it, or say why that cannot be."""
    app = screen.app
    if not has_shell():
        context.notify(_NO_SHELL if os.isatty(0) else _NO_TERMINAL, severity="warning")
        return
    stats = context.stats.current
    everyone = () if stats is None else stats.workers
    works = any(one.pid == os.getpid() and one.state == WorkerState.RUNNING for one in everyone)
    words = "dtk: Suspended; fg goes on." + (" The worker of this window rests meanwhile." if works else "")
    if not isinstance(app, FaultReportingApp) or not app.suspend_process(words):
        context.notify(_NO_TERMINAL, severity="warning")

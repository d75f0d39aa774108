"""Threads of a worker that an error which nobody foresaw does not end, and what is told of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from dtk_tui.domain.events import Emit, ProblemReported
from dtk_tui.errors import DtkError

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


def lasting(
    run: Callable[[], None], name: str, emit: Emit, wait_stopping: Callable[[float], bool]
) -> Callable[[], None]:
    """Return ``run`` as the work of a thread that begins anew, after growing pauses, when an error ends it.

    A worker without one of its threads would look alive and do nothing, for as long as nobody looks.

    Args:
        run: returns when the worker stops; may be called again after it raised.
        name: of the thread.
        emit: is told of each error.
        wait_stopping: waits so many seconds, or until the worker stops; returns whether it does.
    """

    def go_on() -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                run()
            except Exception as error:
                _log.warning("the thread %s begins anew", name)
                emit(problem(error))
            else:
                return
            if wait_stopping(pause_s):
                return
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    return go_on


def problem(error: Exception) -> ProblemReported:
    """Return what a person is told of an error that does not end the work; an unforeseen one is logged."""
    if isinstance(error, DtkError):
        return ProblemReported(error.title, error.detail)
    _log.error("a worker goes on after an error", exc_info=error)
    reason = f"{type(error).__name__}: {error}"
    return ProblemReported(
        "Something failed in this worker that should not; it goes on.", f"Please report it: {reason}"
    )

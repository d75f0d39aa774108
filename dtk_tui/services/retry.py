"""Retries of whole transactions: after a conflict with another one, and while the database is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from dtk_tui.domain.events import Emit, ProblemReported
from dtk_tui.errors import DatabaseLostError

T = TypeVar("T")

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 15.0


def retry_on_conflict(action: Callable[[], T], times: int = 4) -> T:
    """Do a whole transaction, and again when another one got into its way (a deadlock) or the connection broke.

    Raises:
        DtkError: whatever ``action`` raises besides, or DatabaseLostError when it happened every time.
    """
    for left in range(times, 1, -1):
        try:
            return action()
        except DatabaseLostError:
            time.sleep(0.05 * (times - left + 1))
    return action()


def retry_until_available(action: Callable[[], T], stop: threading.Event, emit: Emit) -> T:
    """Do a whole transaction, again and again with growing pauses while the database is away.

    Args:
        action: opens its own connection, so that a repeat starts from nothing.
        stop: when set, the last DatabaseLostError is raised instead of waiting on.

    Raises:
        DtkError: whatever ``action`` raises besides a lost database.
    """
    pause_s = _FIRST_PAUSE_S
    told = False
    while True:
        try:
            return action()
        except DatabaseLostError as error:
            if stop.is_set():
                raise
            if not told:
                emit(ProblemReported("The database is away; waiting for it.", error.detail))
                told = True
        stop.wait(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

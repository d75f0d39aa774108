"""The end of the process."""

from __future__ import annotations

import os
import threading

#: How long the end waits for what threads are still at, once all is given back or given up, in seconds.
THREADS_S = 2.0


def end_within(seconds: float, *, status: int) -> None:
    """End the process after so long even if a thread waits for a server that does not answer.

    The interpreter waits for the threads of every pool without a bound, and an interrupt does not reach it there.
    """
    last = threading.Timer(seconds, os._exit, (status,))
    last.daemon = True
    last.start()

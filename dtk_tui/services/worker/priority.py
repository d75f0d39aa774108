"""How a worker's threads are scheduled: behind a screen that answers a key, and with all of a processor that rests."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

#: The niceness of a worker by itself, and of one in the process of a screen: where nobody else computes it costs no
#: throughput, and beside others the first still gets a third of what they get.
WORKER_NICENESS, NICENESS_BESIDE_SCREEN = 5, 19
#: Linux schedules sessions against each other by the niceness of each, not by that of their processes (sched(7)).
_SESSION_NICENESS = Path("/proc/self/autogroup")


def lower_thread_priority(niceness: int) -> None:
    """Lower the scheduling priority of the calling thread and of those that it starts; 0 leaves it as it is.

    On Linux it is also one for batches (sched(7)): when it wakes up it takes the processor from nobody.
    """
    if not niceness:
        return
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_BATCH, os.sched_param(0))


def lower_session_priority(niceness: int) -> None:
    """Lower the scheduling priority of the session, where this process began it: one with a shell is a person's."""
    if os.name == "posix" and os.getsid(0) == os.getpid():
        with suppress(OSError):  # a system without, or one that forbids it
            _SESSION_NICENESS.write_text(str(niceness), encoding="ascii")

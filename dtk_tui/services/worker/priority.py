"""How a worker's threads are scheduled: behind a screen that answers a key, and with all of a processor that rests."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Niceness(NamedTuple):
    """How far the threads of a worker step back.

    Attributes:
        inference: those that infer, and those that ONNX Runtime starts for them.
        others: those that claim, load and save.
    """

    inference: int = 0
    others: int = 0


#: Leaves all threads as they are.
AS_IT_IS = Niceness()
#: Of a worker by itself: where nobody else computes it costs no throughput, and beside others it still gets a third of
#: what they get.
WORKER_NICENESS = Niceness(5, 5)
#: Of a worker in the process of a screen. Who loads often has the interpreter's lock: if it waited for a processor
#: behind those that infer, the screen would wait with it.
NICENESS_BESIDE_SCREEN = Niceness(19, 10)
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

"""A PostgreSQL that is frozen with all its processes: it takes connections, and answers nobody."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.helpers.processes import children_of


@contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """Freeze a server by the id of its first process; it goes on behind the test."""
    pids = [postmaster, *children_of(postmaster)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue

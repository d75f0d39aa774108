"""Processes of the system, as tests look for what was left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 300) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def wait_for_end(pid: int, timeout_s: float = 20) -> None:
    """Wait until a process, which may be no child of ours, is gone or a zombie that nobody runs."""
    wait_until(lambda: not is_running(pid), f"process {pid} ends", timeout_s)


def is_running(pid: int) -> bool:
    """Say whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False  # it ended meanwhile


def children_of(pid: int) -> list[int]:
    """Return the process ids of the children of a process; Linux."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found

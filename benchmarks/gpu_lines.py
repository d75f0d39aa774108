"""The lines that ``bench_gpu`` prints, and the faults among them."""

from __future__ import annotations

import os
import time

ON_CPU = os.environ.get("DTK_BENCH_CPU") == "1"
_BEGUN = time.perf_counter()
faults: list[str] = []


def say(line: str) -> None:
    """Print one line at once, with the seconds since the start."""
    print(f"[{time.perf_counter() - _BEGUN:6.1f}] {line}", flush=True)


def fault(line: str) -> None:
    """Print one line of what is wrong, and remember that something was."""
    faults.append(line)
    say(f"FAULT {line}")

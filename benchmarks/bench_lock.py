"""How long a screen waits for the interpreter's lock beside a worker in its process, while three other workers run.

One thread stands for the screen: it rests for half a millisecond and notes how late it goes on, less what it waited for
a processor (Linux counts that for each thread). What is left is the lock: somebody else has it, and may wait for a
processor himself. In turn, DTK_BENCH_RUNS times each (default 2) for 40 s: all threads of the worker as far back as
those that infer, and as ``priority.NICENESS_BESIDE_SCREEN`` has it. A library of DTK_BENCH_IMAGES pictures (default
2000) is tagged meanwhile, as often as is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from workload import Home, home, write_library

from dtk_tui.config import load
from dtk_tui.services.worker import control
from dtk_tui.services.worker.engine import Engine
from dtk_tui.services.worker.priority import NICENESS_BESIDE_SCREEN, Niceness
from dtk_tui.store.database import Database

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "2000"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "2"))
SECONDS, REST_S = 40.0, 0.0005
_ALL_ALIKE = Niceness(NICENESS_BESIDE_SCREEN.inference, NICENESS_BESIDE_SCREEN.inference)
_SCHEDULED = Path("/proc/thread-self/schedstat")


def measure(niceness: Niceness) -> None:
    """Print how long each turn of the screen was kept by the lock, in ms, one line each."""
    config = load()
    db = Database.open(config)
    control.start(db)
    engine = Engine(db, config, niceness=niceness)
    engine.open()
    while not engine.throughput.processed:
        time.sleep(0.1)
    end = time.monotonic() + SECONDS
    late = []
    while time.monotonic() < end:
        waited, begun = _waited_s(), time.perf_counter()
        time.sleep(REST_S)
        kept_s = time.perf_counter() - begun - REST_S - (_waited_s() - waited)
        late.append(max(0.0, kept_s) * 1000)
    print("\n".join(map(str, late)), flush=True)
    os._exit(0)


def _waited_s() -> float:
    """Return how long this thread has waited for a processor until now."""
    return int(_SCHEDULED.read_text(encoding="ascii").split()[1]) / 1e9


def measured(place: Home, niceness: Niceness) -> list[float]:
    """Return what ``measure`` prints."""
    place.dtk("queue", "add", "--all", "--kind", "tag", "--again")
    command = [sys.executable, __file__, *map(str, niceness)]
    done = subprocess.run(command, env=place.environ, stdout=subprocess.PIPE, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def main() -> None:
    """Print the table."""
    if len(sys.argv) > 1:
        measure(Niceness(*map(int, sys.argv[1:])))
    found: dict[str, list[float]] = {"all alike": [], "now": []}
    with home() as place, TemporaryDirectory(prefix="dtk-bench-") as temporary:
        write_library(Path(temporary) / "outputs", IMAGES, 100)
        place.dtk("scan", str(Path(temporary) / "outputs"))
        place.dtk("queue", "add", "--all", "--kind", "tag")
        dtk = str(Path(sys.executable).parent / "dtk")
        others = [
            subprocess.Popen(
                [dtk, "worker", "run"], env=place.environ, stdout=subprocess.DEVNULL, start_new_session=True
            )
            for _ in range(3)
        ]
        try:
            for number in range(RUNS):
                turns = [("all alike", _ALL_ALIKE), ("now", NICENESS_BESIDE_SCREEN)]
                for name, niceness in turns if number % 2 else turns[::-1]:
                    found[name] += measured(place, niceness)
        finally:
            for one in others:
                one.terminate()
            for one in others:
                one.wait()
    print(f"{'kept by the lock, ms':24}{'turns':>9}{'p99':>9}{'p99.9':>9}{'worst':>9}")
    for name, late in found.items():
        p99, p999 = np.percentile(late, [99, 99.9])
        print(f"{name:24}{len(late):9,}{p99:9.2f}{p999:9.2f}{max(late):9.1f}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()

"""From a key to what is drawn for it, while three workers run: median, p99 and worst, beside the app at rest.

A real terminal (200x50, without a link between), a library of DTK_BENCH_IMAGES pictures of 512x768 (default 3000) and
three processes of ``dtk worker run``, each in a session of its own as in three terminals or services, that tag them
beside the worker of the app. Then the processor that the app takes at rest. A key is answered when names of files are
drawn for it; where this may take real-time priority, it does, so that it waits for nobody itself.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from link import KEYS, Link
from workload import Home, home, write_library

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "3000"))
PRESSES, REST_S = 150, 30.0
DTK = str(Path(sys.executable).parent / "dtk")
_TICKS = os.sysconf("SC_CLK_TCK")
#: Nothing more is drawn for a key after so long, and it is not answered at all after so long.
_QUIET_S, _LONGEST_S = 0.12, 10.0


def processor_s(pid: int) -> float:
    """Return the processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def workers(place: Home) -> Iterator[None]:
    """Let three workers run meanwhile."""
    place.dtk("queue", "add", "--all", "--kind", "tag")
    place.dtk("worker", "start")
    running = [
        subprocess.Popen(
            [DTK, "worker", "run"],
            env=place.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    try:
        while place.dtk("status").count("connected") and "Done     0 " in place.dtk("status"):
            time.sleep(1)
        yield
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait()


def pressed(app: Link, *keys: str) -> list[float]:
    """Return in ms how long each press of a key took to be drawn; several are pressed in turn."""
    chance, found = random.Random(1), []
    for number in range(PRESSES):
        app.drawn = b""
        begun = time.monotonic()
        app.type(KEYS[keys[number % len(keys)]])
        app.follow(lambda: b".png" in app.drawn, _LONGEST_S)
        found.append((time.monotonic() - begun) * 1000)
        app.follow(lambda: False, _QUIET_S + 0.05 * chance.random())
    return found


def go_before_all() -> None:
    """Take real-time priority for this process, and not for those that it starts."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def row(name: str, found: Sequence[float]) -> str:
    """Return one line of the table."""
    p50, p99 = np.percentile(found, [50, 99])
    return f"{name:40}{len(found):6}{p50:9.1f}{p99:9.1f}{max(found):9.1f}"


def main() -> None:
    """Print the table."""
    with home() as place, TemporaryDirectory(prefix="dtk-bench-") as temporary:
        pictures = Path(temporary) / "outputs"
        write_library(pictures, IMAGES, 100, (512, 768))
        place.dtk("scan", str(pictures))
        app = Link([DTK], place.environ, (200, 50))
        try:
            app.shows(b".png")
            app.press(b"p", 3.0)  # without the preview, whose picture comes later
            print(f"{IMAGES:,} images; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            print(f"{'key to repaint, ms':40}{'keys':>6}{'p50':>9}{'p99':>9}{'worst':>9}")
            go_before_all()
            print(row("at rest, Down", pressed(app, "down")), flush=True)
            before = processor_s(app.pid)
            app.follow(lambda: False, REST_S)
            idle = (processor_s(app.pid) - before) / REST_S
            with workers(place):
                print(row("three workers, Down", pressed(app, "down")), flush=True)
                print(row("three workers, PageDown", pressed(app, "pagedown", "pageup")), flush=True)
            print(f"at rest: {idle:.1%} of one processor; load {os.getloadavg()[0]:.1f}")
        finally:
            app.end()


if __name__ == "__main__":
    main()

"""From a key to what is drawn for it, while three workers run: median, p99 and worst, beside the app at rest.

A real terminal (200x50, without a link between), a library of DTK_BENCH_IMAGES pictures of 512x768 (default 3000) and
three processes of ``dtk worker run``, each in a session of its own as in three terminals or services, that tag them
beside the worker of the app. Then the processor that the app takes at rest. A key is answered when names of files are
drawn for it; where this may take real-time priority, it does, so that it waits for nobody itself. The processor time of
the app for a key is that of all its threads until then, its worker among them.

DTK_BENCH_OLD names an older commit, whose app is measured in turn with this one, DTK_BENCH_RUNS times each (default 1);
both must have the same schema, and the workers are always of this commit. DTK_BENCH_LIBRARY is a folder in which the
library is made once and stays; without it, it is made anew and removed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from link import KEYS, Link
from workload import REPOSITORY, Home, home, write_library

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "3000"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "1"))
OLD = os.environ.get("DTK_BENCH_OLD", "")
KEPT = os.environ.get("DTK_BENCH_LIBRARY", "")
PRESSES, REST_S = 150, 10.0
DTK = str(Path(sys.executable).parent / "dtk")
_START = "import sys; sys.argv[0] = 'dtk'; from dtk_tui.__main__ import main; main()"
#: Nothing more is drawn for a key after so long, and it is not answered at all after so long.
_QUIET_S, _LONGEST_S = 0.12, 10.0


@dataclass(slots=True)
class Program:
    """An app, and how long each key took until it was drawn: ms on the clock, and ms of processor time."""

    name: str
    command: list[str]
    environ: dict[str, str]
    found: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    idle: list[float] = field(default_factory=list)


def processor_s(pid: int) -> float:
    """Return the processor seconds of a process, of the threads that it has now."""
    used = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has ended
            used += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
    return used / 1e9


@contextmanager
def library() -> Iterator[Home]:
    """Give a home with pictures, whose server runs."""
    if KEPT:
        place, is_new = Home(Path(KEPT) / "home"), not Path(KEPT, "home").exists()
        place.folder.mkdir(parents=True, exist_ok=True)
        with place.server():
            if is_new:
                write_library(Path(KEPT) / "outputs", IMAGES, 100, (512, 768))
                place.dtk("scan", str(Path(KEPT) / "outputs"))
            yield place
        return
    with home() as place, TemporaryDirectory(prefix="dtk-bench-") as temporary:
        pictures = Path(temporary) / "outputs"
        write_library(pictures, IMAGES, 100, (512, 768))
        place.dtk("scan", str(pictures))
        yield place


@contextmanager
def programs(place: Home) -> Iterator[list[Program]]:
    """Give the apps that are compared."""
    now = Program("now", [DTK], place.environ)
    if not OLD:
        yield [now]
        return
    with TemporaryDirectory(prefix="dtk-bench-") as folder:
        archive = subprocess.run(["git", "archive", OLD], cwd=REPOSITORY, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        yield [Program("old", [sys.executable, "-P", "-c", _START], place.environ | {"PYTHONPATH": folder}), now]


@contextmanager
def workers(place: Home) -> Iterator[None]:
    """Let three workers run meanwhile."""
    place.dtk("queue", "add", "--all", "--kind", "tag", "--again")
    place.dtk("worker", "start")
    running = [
        subprocess.Popen(
            [DTK, "worker", "run"],
            env=place.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    try:
        while status(place)["processed"] == 0:
            time.sleep(1)
        yield
        if not status(place)["queue"]["pending"]:
            print("The queue ran empty: more images are needed.")
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait()
        place.dtk("worker", "stop")
        place.dtk("queue", "clear")


def status(place: Home) -> dict[str, Any]:
    """Return what the workers do."""
    found: dict[str, Any] = json.loads(place.dtk("status", "--json"))
    return found


def pressed(app: Link, *keys: str) -> list[tuple[float, float]]:
    """Return how long each press of a key took to be drawn, in ms on the clock and of the app's processor time."""
    chance, found = random.Random(1), []
    for number in range(PRESSES):
        app.drawn = b""
        begun, used = time.monotonic(), processor_s(app.pid)
        app.type(KEYS[keys[number % len(keys)]])
        app.follow(lambda: b".png" in app.drawn, _LONGEST_S)
        found.append(((time.monotonic() - begun) * 1000, (processor_s(app.pid) - used) * 1000))
        app.follow(lambda: False, _QUIET_S + 0.05 * chance.random())
    return found


def go_before_all() -> None:
    """Take real-time priority for this process, and not for those that it starts."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def row(name: str, found: Sequence[tuple[float, float]]) -> str:
    """Return one line of the table."""
    clock, used = zip(*found, strict=True)
    p50, p99 = np.percentile(clock, [50, 99])
    return f"{name:40}{len(found):6}{p50:9.1f}{p99:9.1f}{max(clock):9.1f}{np.median(used):11.1f}"


def measure(program: Program, place: Home) -> None:
    """Press keys in an app, at rest and beside workers."""
    app, found = Link(program.command, program.environ, (200, 50)), program.found
    try:
        app.shows(b".png")
        app.press(b"p", 3.0)  # without the preview, whose picture comes later
        found.setdefault("at rest, Down", []).extend(pressed(app, "down"))
        found.setdefault("at rest, PageDown", []).extend(pressed(app, "pagedown", "pageup"))
        before = processor_s(app.pid)
        app.follow(lambda: False, REST_S)
        program.idle.append((processor_s(app.pid) - before) / REST_S)
        with workers(place):
            found.setdefault("three workers, Down", []).extend(pressed(app, "down"))
            found.setdefault("three workers, PageDown", []).extend(pressed(app, "pagedown", "pageup"))
    finally:
        app.end()


def main() -> None:
    """Print the table."""
    with library() as place, programs(place) as compared:
        print(f"{IMAGES:,} images; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        go_before_all()
        for _ in range(RUNS):
            for program in compared:
                measure(program, place)
        print(f"{'key to repaint, ms':40}{'keys':>6}{'p50':>9}{'p99':>9}{'worst':>9}{'processor':>11}")
        for name in compared[0].found:
            for program in compared:
                print(row(f"{name}, {program.name}" if OLD else name, program.found[name]))
        for program in compared:
            print(f"{program.name}: at rest {np.mean(program.idle):.1%} of one processor")
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

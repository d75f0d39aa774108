"""How the time of each thing grows with the library: 10,000, 100,000 and 1,000,000 images, as a table and as a plot.

DTK_BENCH_SIZES (10000,100000) names the sizes; with DTK_BENCH_GROWTH, a folder, each library is made once and stays
there. A step of ten times as many images may cost ten times as much, and a little more for sorting: "n log n" is that
bound, and what grows faster than 1.15 times it is marked. DTK_BENCH_PLOT names an SVG file for the plot.

Scans are those of as many small PNGs in DTK_BENCH_DIR (quickest: a folder in memory), in a fresh library; the rest is
measured in the libraries of ``large_library``: a claim of 64 jobs, the first 100 of searches, a backup with digests,
and the app's start up to its first rows. All times are processor time, of the program, its processes and the server
(at the start, of the program alone): other work on the machine changes them little.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import bench_app
import bench_scan
from caption_library import VOCABULARY
from large_library import configured, library
from workload import owned_server, postmaster, processor_s

from dtk_tui.config import load
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.query.nodes import Query
from dtk_tui.domain.query.parser import parse
from dtk_tui.services.scan.scanner import Scan
from dtk_tui.store.backup import dump
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import claims, workers
from dtk_tui.store.search.search import find_images

SIZES = [int(size) for size in os.environ.get("DTK_BENCH_SIZES", "10000,100000").split(",")]
KEPT = os.environ.get("DTK_BENCH_GROWTH")
PLOT = os.environ.get("DTK_BENCH_PLOT")
CLAIMS, CLAIMED, LIMIT, SLACK, LEAST_S = 15, 64, 100, 1.15, 0.5
SEARCHES = {
    "newest 100": "",
    "a rare word": VOCABULARY[2000],
    "a common word": VOCABULARY[5],
    "a tag": "tag:tag_7",
    "rating, sorted by name": "rating:>=8 sort:name",
}
Seconds = dict[str, float]


def used_s(home: Path, work: Callable[[], object], least_s: float = 0.0) -> float:
    """Return the seconds of processor time that some work takes, here and in the server of a home.

    Args:
        least_s: the work is done again until so much was used: the kernel counts in hundredths of a second.
    """
    pids = (os.getpid(), postmaster(home))
    if least_s:
        work()  # what is done again and again is measured warm
    begun, times, used = processor_s(pids), 0, 0.0
    while times == 0 or used < least_s:
        for _ in range(max(1, times)):
            work()
        times = max(1, 2 * times)
        used = processor_s(pids) - begun
    return used / times


def scans(size: int) -> Seconds:
    """Return the seconds of a first scan of so many files, and of one that finds nothing new."""
    bench_scan.FILES, bench_scan.FOLDERS = size, max(size // 20, 3)
    with tempfile.TemporaryDirectory(dir=os.environ.get("DTK_BENCH_DIR")) as folder, owned_server(f"{folder}/home"):
        bench_scan.generate(f"{folder}/library")
        config = load({**os.environ, "DTK_HOME": f"{folder}/home", "DTK_DATABASE_URL": ""})
        db = Database.open(config)
        try:
            first, again = (
                used_s(Path(folder) / "home", lambda: Scan(db, config).run([f"{folder}/library"])) for _ in range(2)
            )
        finally:
            db.close()
    return {"first scan": first, "scan, nothing new": again}


def claimed(conn: Connection, home: Path) -> float:
    """Return the seconds of a claim, which is taken back."""
    worker = workers.register(conn, "bench", os.getpid(), WorkerState.RUNNING, 30.0)
    conn.commit()

    def claim() -> None:
        place = claims.FIRST
        for _ in range(CLAIMS):
            jobs, place = claims.claim(conn, worker, [Kind.TAG], CLAIMED, after=place)
            if len(jobs) != CLAIMED:
                raise SystemExit(f"{len(jobs)} jobs were claimed")
        conn.rollback()

    try:
        return used_s(home, claim, LEAST_S) / CLAIMS
    finally:
        workers.unregister(conn, worker)
        conn.commit()


def asked(conn: Connection, home: Path) -> Seconds:
    """Return the seconds of each search."""
    queries = {name: parse(line) for name, line in SEARCHES.items()}

    def ask(query: Query) -> None:
        find_images(conn, query, about=(), like=(), limit=LIMIT)

    return {name: used_s(home, partial(ask, query), LEAST_S) for name, query in queries.items()}


@contextmanager
def kept(size: int) -> Iterator[None]:
    """Say where the library of a size is."""
    if KEPT:
        os.environ["DTK_BENCH_LIBRARY"] = str(Path(KEPT) / str(size))
    try:
        yield
    finally:
        os.environ.pop("DTK_BENCH_LIBRARY", None)


def measure(size: int) -> Seconds:
    """Return the seconds of everything at a size."""
    found = scans(size)
    with kept(size), library(size) as home, tempfile.TemporaryDirectory() as folder:
        db = Database.open(configured(home))
        try:
            with db.listener() as conn:
                conn.autocommit = False
                found["claim of 64"] = claimed(conn, home.folder)
                found |= asked(conn, home.folder)
                conn.rollback()
            found["backup"] = used_s(home.folder, lambda: dump.backup(db, Path(folder) / "library.dump"))
        finally:
            db.close()
        found["start"] = opened(home.environ)
    return found


def opened(environ: dict[str, str]) -> float:
    """Return the seconds of processor until the first rows are on the screen, the best of three."""
    taken = []
    for _ in range(3):
        terminal = bench_app.Terminal([str(Path(sys.executable).parent / "dtk")], environ)
        terminal.waits(r"\d{7}\.png")
        taken.append(bench_app.processor_s(terminal.pid))
        terminal.end()
    return min(taken)


def plotted(found: dict[int, Seconds]) -> str:
    """Return the plot as SVG: both axes in powers of ten; a dashed line is n log n."""
    width, height, left, top = 760, 480, 70, 20
    xs = [math.log10(size) for size in SIZES]
    logs = [math.log10(max(seconds, 1e-6)) for of in found.values() for seconds in of.values()]
    low, high = math.floor(min(logs)), math.ceil(max(logs))

    def at(size: int, seconds: float) -> str:
        x = left + (math.log10(size) - xs[0]) / (xs[-1] - xs[0]) * (width - left - 190)
        y = top + (high - math.log10(max(seconds, 1e-6))) / (high - low) * (height - top - 40)
        return f"{x:.1f},{y:.1f}"

    drawn = []
    for power in range(low, high + 1):
        x, y = at(SIZES[0], 10.0**power).split(",")
        drawn.append(f'<path d="M{x},{y}H{width - 190}" stroke="#ddd"/><text x="8" y="{y}">{10.0**power:g} s</text>')
    for size in SIZES:
        x, y = at(size, 10.0**low).split(",")
        drawn.append(
            f'<path d="M{x},{top}V{y}" stroke="#ddd"/><text x="{float(x) - 25}" y="{height - 20}">{size:,}</text>'
        )
    bound = " ".join(at(size, 10.0**low * size * math.log(size) / SIZES[0] / math.log(SIZES[0])) for size in SIZES)
    drawn.append(f'<polyline points="{bound}" fill="none" stroke="#888" stroke-dasharray="4"/>')
    x, y = bound.split(" ")[-1].split(",")
    drawn.append(f'<text x="{float(x) + 6}" y="{y}" fill="#888">n log n</text>')
    names = sorted(found[SIZES[-1]], key=lambda name: -found[SIZES[-1]][name])
    below = 0.0
    for number, name in enumerate(names):
        colour = f"hsl({number * 360 // len(names)},65%,40%)"
        line = " ".join(at(size, found[size][name]) for size in SIZES)
        end, there = (float(one) for one in line.split(" ")[-1].split(","))
        below = max(there + 4, below + 12)  # names that would stand on each other stand below each other
        drawn.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(f'<text x="{end + 6}" y="{below}" fill="{colour}">{name}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif"'
        f' font-size="11"><rect width="100%" height="100%" fill="#fff"/>{"".join(drawn)}</svg>\n'
    )


def main() -> None:
    """Print the table and write the plot."""
    found = {size: measure(size) for size in SIZES}
    print(f"{'processor ms at images':28}" + "".join(f"{size:>14,}" for size in SIZES) + "   grows, to n log n")
    for name in found[SIZES[0]]:
        taken = [found[size][name] for size in SIZES]
        ratios = [
            b / a / (m * math.log(m) / (n * math.log(n)))
            for a, b, n, m in zip(taken, taken[1:], SIZES, SIZES[1:], strict=False)
        ]
        mark = "  FASTER" if any(ratio > SLACK for ratio in ratios) else ""
        print(
            f"{name:28}"
            + "".join(f"{1000 * one:14,.1f}" for one in taken)
            + "  "
            + "".join(f"{ratio:7.3f}" for ratio in ratios)
            + mark
        )
    if PLOT:
        Path(PLOT).write_text(plotted(found), encoding="utf-8")


if __name__ == "__main__":
    main()

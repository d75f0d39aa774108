"""How true the time expected is: asked for during a run with two kinds of work, beside what it then took.

The run takes about DTK_BENCH_MINUTES minutes (default 3). No speed is remembered from earlier runs.
"""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from workload import MODELS, owned_server, painting

from dtk_tui.config import load
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.domain.stats import LibraryCounts
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database

MINUTES = float(os.environ.get("DTK_BENCH_MINUTES", "3"))
#: Different pictures; each is written many times, with other generation parameters.
PICTURES = 100
LOOK_S = 1.0


@dataclass(frozen=True)
class Look:
    """What ``dtk status`` would say at a moment; ``left`` counts jobs."""

    at: float
    left: int
    eta_s: float | None


def write(folder: Path, start: int, count: int) -> None:
    """Write pictures of 384 x 512 with generation parameters of their own; thirty share a prompt."""
    folder.mkdir(parents=True, exist_ok=True)
    bodies = []
    for seed in range(min(PICTURES, count)):
        with io.BytesIO() as data:
            painting(seed, (384, 512)).save(data, format="PNG")
            bodies.append(data.getvalue())
    for number in range(start, start + count):
        words = f"parameters\0a harbour of kind {number // 30} in the morning\nSteps: 20, Seed: {number}, Model: bench"
        chunk = b"tEXt" + words.encode()
        chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        body = bodies[number % len(bodies)]
        (folder / f"{number:06d}.png").write_bytes(body[:33] + chunk + body[33:])  # behind the header


def run(db: Database, minutes: float, folder: Path) -> None:
    """Fill the queue for about so many minutes, drain it, and print the table."""
    config = load({"HOME": str(folder), "DTK_HOME": str(folder / "home"), "DTK_MODELS": str(MODELS)})
    kinds = [Kind.TAG, Kind.EMBED]

    def fill(start: int, count: int) -> int:
        write(folder / "library", start, count)
        scan(db, config, [str(folder / "library")])
        return enqueue(db, config, Target(everything=True), kinds).queued

    def drain() -> list[Look]:
        looks: list[Look] = []
        engine = Engine(db, config, initial_state=WorkerState.RUNNING)
        engine.open()

        def note() -> None:
            now = time.perf_counter()
            if not looks or now >= looks[-1].at + LOOK_S:
                stats = snapshot(db, LibraryCounts())
                looks.append(Look(now, stats.queue.pending + stats.queue.running, stats.eta_s))

        try:
            engine.wait_until_empty(each=note)
            looks.append(Look(time.perf_counter(), 0, 0.0))
        finally:
            engine.close()
        return looks

    probe = fill(0, 160)
    looks = drain()
    per_s = probe / (looks[-1].at - next(one.at for one in looks if one.left < probe))
    with db.connection() as conn:
        conn.execute("DELETE FROM pace")
    total = fill(160, max(800, int(minutes * 60 * per_s / len(kinds))))
    report(drain(), total)


def report(looks: Sequence[Look], total: int) -> None:
    """Print what was expected beside the truth, from the first job that ended to the last."""
    start, end = next(one.at for one in looks if one.left < total), looks[-1].at
    print(f"{total:,} jobs (tag, then embed) in {end - start:.0f} s")
    print(f"{'':<20}{'expected s':>12}{'truth s':>10}{'error':>9}")
    rows = [("10 % of the time", next(one for one in looks if one.at >= start + 0.1 * (end - start)))]
    for share in (10, 25, 50, 75):
        rows.append((f"{share} % of the jobs", next(one for one in looks if one.left <= total * (1 - share / 100))))
    for name, one in rows:
        truth = end - one.at
        shown = "unknown" if one.eta_s is None else f"{one.eta_s:.0f}"
        error = "" if one.eta_s is None else f"{one.eta_s / truth - 1:+.1%}"
        print(f"  {name:<18}{shown:>12}{truth:10.0f}{error:>9}   {one.left:,} left")
    known = next((one.at - start for one in looks if one.at >= start and one.eta_s is not None), None)
    print(f"  first known {'never' if known is None else f'{known:.0f} s'} after the first job")


def main() -> None:
    """Make a library, measure."""
    with (
        TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as temporary,
        owned_server(f"{temporary}/home"),
    ):
        folder = Path(temporary)
        db = Database.open(load({"HOME": temporary, "DTK_HOME": str(folder / "home"), "DTK_MODELS": str(MODELS)}))
        try:
            run(db, MINUTES, folder)
        finally:
            db.close()


if __name__ == "__main__":
    main()

"""How true the time expected is: asked for at every tenth of a run with two kinds of work, beside what it then took.

The run takes about DTK_BENCH_MINUTES minutes (default 3). No speed is remembered from earlier runs.
"""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from workload import MODELS, painting

from dtk_tui.config import load
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.services.engine import Engine
from dtk_tui.services.queueing import enqueue
from dtk_tui.services.scanner import scan
from dtk_tui.services.stats import look
from dtk_tui.store.database import Database

MINUTES = float(os.environ.get("DTK_BENCH_MINUTES", "3"))
#: Different pictures; each is written many times, with other generation parameters.
PICTURES = 100


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

    def drain() -> tuple[list[tuple[float, float, float | None]], float]:
        looks: list[tuple[float, float, float | None]] = []
        engine = Engine(db, config, begin=WorkerState.RUNNING)
        engine.open()

        def note() -> None:
            stats = look(db)
            looks.append((time.perf_counter(), stats.queue.pending + stats.queue.running, stats.eta_s))

        try:
            engine.wait_until_empty(each=note)
        finally:
            engine.close()
        return looks, time.perf_counter()

    probe = fill(0, 120)
    looks, end = drain()
    per_s = probe / (end - next(at for at, left, _ in looks if left < probe))
    with db.connection() as conn:
        conn.execute("DELETE FROM pace")
    total = fill(120, max(200, int(minutes * 60 * per_s / len(kinds))))
    looks, end = drain()
    start = next(at for at, left, _ in looks if left < total)
    print(
        f"{total:,} jobs (tag, embed) in {end - start:.0f} s\n{'done':>6}{'expected s':>12}{'truth s':>10}{'error':>9}"
    )
    for tenth in range(1, 10):
        at, left, eta_s = next(one for one in looks if one[1] <= total * (1 - tenth / 10))
        truth = end - at
        shown = "unknown" if eta_s is None else f"{eta_s:.0f}"
        error = "" if eta_s is None else f"{eta_s / truth - 1:+.1%}"
        print(f"{tenth * 10:5} %{shown:>12}{truth:10.0f}{error:>9}   {left:,.0f} left")


def main() -> None:
    """Make a library, measure."""
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        db = Database.open(load({"HOME": temporary, "DTK_HOME": str(folder / "home"), "DTK_MODELS": str(MODELS)}))
        try:
            run(db, MINUTES, folder)
        finally:
            db.close()


if __name__ == "__main__":
    main()

"""How quickly a worker follows: Pause, the first claim after Start from Paused, Stop; all while batches run.

DTK_BENCH_IMAGES pictures (default 300), DTK_BENCH_RUNS times (default 5).
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from workload import MODELS, owned_server, spread, write_library

from dtk_tui.config import load
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import control
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database

IMAGES, RUNS = int(os.environ.get("DTK_BENCH_IMAGES", "300")), int(os.environ.get("DTK_BENCH_RUNS", "5"))
_CLAIMED = "SELECT min(started_at) FROM job WHERE state = 'running'"
_FIRST = (
    f"SELECT extract(epoch FROM ({_CLAIMED}) - changed_at)::float8 FROM worker_control WHERE ({_CLAIMED}) > changed_at"
)


def one(db: Database, sql: str) -> float | None:
    """Return the one value of a query, None when there is none."""
    with db.connection() as conn:
        row = conn.execute(sql.encode()).fetchone()
    return None if row is None or row[0] is None else float(row[0])


def until(db: Database, engine: Engine, state: WorkerState) -> float:
    """Wait for a state; return the seconds."""
    begun = time.perf_counter()
    while engine.state != state:
        time.sleep(0.001)
    return time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    times: dict[str, list[float]] = {"Pause, to Paused": [], "Start from Paused, to the first claim": []}
    times["Stop, to Stopped, models unloaded"] = []
    with (
        TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as temporary,
        owned_server(f"{temporary}/home"),
    ):
        folder = Path(temporary)
        config = load({"HOME": temporary, "DTK_HOME": str(folder / "home"), "DTK_MODELS": str(MODELS)})
        db = Database.open(config)
        engine = Engine(db, config)
        try:
            write_library(folder / "library", IMAGES, 10)
            scan(db, config, [str(folder / "library")])
            engine.open()
            for _ in range(RUNS):
                enqueue(db, config, Target(everything=True), [Kind.TAG, Kind.EMBED], again=True)
                control.start(db)
                done = engine.throughput.processed
                while engine.throughput.processed < done + 30:
                    time.sleep(0.01)
                control.pause(db)
                times["Pause, to Paused"].append(until(db, engine, WorkerState.PAUSED))
                control.start(db)
                while (first := one(db, _FIRST)) is None:
                    time.sleep(0.01)
                times["Start from Paused, to the first claim"].append(first)
                time.sleep(1)
                control.stop(db)
                times["Stop, to Stopped, models unloaded"].append(until(db, engine, WorkerState.STOPPED))
                running, vectors = one(db, "SELECT count(*) FROM job WHERE state = 'running'"), engine.provider
                if running or vectors:
                    raise SystemExit("jobs or models are still held")
        finally:
            engine.close()
            db.close()
    print(f"seconds, {RUNS} runs                            min   median      max")
    for name, values in times.items():
        print(f"  {name:<39}{spread(values)}")


if __name__ == "__main__":
    main()

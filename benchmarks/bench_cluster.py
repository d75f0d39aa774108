"""Workers on a cluster beside as many plain ones: the same jobs by models that do nothing, pairs in one run.

DTK_BENCH_IMAGES pictures (default 1,000) make twice as many jobs, DTK_BENCH_RUNS pairs (default 3). Two workers each;
the time is that from the first job that ends to the last. Ray is the extra ``cluster``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from workload import MODELS, Home, home, jobs_left, spread, wait_until, write_library

from dtk_tui.config import load
from dtk_tui.store.database import Database
from tests.helpers.idle_models import idle_models

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "1000"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "3"))
WORKERS = 2
_RATE = """
SELECT count(*)::float / extract(epoch FROM max(finished_at) - min(finished_at)), count(*), count(DISTINCT job_id)
  FROM job_log WHERE id > %s
"""


@contextmanager
def plain(place: Home) -> Iterator[None]:
    """Run workers as ``dtk worker run`` does."""
    program = str(Path(sys.executable).parent / "dtk")
    running = [subprocess.Popen([program, "worker", "run"], env=place.environ) for _ in range(WORKERS)]
    try:
        yield
    finally:
        for one in running:
            one.send_signal(signal.SIGTERM)
        for one in running:
            one.wait()


@contextmanager
def cluster(place: Home) -> Iterator[None]:
    """Run workers on a cluster of as many nodes on this machine."""
    place.dtk("cluster", "up", "--local", str(WORKERS))
    try:
        yield
    finally:
        place.dtk("cluster", "down")


def jobs_per_s(place: Home, db: Database, workers: Callable[[Home], AbstractContextManager[None]]) -> float:
    """Return how many jobs a second the workers do, once all are there with their models."""
    with db.connection() as conn:
        before = conn.execute("SELECT coalesce(max(id), 0) FROM job_log").fetchone()
    with workers(place):
        wait_until(lambda: _running(place) == WORKERS)
        place.dtk("queue", "add", "--all", "--kind", "tag,embed", "--again")
        wait_until(lambda: jobs_left(db) == 0)
    with db.connection() as conn:
        rate, ended, different = conn.execute(_RATE, before).fetchone() or (0.0, 0, 0)
    assert ended == different == 2 * IMAGES, "each once"
    return float(rate)


def _running(place: Home) -> int:
    found = json.loads(place.dtk("status", "--json"))["worker"]["workers"]
    return sum(one["state"] == "running" for one in found)


def main() -> None:
    """Measure pairs, each in the other order than the one before."""
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as temporary, home() as place:
        write_library(Path(temporary) / "library", IMAGES, 40, (384, 512))
        place.environ["DTK_MODELS"] = str(idle_models(Path(temporary) / "models", MODELS, tagger=True))
        place.dtk("scan", str(Path(temporary) / "library"))
        db = Database.open(load(place.environ))
        ratios = []
        try:
            for number in range(RUNS):
                ways = [("plain", plain), ("cluster", cluster)]
                rates = {name: jobs_per_s(place, db, way) for name, way in ways[:: 1 - 2 * (number % 2)]}
                ratios.append(rates["cluster"] / rates["plain"])
                load_now = os.getloadavg()[0]
                print(
                    f"  pair {number + 1}: cluster {rates['cluster']:.1f} jobs/s, plain {rates['plain']:.1f},"
                    f" ratio {ratios[-1]:.3f} (load {load_now:.1f})",
                    flush=True,
                )
        finally:
            db.close()
    print(f"cluster to plain, {2 * IMAGES:,} jobs, {WORKERS} workers  min, median, max {spread(ratios)}")


if __name__ == "__main__":
    main()

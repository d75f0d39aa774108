"""Workers on a cluster beside as many plain ones: the same jobs by models that do nothing, pairs in one run.

DTK_BENCH_IMAGES pictures (default 1,000) make twice as many jobs, DTK_BENCH_RUNS pairs (default 3). Two workers each;
the time is that from the first job that ends to the last. Ray is the extra ``cluster``. Of processor time, that of
workers and of Ray's own processes counts, not that of PostgreSQL: where jobs are bound by processors and others use
them too, it says more than the time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from workload import MODELS, Home, home, jobs_left, processor_s, spread, wait_until, write_library

from dtk_tui.config import load
from dtk_tui.services.cluster import record as records
from dtk_tui.services.cluster.cluster import record_file
from dtk_tui.store.database import Database
from tests.helpers.idle_models import idle_models

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "1000"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "3"))
WORKERS = 2
_RATE = """
SELECT count(*)::float / extract(epoch FROM max(finished_at) - min(finished_at)), count(*), count(DISTINCT job_id)
  FROM job_log WHERE id > %s
"""


@dataclass(frozen=True)
class Rate:
    """How many jobs are done in a second, and in a second of processor time."""

    by_time: float
    by_processor: float


@contextmanager
def plain(place: Home) -> Iterator[list[int]]:
    """Run workers as ``dtk worker run`` does."""
    program = str(Path(sys.executable).parent / "dtk")
    # Each in a session of its own, as Ray's nodes are: a kernel may share processors out by sessions.
    running = [
        subprocess.Popen([program, "worker", "run"], env=place.environ, start_new_session=True) for _ in range(WORKERS)
    ]
    try:
        yield [one.pid for one in running]
    finally:
        for one in running:
            one.send_signal(signal.SIGTERM)
        for one in running:
            one.wait()


@contextmanager
def cluster(place: Home) -> Iterator[list[int]]:
    """Run workers on a cluster of as many nodes on this machine."""
    place.dtk("cluster", "up", "--local", str(WORKERS))
    try:
        record = records.read(record_file(load(place.environ)))
        assert record is not None
        yield [node.pid for node in record.nodes]
    finally:
        place.dtk("cluster", "down")


def measured(place: Home, db: Database, workers: Callable[[Home], AbstractContextManager[list[int]]]) -> Rate:
    """Let the workers do the jobs, once all are there with their models."""
    with db.connection() as conn:
        before = conn.execute("SELECT coalesce(max(id), 0) FROM job_log").fetchone()
    with workers(place) as pids:
        wait_until(lambda: _running(place) == WORKERS)
        begun_s = processor_s(pids)
        place.dtk("queue", "add", "--all", "--kind", "tag,embed", "--again")
        wait_until(lambda: jobs_left(db) == 0)
        spent_s = processor_s(pids) - begun_s
    with db.connection() as conn:
        rate, ended, different = conn.execute(_RATE, before).fetchone() or (0.0, 0, 0)
    assert ended == different == 2 * IMAGES, "each once"
    return Rate(float(rate), 2 * IMAGES / spent_s)


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
        by_time, by_processor = [], []
        try:
            for number in range(RUNS):
                ways = [("plain", plain), ("cluster", cluster)]
                rates = {name: measured(place, db, way) for name, way in ways[:: 1 - 2 * (number % 2)]}
                ray, bare = rates["cluster"], rates["plain"]
                load_now = os.getloadavg()[0]
                by_time.append(ray.by_time / bare.by_time)
                by_processor.append(ray.by_processor / bare.by_processor)
                print(
                    f"  pair {number + 1}: cluster {ray.by_time:.1f} jobs/s, plain {bare.by_time:.1f},"
                    f" {by_time[-1]:.3f};"
                    f" a second of processor {ray.by_processor:.1f}, plain {bare.by_processor:.1f},"
                    f" {by_processor[-1]:.3f} (load {load_now:.1f})",
                    flush=True,
                )
        finally:
            db.close()
    print(f"cluster to plain, {2 * IMAGES:,} jobs, {WORKERS} workers  min, median, max")
    print(f"  jobs a second              {spread(by_time)}")
    print(f"  jobs a second of processor {spread(by_processor)}")


if __name__ == "__main__":
    main()

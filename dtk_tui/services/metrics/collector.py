"""What Prometheus is told: queue, workers, devices, library and database, as they are when it asks."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dtk_tui.domain.stats import LibraryCounts, Stats
from dtk_tui.errors import DtkError
from dtk_tui.services.stats import snapshot
from dtk_tui.store.database import Database
from dtk_tui.store.maintenance import server_info

#: The library is counted no more often than this, in seconds: on a large one that takes a while.
_COUNT_S = 60.0


class LibraryCollector(Collector):
    """Asks the database each time that Prometheus asks; ``dtk_up`` is 0 while it does not answer."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._sizes: LibraryCounts | None = None
        self._counted_at = 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers."""
        try:
            is_old = time.monotonic() > self._counted_at + _COUNT_S
            stats = snapshot(self._db, None if is_old else self._sizes)
            if is_old:
                self._sizes, self._counted_at = stats.library, time.monotonic()
            with self._db.connection() as conn:
                size = server_info(conn).size_bytes
        except DtkError:
            yield GaugeMetricFamily("dtk_up", "Whether the database answers.", 0)
            return
        yield GaugeMetricFamily("dtk_up", "Whether the database answers.", 1)
        yield GaugeMetricFamily("dtk_database_bytes", "Size of the database on its disk.", size)
        yield from _queue(stats)
        yield from _workers(stats)
        yield from _library(stats.library)


def _queue(stats: Stats) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("dtk_queue_jobs", "Jobs that wait or are under way.", labels=("kind", "state"))
    for state, by_kind in (("pending", stats.queue.by_kind), ("running", stats.queue.running_by_kind)):
        for kind, number in by_kind.items():
            jobs.add_metric((kind, state), number)
    yield jobs
    yield GaugeMetricFamily("dtk_queue_priority_jobs", "Waiting jobs that go before others.", stats.queue.priority)
    yield GaugeMetricFamily("dtk_queue_failed_jobs", "Jobs that failed and were not tried again.", stats.queue.failed)
    # While it is not known there is no sample.
    yield GaugeMetricFamily("dtk_queue_eta_seconds", "Time until the queue is empty.", stats.eta_s)
    speed = GaugeMetricFamily("dtk_jobs_per_second", "Jobs that end a second.", labels=("kind",))
    for kind, rate in stats.speed.items():
        speed.add_metric((kind,), rate)
    yield speed


def _workers(stats: Stats) -> Iterator[Metric]:
    states = GaugeMetricFamily("dtk_workers", "Workers that are connected.", labels=("state",))
    for state in sorted({str(worker.state) for worker in stats.workers}):
        states.add_metric((state,), sum(str(worker.state) == state for worker in stats.workers))
    yield states
    ended = CounterMetricFamily("dtk_worker_jobs", "Jobs that ended.", labels=("host", "worker", "outcome"))
    for worker in stats.workers:
        ended.add_metric((worker.host, str(worker.id), "done"), worker.stats.processed)
        ended.add_metric((worker.host, str(worker.id), "failed"), worker.stats.failed)
    yield ended
    yield GaugeMetricFamily("dtk_troubles", "Sentences of dtk status on what keeps work back.", len(stats.trouble))
    use = GaugeMetricFamily("dtk_gpu_utilisation_percent", "How busy a GPU is.", labels=("gpu", "name"))
    memory = GaugeMetricFamily("dtk_gpu_memory_used_gigabytes", "Memory in use on a GPU.", labels=("gpu", "name"))
    for number, gpu in enumerate(stats.gpus):
        for family, key in ((use, "utilisation"), (memory, "memory_used_gb")):
            value = gpu.get(key)
            if isinstance(value, int | float):
                family.add_metric((str(number), str(gpu.get("name"))), value)
    yield use
    yield memory


def _library(sizes: LibraryCounts) -> Iterator[Metric]:
    yield GaugeMetricFamily("dtk_library_images", "Images in the library.", sizes.images)
    yield GaugeMetricFamily("dtk_library_prompts", "Unique prompts in the library.", sizes.prompts)
    vectors = GaugeMetricFamily("dtk_library_vectors", "Vectors of an embedding space.", labels=("space",))
    for space, number in sizes.vectors.items():
        vectors.add_metric((space,), number)
    yield vectors

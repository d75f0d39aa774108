"""Statistics of queue, workers and library in one consistent snapshot, for the control bar and ``dtk status``."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import AwayFolder, LibraryCounts, QueueCounts, Stats, WorkerInfo
from dtk_tui.services.worker.throughput import PROMPT
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import counts
from dtk_tui.store.queue import totals, workers

#: How many prompts are left to embed changes slowly, and only the time expected asks for it.
_PROMPTS_S = 10.0
#: Counting a million jobs takes a while: the share of the time that goes into it stays below one in so many.
_THRIFT = 20
_SLOW_S = 0.05
_counted: WeakKeyDictionary[Database, tuple[float, QueueCounts]] = WeakKeyDictionary()
_prompts: WeakKeyDictionary[Database, tuple[float, int]] = WeakKeyDictionary()


def snapshot(db: Database, library: LibraryCounts | None = None) -> Stats:
    """Return the numbers of the queue, the workers and the library in one transaction.

    Args:
        library: sizes from an earlier snapshot, which change slowly; None counts them.
    """
    with db.connection() as conn:
        queue = _queue(db, conn)
        everyone = workers.all_workers(conn)
        desired = workers.get_desired_state(conn)
        marks = counts.marks(conn)
        sizes = library or counts.library(conn)
        alive = tuple(worker for worker in everyone if worker.alive)
        pace = pace_of(alive)
        prompts = _prompts_left(db, conn, queue) if PROMPT in pace else 0
        claims = _claims(conn, alive)
    reports = [worker.stats for worker in alive]
    hits, misses = sum(report.cache_hits for report in reports), sum(report.cache_misses for report in reports)
    return Stats(
        state=_state(alive),
        desired=desired,
        workers=alive,
        queue=queue,
        library=sizes,
        marks=marks,
        processed=sum(report.processed for report in reports),
        failed=sum(report.failed for report in reports),
        cache_hits=hits,
        cache_hit_rate=hits / (hits + misses) if hits + misses else None,
        speed=speed_of(alive),
        output=_sums(worker.stats.output for worker in _running(alive)),
        eta_s=None if _only_away(queue, alive) else eta(queue, pace, prompts, claims),
        provider=next((report.provider for report in reports if report.provider), None),
        away=_away(alive),
        gpus=_gpus(alive),
    )


def _queue(db: Database, conn: Connection) -> QueueCounts:
    """Count the queue, or return the last count where counting is slow and the last one is not old."""
    begun = time.monotonic()
    until, counts_then = _counted.get(db, (0.0, QueueCounts()))
    if begun < until:
        return counts_then
    now = totals.counts(conn)
    took_s = time.monotonic() - begun
    if took_s > _SLOW_S:
        _counted[db] = (begun + _THRIFT * took_s, now)
    return now


def _prompts_left(db: Database, conn: Connection, queue: QueueCounts) -> int:
    """Count the prompts that wait for their vector, or return the last count where it is not old."""
    embed = Kind.EMBED.label
    waiting = queue.by_kind.get(embed, 0) + queue.running_by_kind.get(embed, 0)
    if not waiting:
        return 0
    begun = time.monotonic()
    until, number = _prompts.get(db, (0.0, 0))
    if begun >= until:
        number = totals.prompts_left(conn, waiting)
        _prompts[db] = (begun + max(_PROMPTS_S, _THRIFT * (time.monotonic() - begun)), number)
    return min(number, waiting)


@dataclass(frozen=True, slots=True)
class Claims:
    """The jobs that one of several workers has claimed, and its own pace, both by the kind's word."""

    jobs: Mapping[str, int]
    pace: Mapping[str, float]


def _claims(conn: Connection, alive: Sequence[WorkerInfo]) -> list[Claims]:
    """Return what each worker has claimed, where it matters who has it."""
    running = _running(alive)
    if len(running) < 2:
        return []
    held = totals.held(conn, [worker.id for worker in running])
    return [Claims(held.get(worker.id, {}), worker.stats.pace) for worker in running]


def eta(queue: QueueCounts, pace: Mapping[str, float], prompts: int = 0, claims: Sequence[Claims] = ()) -> float | None:
    """Return the seconds until the queue is empty; None when unknown.

    What nobody has claimed is shared by all: what remains of each kind at its own pace. Then each worker ends what it
    has claimed, and the slowest is waited for.

    Args:
        pace: jobs per second by the kind's word while that kind has the device; see ``throughput.Throughput``.
        prompts: how many prompts have to be embedded for these jobs.
        claims: of several workers.
    """
    left = Counter(queue.by_kind) + Counter(queue.running_by_kind)
    if any(pace.get(kind, 0.0) <= 0 for kind in left):
        return None
    for one in claims:
        left -= Counter(one.jobs)
    shared_s = prompts / pace[PROMPT] if pace.get(PROMPT) else 0.0
    shared_s += sum(number / pace[kind] for kind, number in left.items())
    return shared_s + max((_ends_s(one, pace, len(claims)) for one in claims), default=0.0)


def _ends_s(one: Claims, pace: Mapping[str, float], workers: int) -> float:
    """Return the seconds that a worker takes for its jobs; one that was not timed yet counts like the others."""
    known = {kind: number for kind, number in one.jobs.items() if kind in pace}
    return sum(number / (one.pace.get(kind) or pace[kind] / workers) for kind, number in known.items())


def _state(alive: Sequence[WorkerInfo]) -> WorkerState:
    states = {worker.state for worker in alive}
    for state in (WorkerState.RUNNING, WorkerState.PAUSED):
        if state in states:
            return state
    return WorkerState.STOPPED


def _running(everyone: Sequence[WorkerInfo]) -> list[WorkerInfo]:
    return [one for one in everyone if one.alive and not one.is_silent and one.state == WorkerState.RUNNING]


def pace_of(everyone: Sequence[WorkerInfo]) -> dict[str, float]:
    """Return what the workers that are alive and run do together, jobs per second by the kind's word.

    One that can do a kind and has not been timed yet counts like the average of the others.
    """
    reports = [worker.stats for worker in _running(everyone)]
    together: dict[str, float] = {}
    for word, rate in _sums(report.pace for report in reports).items():
        of_kind = Kind.EMBED.label if word == PROMPT else word
        timed = sum(word in report.pace for report in reports)
        able = sum(of_kind in report.kinds or word in report.pace for report in reports)
        together[word] = rate * able / timed
    return together


def speed_of(everyone: Sequence[WorkerInfo]) -> dict[str, float]:
    """Return what the workers that are alive and run do now, jobs per second by the kind's word."""
    return _sums(worker.stats.speed for worker in _running(everyone))


def _sums(rates: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Add rates word by word."""
    total: dict[str, float] = {}
    for of_worker in rates:
        for word, rate in of_worker.items():
            total[word] = round(total.get(word, 0.0) + rate, 3)
    return total


def _away(alive: Sequence[WorkerInfo]) -> tuple[AwayFolder, ...]:
    """Return the folders that no worker finds: what one of several hosts does not see, the others do.

    Of several workers' counts the smallest is the latest.
    """
    running = _running(alive)
    found: dict[str, list[AwayFolder]] = {}
    for worker in running:
        for folder in worker.stats.away:
            found.setdefault(folder.path, []).append(folder)
    return tuple(min(same, key=lambda one: one.jobs) for same in found.values())


def _only_away(queue: QueueCounts, alive: Sequence[WorkerInfo]) -> bool:
    """Say whether all that is left waits for folders that are away, which may take any time."""
    waiting = sum(folder.jobs for folder in _away(alive))
    return 0 < queue.pending + queue.running <= waiting


def _gpus(alive: Sequence[WorkerInfo]) -> tuple[dict[str, object], ...]:
    """Return the GPUs of all hosts, each once: workers of one host see the same ones."""
    by_host = {worker.host: worker.devices for worker in alive}
    return tuple(device for devices in by_host.values() for device in devices)

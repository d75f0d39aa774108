"""One consistent look at the numbers of the control bar and of ``dtk status``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import LibraryCounts, QueueCounts, Stats, WorkerInfo
from dtk_tui.services.worker.throughput import PROMPT
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import counts
from dtk_tui.store.queue import jobs, workers

#: How many prompts are left to embed changes slowly, and only the time expected asks for it.
_PROMPTS_S = 10.0
#: Counting a million jobs takes a while: the share of the time that goes into it stays below one in so many.
_THRIFT = 20
_SLOW_S = 0.05
_counted: WeakKeyDictionary[Database, tuple[float, QueueCounts]] = WeakKeyDictionary()
_prompts: WeakKeyDictionary[Database, tuple[float, int]] = WeakKeyDictionary()


def snapshot(db: Database, library: LibraryCounts | None = None) -> Stats:
    """Look at the queue, the workers and the library.

    Args:
        library: sizes from an earlier look, which change slowly; None counts them.
    """
    with db.connection() as conn:
        queue = _queue(db, conn)
        everyone = workers.all_workers(conn)
        desired, _ = workers.get_desired_state(conn)
        marks = counts.marks(conn)
        sizes = library or counts.library(conn)
        alive = tuple(worker for worker in everyone if worker.alive)
        pace = pace_of(alive)
        prompts = _prompts_left(db, conn, queue) if PROMPT in pace else 0
    speed = _rates(alive, "speed")
    hits, misses = _total(alive, "cache_hits"), _total(alive, "cache_misses")
    return Stats(
        state=_state(alive),
        desired=desired,
        workers=alive,
        queue=queue,
        library=sizes,
        marks=marks,
        processed=_total(alive, "processed"),
        failed=_total(alive, "failed"),
        cache_hits=hits,
        cache_hit_rate=hits / (hits + misses) if hits + misses else None,
        speed=speed,
        eta_s=eta(queue, pace, prompts),
        provider=next((str(w.stats["provider"]) for w in alive if w.stats.get("provider")), None),
        gpus=_gpus(alive),
    )


def _queue(db: Database, conn: Connection) -> QueueCounts:
    """Count the queue, or return the last count where counting is slow and the last one is not old."""
    begun = time.monotonic()
    until, counts_then = _counted.get(db, (0.0, QueueCounts()))
    if begun < until:
        return counts_then
    now = jobs.counts(conn)
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
        number = jobs.prompts_left(conn, waiting)
        _prompts[db] = (begun + max(_PROMPTS_S, _THRIFT * (time.monotonic() - begun)), number)
    return min(number, waiting)


def eta(queue: QueueCounts, pace: Mapping[str, float], prompts: int = 0) -> float | None:
    """Return the seconds until the queue is empty: what remains of each kind at its own pace; None when unknown.

    Args:
        pace: jobs per second by the kind's word while that kind has the device; see ``progress.Progress``.
        prompts: how many prompts have to be embedded for these jobs.
    """
    total_s = prompts / pace[PROMPT] if pace.get(PROMPT) else 0.0
    for kind in {*queue.by_kind, *queue.running_by_kind}:
        number = queue.by_kind.get(kind, 0) + queue.running_by_kind.get(kind, 0)
        if number == 0:
            continue
        rate = pace.get(kind, 0.0)
        if rate <= 0:
            return None
        total_s += number / rate
    return total_s


def _state(alive: Sequence[WorkerInfo]) -> WorkerState:
    states = {worker.state for worker in alive}
    for state in (WorkerState.RUNNING, WorkerState.PAUSED):
        if state in states:
            return state
    return WorkerState.STOPPED


def _total(alive: Sequence[WorkerInfo], key: str) -> int:
    return sum(int(str(worker.stats.get(key, 0))) for worker in alive)


def pace_of(everyone: Sequence[WorkerInfo]) -> dict[str, float]:
    """Return what the workers that are alive and run do together, jobs per second by the kind's word.

    One that can do a kind and has not been timed yet counts like the average of the others.
    """
    running = [worker for worker in everyone if worker.alive and worker.state == WorkerState.RUNNING]
    together: dict[str, float] = {}
    for word, rate in _rates(running, "pace").items():
        of_kind = Kind.EMBED.label if word == PROMPT else word
        timed = sum(word in _of(worker, "pace") for worker in running)
        able = sum(of_kind in _of(worker, "kinds") or word in _of(worker, "pace") for worker in running)
        together[word] = rate * able / timed
    return together


def _of(worker: WorkerInfo, key: str) -> Any:
    return worker.stats.get(key, {})


def _rates(alive: Sequence[WorkerInfo], key: str) -> dict[str, float]:
    """Return what the workers do together, jobs per second by kind; a rate is of a running worker only."""
    total: dict[str, float] = {}
    for worker in alive:
        of_worker = _of(worker, key) if worker.state == WorkerState.RUNNING else {}
        for kind, rate in of_worker.items():
            total[kind] = round(total.get(kind, 0.0) + float(rate), 3)
    return total


def _gpus(alive: Sequence[WorkerInfo]) -> tuple[dict[str, object], ...]:
    """Return the GPUs of all hosts, each once: workers of one host see the same ones."""
    by_host = {worker.host: worker.devices for worker in alive}
    return tuple(device for devices in by_host.values() for device in devices)

"""The time expected, over made-up runs whose end is known; turns, paces and their sum are the real ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import QueueCounts, WorkerInfo, WorkerStats
from dtk_tui.services.stats import Claims, eta, pace_of, snapshot
from dtk_tui.services.worker.handlers.base import Lane
from dtk_tui.services.worker.lane import LaneState
from dtk_tui.services.worker.scheduler import KindScheduler
from dtk_tui.services.worker.throughput import PROMPT, Throughput
from dtk_tui.store.database import Database
from dtk_tui.store.queue import claims, workers
from tests.helpers.tag_scores import add_images

#: The lane of a captioner that answers one request at a time.
CAPTIONS = LaneState(Lane("captions", 1), {Kind.CAPTION: 1}, devices=1, decode_threads=4)
BATCH = {Kind.TAG: 16, Kind.EMBED: 16, Kind.CAPTION: 1}


@dataclass
class Run:
    """A machine with one device: how long jobs and prompts take there, in seconds, and what changes meanwhile.

    Attributes:
        jobs, seconds: of each kind.
        prompts: how many prompts the images to embed share, each as likely as the other.
        slower_by: share by which everything slows down evenly until the end.
        broken: every so many-th file fails when it is loaded.
    """

    jobs: dict[Kind, int]
    seconds: dict[Kind, float]
    prompts: int = 1
    prompt_s: float = 0.0
    slower_by: float = 0.0
    noise: float = 0.15
    broken: int = 0
    first_batch_s: float = 8.0
    remembered: dict[str, float] = field(default_factory=dict)

    def play(self) -> Iterator[tuple[float, int, float | None]]:
        """Yield (seconds since the start, jobs left, the time expected) after every batch."""
        chance = random.Random(7)
        now = 0.0
        progress = Throughput(lambda: now)
        progress.begin(self.remembered)
        turns = KindScheduler(tuple(self.jobs), BATCH.__getitem__, progress.timed_s, lambda: now)
        left, total = dict(self.jobs), sum(self.jobs.values())
        seen: set[int] = set()
        cold = set(self.jobs)
        while any(left.values()):
            kind = next((kind for kind in turns.kinds(idle=True) if left[kind]), None)
            if kind is None:
                turns.end()
                continue
            if turns.is_due:
                turns.plan({kind.label: number for kind, number in left.items()})
                continue
            number = min(BATCH[kind], left[kind])
            slow = (1 + self.slower_by * (1 - sum(left.values()) / total)) * chance.uniform(
                1 - self.noise, 1 + self.noise
            )
            new = {chance.randrange(self.prompts) for _ in range(number if kind == Kind.EMBED else 0)} - seen
            if new and self.prompt_s:
                now += (span_s := len(new) * self.prompt_s * slow)
                progress.count_prompts(len(new), span_s)
            seen |= new
            bad = number // self.broken if self.broken else 0
            for _ in range(bad):
                progress.count_unloaded(kind)
            span_s = (number - bad) * self.seconds[kind] * slow + (self.first_batch_s if kind in cold else 0)
            cold.discard(kind)
            now += span_s
            progress.count_span(kind, number - bad, span_s)
            left[kind] -= number
            counts = QueueCounts(by_kind={kind.label: n for kind, n in left.items()})
            # Few images to a prompt: all prompts come up.
            missing = self.prompts - len(seen) if left.get(Kind.EMBED) else 0
            yield now, sum(left.values()), eta(counts, progress.pace(), missing)


MIXED = {Kind.TAG: 12_000, Kind.EMBED: 8_000}
SPEEDS = {Kind.TAG: 0.03, Kind.EMBED: 0.11}
RUNS = {
    "two kinds": Run(MIXED, SPEEDS),
    "the slow one first by number": Run({Kind.TAG: 500, Kind.EMBED: 12_000}, SPEEDS),
    "three kinds": Run({**MIXED, Kind.CAPTION: 300}, {**SPEEDS, Kind.CAPTION: 3.0}),
    "it slows down": Run(MIXED, SPEEDS, slower_by=0.2),
    "it speeds up": Run(MIXED, SPEEDS, slower_by=-0.15),
    "noisy": Run(MIXED, SPEEDS, noise=0.6),
    "prompts are new at first, and then repeat": Run(MIXED, SPEEDS, prompts=1_500, prompt_s=0.15),
    "every tenth file is broken": Run(MIXED, SPEEDS, broken=10),
    "yesterday it was twice as fast": Run(MIXED, SPEEDS, remembered={"tag": 60.0, "embed": 20.0}),
}


@pytest.mark.parametrize("name", RUNS)
def test_after_a_tenth_the_time_expected_is_true(name: str) -> None:
    looks = list(RUNS[name].play())
    end, total = looks[-1][0], sum(RUNS[name].jobs.values())

    def error(reached: Callable[[float, int], bool]) -> float:
        at, _, expected = next(one for one in looks if reached(one[0], one[1]))
        assert expected is not None, "it is known by then"
        return expected / (end - at) - 1

    of_jobs = error(lambda at, left: left <= 0.9 * total)
    of_time = error(lambda at, left: at >= 0.1 * end)
    half = error(lambda at, left: at >= 0.5 * end)
    assert max(abs(of_jobs), abs(of_time), abs(half)) < 0.15, (of_jobs, of_time, half)


def test_the_unknown_stays_unknown() -> None:
    progress = Throughput()
    progress.count_span(Kind.TAG, 16, 9.0)
    progress.count_span(Kind.TAG, 16, 1.0)
    progress.count_span(Kind.TAG, 16, 1.0)
    assert progress.pace() == {"tag": 16.0}, "a model's first batch is not counted"
    assert eta(QueueCounts(by_kind={"tag": 160}), progress.pace()) == pytest.approx(10)
    assert eta(QueueCounts(by_kind={"tag": 160, "embed": 1}), progress.pace()) is None
    assert eta(QueueCounts(by_kind={"tag": 160}), progress.pace() | {PROMPT: 2.0}, 20) == pytest.approx(20)


def test_a_kind_that_just_ended_has_no_speed() -> None:
    now = 0.0
    progress = Throughput(lambda: now)
    for _ in range(20):
        now += 0.5
        progress.count_jobs([Kind.TAG] * 8, 0)
    assert progress.speed() == {"tag": pytest.approx(16)}
    now += 2
    assert progress.speed()["tag"] < 16, "the silence counts"
    now += 3
    assert progress.speed() == {}
    for _ in range(3):
        now += 12
        progress.count_jobs([Kind.CAPTION], 0)
    now += 10
    assert progress.speed() == {"caption": pytest.approx(1 / 12, abs=0.01)}, "slow is not silent"


def test_workers_together() -> None:
    def worker(state: WorkerState = WorkerState.RUNNING, alive: bool = True, **report: object) -> WorkerInfo:
        return WorkerInfo(1, "host", 1, state, datetime.now(UTC), alive, stats=WorkerStats.from_json(report))

    both = ["tag", "embed"]
    timed = worker(pace={"tag": 10.0, "embed": 4.0, PROMPT: 50.0}, kinds=both)
    assert pace_of([timed, worker(pace={}, kinds=both)]) == {"tag": 20.0, "embed": 8.0, PROMPT: 100.0}
    assert pace_of([timed, worker(pace={"tag": 2.0}, kinds=["tag"])]) == {"tag": 12.0, "embed": 4.0, PROMPT: 50.0}
    idle = [worker(WorkerState.PAUSED, pace={"tag": 9.0}, kinds=both), worker(alive=False, pace={"tag": 9.0})]
    assert pace_of([timed, *idle]) == {"tag": 10.0, "embed": 4.0, PROMPT: 50.0}


def _drained_by_hosts(jobs: int, takes_s: tuple[float, ...], depth: int) -> list[tuple[float, int, float | None]]:
    """Return (seconds since the start, jobs left, the time expected) after every job of hosts of different speed.

    Each holds so many claimed jobs and works on one at a time.
    """
    held = [0] * len(takes_s)
    ends = [0.0] * len(takes_s)
    pending, now, looks = jobs, 0.0, []
    while pending or any(held):
        for host, takes in enumerate(takes_s):
            if not held[host] and pending:
                ends[host] = now + takes
            claimed = min(depth - held[host], pending)
            held[host] += claimed
            pending -= claimed
        counts = QueueCounts(by_kind={"caption": pending}, running_by_kind={"caption": sum(held)})
        claims = [Claims({"caption": n}, {"caption": 1 / takes}) for n, takes in zip(held, takes_s, strict=True)]
        pace = {"caption": sum(1 / takes for takes in takes_s)}
        looks.append((now, pending + sum(held), eta(counts, pace, 0, claims)))
        first = min((host for host, number in enumerate(held) if number), key=ends.__getitem__)
        now = ends[first]
        held[first] -= 1
        ends[first] += takes_s[first]
    return [*looks, (now, 0, 0.0)]


@pytest.mark.parametrize("depth", [CAPTIONS.depth(), 8])
def test_the_slowest_host_is_waited_for(depth: int) -> None:
    looks = _drained_by_hosts(140, (0.5, 1.0, 2.0), depth)
    end = looks[-1][0]
    for share in (0, 25, 50, 75):
        at, _, expected = next(look for look in looks if look[1] <= 140 * (1 - share / 100))
        assert expected == pytest.approx(end - at, rel=0.15), f"{share} % are done"


def test_few_jobs_are_claimed_for_a_slow_server() -> None:
    def ends(depth: int) -> float:
        return _drained_by_hosts(140, (0.5, 1.0, 2.0), depth)[-1][0]

    assert ends(CAPTIONS.depth()) <= ends(1) + 2.0, "nobody waits for more than one job of the slowest"


def test_what_each_worker_has_claimed_is_found(db: Database) -> None:
    pace = WorkerStats(pace={"tag": 2.0}, kinds=("tag",)), WorkerStats(pace={"tag": 0.5}, kinds=("tag",))
    with db.connection() as conn:
        add_images(conn, 20)
        conn.execute("INSERT INTO job (kind, image_id) SELECT %s, id FROM image ORDER BY id", (Kind.TAG,))
        for stats in pace:
            number = workers.register(conn, "host", 1, WorkerState.RUNNING, 600.0)
            workers.heartbeat(conn, number, lease_s=600.0, state=WorkerState.RUNNING, devices=(), stats=stats)
            claims.claim(conn, number, [Kind.TAG], 5)
    assert snapshot(db).eta_s == pytest.approx(10 / 2.5 + 5 / 0.5), "ten are shared, the slow one has five"


def test_every_kind_but_the_first_gets_a_turn_of_its_own() -> None:
    now = 0.0
    timed = 0.0
    turns = KindScheduler(tuple(Kind), lambda kind: 16, lambda kind: timed, lambda: now)
    assert turns.is_due and turns.kinds(idle=False) == tuple(Kind)
    turns.plan({"tag": 5000, "embed": 5000, "caption": 100})
    assert turns.kinds(idle=False) == (), "what is under way ends first"
    assert turns.kinds(idle=True) == (Kind.EMBED,)
    now, timed = 15.0, 5.0
    assert turns.kinds(idle=False) == (Kind.EMBED,)
    now, timed = 21.0, 11.0
    assert turns.kinds(idle=False) == ()
    assert turns.kinds(idle=True) == tuple(Kind), "too few captions for a turn"
    assert not turns.is_due
    now = 700.0
    assert turns.is_due
    turns.plan({"embed": 5000})
    assert turns.kinds(idle=False) == tuple(Kind), "alone it needs no turn"

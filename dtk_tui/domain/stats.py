"""The numbers of the control bar and of ``dtk status``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from dtk_tui.domain.job import WorkerState
from dtk_tui.text import counted

#: What says why a kind of work cannot be done here, by the kind's word.
_TELLS_WHY = {
    "embed": "dtk models list tells why.",
    "tag": "dtk models list tells why.",
    "caption": "dtk caption test tells why.",
}


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Jobs by state; ``by_kind`` counts pending ones by the kind's word, ``priority`` pending ones with priority."""

    pending: int = 0
    running: int = 0
    failed: int = 0
    priority: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    running_by_kind: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AwayFolder:
    """A folder of the library that a worker does not find, and waits for.

    ``reason`` is the end of a sentence that begins with the folder; ``jobs`` are those that wait for it.
    """

    path: str
    reason: str
    jobs: int


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """What a worker reports with each heartbeat; workers of several versions read each other's reports.

    Attributes:
        processed, failed: jobs ended since it started.
        cache_hits, cache_misses: prompts that had a vector already, and those that had none.
        speed: moving average, jobs per second by the kind's word.
        pace: jobs per second by the kind's word while that kind has the device, and of prompts.
        output: what results come to, a second, by a word: captions, tokens.
        kinds: words of the kinds of work that it has models for.
        provider: ONNX Runtime's execution provider that really runs, None while no model is loaded.
        trouble: why it does not run, or not where it should; None when all is well.
        away: folders that it does not find, whose jobs wait.
        unknown: keys that a newer version reports, as they came.
    """

    processed: int = 0
    failed: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    speed: dict[str, float] = field(default_factory=dict)
    pace: dict[str, float] = field(default_factory=dict)
    output: dict[str, float] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    provider: str | None = None
    trouble: str | None = None
    away: tuple[AwayFolder, ...] = ()
    unknown: dict[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the keys of a report; they stand in the database and in ``dtk status --json``."""
        return {
            "processed": self.processed,
            "failed": self.failed,
            "cache_hits": self.cache_hits,
            "cache_misses": self.cache_misses,
            "speed": self.speed,
            "pace": self.pace,
            "output": self.output,
            "kinds": list(self.kinds),
            "provider": self.provider,
            "trouble": self.trouble,
            "away": [asdict(folder) for folder in self.away],
        } | self.unknown

    @classmethod
    def from_json(cls, report: Mapping[str, object]) -> WorkerStats:
        """Read a report; what an older version does not say has its default."""
        left = dict(report)
        kinds = left.pop("kinds", None)
        return cls(
            processed=_count(left.pop("processed", None)),
            failed=_count(left.pop("failed", None)),
            cache_hits=_count(left.pop("cache_hits", None)),
            cache_misses=_count(left.pop("cache_misses", None)),
            speed=_rates(left.pop("speed", None)),
            pace=_rates(left.pop("pace", None)),
            output=_rates(left.pop("output", None)),
            kinds=tuple(str(kind) for kind in kinds) if isinstance(kinds, list) else (),
            provider=_words(left.pop("provider", None)),
            away=_folders(left.pop("away", None)),
            trouble=_words(left.pop("trouble", None)),
            unknown=left,
        )


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _rates(value: object) -> dict[str, float]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {str(word): float(rate) for word, rate in pairs if isinstance(rate, int | float)}


def _folders(value: object) -> tuple[AwayFolder, ...]:
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    return tuple(AwayFolder(str(row.get("path")), str(row.get("reason")), _count(row.get("jobs"))) for row in rows)


def _words(value: object) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker as it last reported.

    Attributes:
        alive: false when its lease has lapsed.
        wish: the state asked of it alone; None does what is asked of all.
        is_silent: it was at work, and has not been heard of for a quarter of its lease: it may be dead.
    """

    id: int
    host: str
    pid: int
    state: WorkerState
    heartbeat_at: datetime
    alive: bool
    devices: tuple[dict[str, object], ...] = ()
    stats: WorkerStats = field(default_factory=WorkerStats)
    wish: WorkerState | None = None
    is_silent: bool = False


def unserved(by_kind: Mapping[str, int], workers: Sequence[WorkerInfo], *, is_left_alone: bool = False) -> list[str]:
    """Return sentences on work that waits and that none of the running workers can do.

    Args:
        by_kind: how many jobs wait, by the kind's word.
        is_left_alone: say it too when no worker is connected at all.
    """
    told = _unknown(by_kind)
    alive = [one for one in workers if one.alive]
    number = sum(by_kind.values())
    if not alive and number and is_left_alone:
        waits = counted(number, "job waits", "jobs wait")
        return [*told, f"{waits}, and no worker is connected: dtk worker run starts one."]
    running = [one for one in alive if one.state is WorkerState.RUNNING]
    able = [set(one.stats.kinds) for one in running]
    if not able or not all(able):  # a worker that tells no kinds is of an older version, or loads its models
        return told
    waiting = [kind for kind, number in by_kind.items() if number and kind in _TELLS_WHY]
    told += [
        f"No running worker has what {kind} jobs need: {_TELLS_WHY[kind]}"
        for kind in waiting
        if kind not in set().union(*able)
    ]
    return told + (_untagged(running) if {"tag", "caption"} <= set(waiting) else [])


def _unknown(by_kind: Mapping[str, int]) -> list[str]:
    """Return a sentence on work that only a newer program does."""
    number = sum(number for kind, number in by_kind.items() if kind not in _TELLS_WHY)
    if not number:
        return []
    return [
        f"{counted(number, 'job is', 'jobs are')} of a kind of work that this dtk-tui does not know; a worker of a"
        " newer one does it. Update this one with: pip install --upgrade dtk-tui"
    ]


def _untagged(running: Sequence[WorkerInfo]) -> list[str]:
    """Return a sentence for each folder that a worker captions and that none of those that tag sees.

    Captions wait for the tags of their images (``[captions] with_tags``), and these would never come.
    """
    taggers = [one for one in running if "tag" in one.stats.kinds]
    captioners = [one for one in running if "caption" in one.stats.kinds]
    unseen = set.intersection(*map(_away_paths, taggers)) if taggers else set()
    hosts = ", ".join(sorted({one.host for one in taggers}))
    return [
        f"No worker that tags ({hosts}) sees {path}, and captions there wait for its tags. Mount it there or name its"
        ' place in [paths] map, or caption without tags: with_tags = "parallel" in [captions] of who captions.'
        for path in sorted(unseen)
        if any(path not in _away_paths(one) for one in captioners)
    ]


def _away_paths(worker: WorkerInfo) -> set[str]:
    return {folder.path for folder in worker.stats.away}


@dataclass(frozen=True, slots=True)
class LibraryCounts:
    """Sizes of the library; ``vectors`` by embedding space name."""

    images: int = 0
    representatives: int = 0
    prompts: int = 0
    vectors: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LibraryMarks:
    """Numbers that are others as soon as folders, images or thresholds are: they tell that something changed."""

    folders: tuple[int, int] = (0, 0)
    added: int = 0
    deleted: int = 0
    changed: int = 0
    derived: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Stats:
    """One consistent look.

    Attributes:
        state: what the workers do; what they are asked (``awaited``) may be ahead of it.
        desired: what is asked of all; of one alone something else may be.
        processed, failed: jobs ended by the living workers since their last start.
        cache_hits: prompts that needed no text embedding, as ``processed``.
        cache_hit_rate: share of prompts that needed no text embedding (0 to 1), None before the first.
        speed: moving average by kind, jobs per second.
        output: what results come to, a second, by a word: captions, tokens.
        eta_s: seconds until the queue is empty, None when unknown.
        provider: ONNX Runtime's execution provider that really runs, None while no model is loaded.
        marks: tell whether the library is still what it was.
        away: folders that workers do not find and wait for.
        gpus: one dict a GPU: name, utilisation (percent), memory_used_gb, memory_total_gb.
    """

    state: WorkerState
    desired: WorkerState
    workers: tuple[WorkerInfo, ...]
    queue: QueueCounts
    library: LibraryCounts
    marks: LibraryMarks = field(default_factory=LibraryMarks)
    processed: int = 0
    failed: int = 0
    cache_hits: int = 0
    cache_hit_rate: float | None = None
    speed: dict[str, float] = field(default_factory=dict)
    output: dict[str, float] = field(default_factory=dict)
    eta_s: float | None = None
    provider: str | None = None
    away: tuple[AwayFolder, ...] = ()
    gpus: tuple[dict[str, object], ...] = ()

    @property
    def asked(self) -> set[WorkerState]:
        """What is asked of those that are connected; where none is, of the next."""
        return {one.wish or self.desired for one in self.workers} or {self.desired}

    @property
    def awaited(self) -> WorkerState | None:
        """The state that a worker is asked to enter and is not in yet; None where all do what they are asked."""
        if not self.workers:
            return None if self.state is self.desired else self.desired
        late = [wish for one in self.workers if one.state is not (wish := one.wish or self.desired)]
        return next((wish for wish in late if wish is not self.state), None)

    @property
    def spared_images(self) -> int:
        """Images that need no vector of their own: another one stands for their group."""
        return self.library.images - self.library.representatives

    @property
    def unserved(self) -> list[str]:
        """Sentences on work that waits and that none of the running workers can do."""
        return unserved(self.queue.by_kind, self.workers)

    @property
    def silent(self) -> list[str]:
        """Sentences on workers that were at work and are not heard of."""
        return [
            f"{one.host}: Worker {one.id} is not heard of; its jobs go to others when its lease ends."
            for one in self.workers
            if one.is_silent
        ]

    @property
    def trouble(self) -> list[str]:
        """Sentences on all that keeps work from being done: what workers report, and what none of them serves."""
        reported = [f"{one.host}: {one.stats.trouble}" for one in self.workers if one.stats.trouble]
        return list(
            dict.fromkeys([*self.silent, *reported, *unserved(self.queue.by_kind, self.workers, is_left_alone=True)])
        )

    @property
    def progress(self) -> float:
        """Share of the present run that is done, 0 to 1."""
        done = self.processed + self.failed
        total = done + self.queue.pending + self.queue.running
        return done / total if total else 1.0

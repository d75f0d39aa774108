"""The numbers of the control bar and of ``dtk status``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from dtk_tui.domain.job import WorkerState


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
class WorkerInfo:
    """A worker as it last reported; ``alive`` is false when its lease has lapsed."""

    id: int
    host: str
    pid: int
    state: WorkerState
    heartbeat_at: datetime
    alive: bool
    devices: tuple[dict[str, object], ...] = ()
    stats: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LibraryCounts:
    """Sizes of the library; ``vectors`` by embedding space name."""

    images: int = 0
    representatives: int = 0
    prompts: int = 0
    vectors: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LibraryMarks:
    """Numbers that are others as soon as folders or images are: they say that something changed, not what."""

    folders: tuple[int, int] = (0, 0)
    added: int = 0
    deleted: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Stats:
    """One consistent look.

    Attributes:
        state: what the workers do; the wish (``desired``) may be ahead of it.
        processed, failed: jobs ended by the living workers since their last start.
        cache_hits: prompts that needed no text embedding, as ``processed``.
        cache_hit_rate: share of prompts that needed no text embedding (0 to 1), None before the first.
        speed: moving average by kind, jobs per second.
        eta_s: seconds until the queue is empty, None when unknown.
        provider: ONNX Runtime's execution provider that really runs, None while no model is loaded.
        marks: tell whether the library is still what it was.
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
    eta_s: float | None = None
    provider: str | None = None
    gpus: tuple[dict[str, object], ...] = ()

    @property
    def spared_images(self) -> int:
        """Images that need no vector of their own: another one stands for their group."""
        return self.library.images - self.library.representatives

    @property
    def progress(self) -> float:
        """Share of the present run that is done, 0 to 1."""
        done = self.processed + self.failed
        total = done + self.queue.pending + self.queue.running
        return done / total if total else 1.0

"""News that services send upward through one callable ``emit(event)``; names are past tense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dtk_tui.domain.imports import ImportProgressed
from dtk_tui.domain.job import WorkerState


@dataclass(frozen=True, slots=True)
class WorkerStateChanged:
    """The worker of this process entered a state."""

    state: WorkerState


@dataclass(frozen=True, slots=True)
class QueueNotified:
    """The worker of this process heard that any process queued jobs, or asked something of workers."""


@dataclass(frozen=True, slots=True)
class ScanProgressed:
    """How far a scan is. ``phase`` is ``quick`` or ``deep``; ``total`` is 0 while it is not known."""

    phase: str
    done: int
    total: int
    folder: str = ""


@dataclass(frozen=True, slots=True)
class ScanFinished:
    """A scan is over; ``counts`` has the keys of ``dtk scan --json``; ``watched``: nobody asked for it."""

    counts: dict[str, float] = field(default_factory=dict)
    watched: bool = False


@dataclass(frozen=True, slots=True)
class ImportFinished:
    """An import of a Diffusion Toolkit database is over, well or not."""


@dataclass(frozen=True, slots=True)
class GroupCheckProgressed:
    """How many sets of generation parameters a check of the groups has looked at."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class GroupCheckFinished:
    """A check of the groups is over: how many images shared a vector wrongly, and how many are queued for that."""

    wrong: int
    queued: int


@dataclass(frozen=True, slots=True)
class EditProgressed:
    """An edit of many, or the undo of one, came further."""


@dataclass(frozen=True, slots=True)
class EditFinished:
    """An edit of many, or the undo of one, is over, well or not."""


@dataclass(frozen=True, slots=True)
class PullProgressed:
    """How far a model is on its way to this machine; ``done`` and ``total`` are bytes, total None when unknown."""

    name: str
    step: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class PullFinished:
    """Models were fetched, or not."""


@dataclass(frozen=True, slots=True)
class ProblemReported:
    """Something a person should know that did not stop the work: the database is away, a model is missing."""

    title: str
    detail: str = ""


Event = (
    WorkerStateChanged
    | QueueNotified
    | ScanProgressed
    | ScanFinished
    | ImportProgressed
    | ImportFinished
    | GroupCheckProgressed
    | GroupCheckFinished
    | EditProgressed
    | EditFinished
    | PullProgressed
    | PullFinished
    | ProblemReported
)
Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Take an event and do nothing: for callers that do not want news."""

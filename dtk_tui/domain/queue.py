"""What people see of the queue, and how they name what to put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dtk_tui.domain.job import JobState, Kind


@dataclass(frozen=True, slots=True)
class Target:
    """Which images to queue: exactly one of the whole library, a folder, or a list of image ids."""

    everything: bool = False
    folder_id: int | None = None
    recursive: bool = False
    image_ids: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class CaptionRequest:
    """Which captions are asked for: types by name, and what happens where one is (``domain.captions.WhenThere``)."""

    types: tuple[str, ...]
    when_there: str


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What an enqueue did.

    Attributes:
        queued: jobs that are new in the queue, or were raised to a higher priority, or were failed and wait again.
        already_done: done with the current models, so not queued.
        spared: members of a group whose representative does the work for them.
        waiting: jobs that were in the queue already, at this priority or higher.
        undecodable: files that a scan could not read or that nothing here decodes, so not queued.
        expected_s: how long the queued ones will take, None when that is not known.
        run: the run that they are of, None where they are of none.
    """

    queued: int
    already_done: int
    spared: int
    waiting: int = 0
    undecodable: int = 0
    expected_s: float | None = None
    run: int | None = None

    def words(self, verb: str = "queued") -> str:
        """Return it as a sentence, e.g. ``12 queued, 3 are done already.``, of what is not nought."""
        rest = [
            f"{number:,} {one if number == 1 else many}"
            for number, one, many in (
                (self.waiting, "waits in the queue already", "wait in the queue already"),
                (self.already_done, "is done already", "are done already"),
                (self.spared, "shares the vector of another image", "share the vector of another image"),
                (self.undecodable, "cannot be read or decoded", "cannot be read or decoded"),
            )
            if number
        ]
        if self.queued:
            return f"{', '.join([f'{self.queued:,} {verb}', *rest])}."
        if not rest:
            return "Nothing to queue: there is no image."
        return (
            f"Nothing to queue: {'all ' if len(rest) == 1 and not rest[0].startswith('1 ') else ''}{', '.join(rest)}."
        )


@dataclass(frozen=True, slots=True)
class JobRow:
    """One line of the queue table."""

    id: int
    kind: Kind
    image_id: int
    path: str
    priority: int
    state: JobState
    attempts: int
    error: str | None
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class FailureReason:
    """Why jobs of one kind failed: the words, without the file they name; how many; and one of their images."""

    reason: str
    kind: Kind
    jobs: int
    image_id: int


@dataclass(frozen=True, slots=True)
class LogEntry:
    """How one job ended; ``path`` is None when the image is gone, ``seconds`` are from the claim to the end."""

    id: int
    job_id: int
    image_id: int
    path: str | None
    kind: Kind
    priority: int
    attempts: int
    outcome: str
    model: str | None
    error: str | None
    host: str | None
    worker_id: int | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime

    @property
    def seconds(self) -> float | None:
        """How long the worker had it."""
        return None if self.started_at is None else (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Day:
    """How many jobs of a kind ended in one way on one day of the server's clock."""

    day: date
    kind: Kind
    outcome: str
    jobs: int


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """How busy a GPU was over some time.

    Attributes:
        device: its number on its host, as NVML counts.
        observed_s: seconds in which its load was known.
        busy_s: its load (0 to 1), summed up over these seconds.
        memory_peak_gb, memory_total_gb: GiB, of all programs; None where the driver does not tell.
    """

    device: int
    name: str
    observed_s: float
    busy_s: float
    memory_peak_gb: float | None
    memory_total_gb: float | None

    @property
    def load(self) -> float | None:
        """The mean load, 0 to 1; None where it was not known at any time."""
        return min(self.busy_s / self.observed_s, 1.0) if self.observed_s > 0 else None


@dataclass(frozen=True, slots=True)
class DeviceDay:
    """How busy a GPU of a host was on one day of the server's clock, while a worker ran there."""

    day: date
    host: str
    use: DeviceUse


@dataclass(frozen=True, slots=True)
class WorkDone:
    """What was done lately, by kind.

    Attributes:
        minutes, hours: jobs done in each of the last 60 minutes and 24 hours, the newest last.
        days: what ended on each day, the last day first.
        today: the day that is not over, by the server's clock.
        devices: how busy each GPU was on each day, the last day first.
    """

    minutes: Mapping[Kind, Sequence[int]]
    hours: Mapping[Kind, Sequence[int]]
    days: Sequence[Day]
    today: date
    devices: Sequence[DeviceDay] = ()

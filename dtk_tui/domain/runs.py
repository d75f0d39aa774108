"""Runs: what one action queued for several kinds of work, how far it is, and its summary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dtk_tui.domain.job import Kind

#: The kinds of work that make a run when they are queued together.
RUN_KINDS = (Kind.TAG, Kind.CAPTION)


@dataclass(frozen=True, slots=True)
class Run:
    """One line of the list of runs; ``is_open``: some of its jobs wait or run."""

    id: int
    title: str
    queued_at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class RunPart:
    """One kind of work of a run, in images.

    Attributes:
        queued: jobs that are of this run.
        already_done, waiting, undecodable: what was skipped: done before, in the queue for another run, not to be seen.
        done, failed, removed, left: what became of the jobs; of those that were tried again the last time counts.
        rate: jobs of this kind a second, of all runs together; 0 where none is being done.
        eta_s: seconds until the last one is done, None when that is not known.
    """

    kind: Kind
    queued: int
    already_done: int
    waiting: int
    undecodable: int
    done: int
    failed: int
    removed: int
    left: int
    rate: float = 0.0
    eta_s: float | None = None

    @property
    def skipped(self) -> int:
        """Images for which nothing was queued."""
        return self.already_done + self.waiting + self.undecodable

    @property
    def progress(self) -> float:
        """Share of the jobs that ended, 0 to 1."""
        ended = self.done + self.failed + self.removed
        return ended / (ended + self.left) if ended + self.left else 1.0


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run as it is now; when nothing of it is left, its summary.

    Attributes:
        seconds: from the first claim of one of its jobs to the last end, or till now; None before the first.
        failures: the most frequent reasons, each with the number of jobs that failed for it.
        trouble: sentences on what keeps the rest of it from being done.
    """

    run: Run
    parts: tuple[RunPart, ...]
    seconds: float | None
    failures: tuple[tuple[str, int], ...] = ()
    trouble: tuple[str, ...] = ()

    @property
    def eta_s(self) -> float | None:
        """Seconds until nothing is left: the kinds are worked on side by side. None when that is not known."""
        times = [part.eta_s for part in self.parts if part.left]
        known = [time for time in times if time is not None]
        return max(known, default=0.0) if len(known) == len(times) else None

    @property
    def failed(self) -> int:
        """Jobs of all kinds that failed."""
        return sum(part.failed for part in self.parts)

    @property
    def skipped(self) -> int:
        """Images for which nothing was queued, counted for each kind."""
        return sum(part.skipped for part in self.parts)

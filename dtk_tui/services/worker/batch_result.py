"""What inference made of a batch: results of images and prompts, and failures with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dtk_tui.domain.job import ClaimedJob
from dtk_tui.domain.looks import ImageLook
from dtk_tui.errors import ChangedFileError, DtkError, MissingFileError, UnreadableFileError
from dtk_tui.inference.devices.session import DeviceMemoryError
from dtk_tui.services.worker.handlers.base import JobHandler, PassingFaultError

_MISSING = (MissingFileError, ChangedFileError, FileNotFoundError)


class Failure(NamedTuple):
    """A job that has no result.

    Attributes:
        permanent: trying again is useless.
        missing: its file is not where it was, or another is there; a scan may find it.
    """

    job: ClaimedJob
    reason: str
    permanent: bool
    missing: bool = False

    def is_final(self, max_retries: int) -> bool:
        """Say whether the job is not tried again by itself."""
        return self.permanent or self.job.attempts >= max_retries


@dataclass(slots=True)
class BatchResult:
    """What goes to the saver.

    Attributes:
        handler: of all rows and prompts; None where there are only failures.
        rows: jobs with their results.
        prompts: ids of prompts with their results.
        failed: jobs that have no result.
        returned: jobs that were not tried, and wait again.
        suspected: jobs that are tried alone from now on.
        looks: what was seen of images, whether or not anything else came of them.
    """

    handler: JobHandler | None = None
    rows: list[tuple[ClaimedJob, Any]] = field(default_factory=list)
    prompts: list[tuple[int, Any]] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    returned: list[ClaimedJob] = field(default_factory=list)
    suspected: list[ClaimedJob] = field(default_factory=list)
    looks: list[ImageLook] = field(default_factory=list)


def merge(handler: JobHandler, parts: Sequence[BatchResult]) -> BatchResult:
    """Return the results of the parts of one batch as one."""
    return BatchResult(
        handler,
        rows=[row for part in parts for row in part.rows],
        prompts=[prompt for part in parts for prompt in part.prompts],
        failed=[failure for part in parts for failure in part.failed],
        returned=[job for part in parts for job in part.returned],
        looks=[look for part in parts for look in part.looks],
    )


def failure_of(job: ClaimedJob, error: Exception) -> Failure:
    """Return the failure of a job that an error ended."""
    return Failure(job, reason_of(error), is_permanent(error), isinstance(error, _MISSING))


def reason_of(error: Exception) -> str:
    """Return what is kept of an error with its job."""
    if isinstance(error, DtkError):
        return f"{error.title} {error.detail}".strip()
    return f"{type(error).__name__}: {error}"


def is_memory(error: Exception) -> bool:
    """Say whether a smaller batch may help."""
    return isinstance(error, MemoryError | DeviceMemoryError)


def is_permanent(error: Exception) -> bool:
    """Say whether trying again is useless.

    A file that cannot be decoded never will be; shortage of memory or of file handles passes, and so does a server
    that is away.
    """
    if isinstance(error, UnreadableFileError):
        return True
    return not (is_memory(error) or isinstance(error, OSError | PassingFaultError))

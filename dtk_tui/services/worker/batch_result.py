"""What inference made of a batch: results of images and prompts, and failures with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dtk_tui.domain.job import ClaimedJob
from dtk_tui.domain.looks import ImageLook
from dtk_tui.errors import DtkError, UnreadableFileError
from dtk_tui.inference.session import DeviceMemoryError
from dtk_tui.services.worker.handlers.base import JobHandler


@dataclass(slots=True)
class BatchResult:
    """What goes to the saver.

    Attributes:
        handler: of all rows and prompts; None where there are only failures.
        rows: jobs with their results.
        prompts: ids of prompts with their results.
        failed: jobs with the reason, and whether trying again is useless.
        looks: what was seen of images, whether or not anything else came of them.
    """

    handler: JobHandler | None = None
    rows: list[tuple[ClaimedJob, Any]] = field(default_factory=list)
    prompts: list[tuple[int, Any]] = field(default_factory=list)
    failed: list[tuple[ClaimedJob, str, bool]] = field(default_factory=list)
    looks: list[ImageLook] = field(default_factory=list)


def merge(handler: JobHandler, parts: Sequence[BatchResult]) -> BatchResult:
    """Return the results of the parts of one batch as one."""
    return BatchResult(
        handler,
        rows=[row for part in parts for row in part.rows],
        prompts=[prompt for part in parts for prompt in part.prompts],
        failed=[failure for part in parts for failure in part.failed],
        looks=[look for part in parts for look in part.looks],
    )


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
    return not (is_memory(error) or isinstance(error, OSError))

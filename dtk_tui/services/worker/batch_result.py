"""What comes out of a batch, and how it is written: results, prompts' vectors and failures in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dtk_tui.domain.job import ClaimedJob
from dtk_tui.errors import DtkError, UnreadableFileError
from dtk_tui.inference.session import DeviceMemoryError
from dtk_tui.services.worker.handlers import EmbedHandler, JobHandler
from dtk_tui.store.database import Connection
from dtk_tui.store.queue import jobs


@dataclass(slots=True)
class BatchResult:
    """What goes to the saver.

    Attributes:
        rows: jobs with their results, all of ``step``.
        texts: prompt ids and their vectors, float32 [n, dims].
        failed: jobs with the reason, and whether trying again is useless.
    """

    step: JobHandler | None = None
    rows: list[tuple[ClaimedJob, Any]] = field(default_factory=list)
    texts: tuple[list[int], Any] | None = None
    failed: list[tuple[ClaimedJob, str, bool]] = field(default_factory=list)


def merged_texts(step: JobHandler, parts: Sequence[BatchResult]) -> BatchResult:
    """Return the outcomes of the parts of one batch of prompts as one."""
    good = [part.texts for part in parts if part.texts]
    if not good:
        return BatchResult()
    return BatchResult(step=step, texts=([n for ids, _ in good for n in ids], np.concatenate([vec for _, vec in good])))


def save_texts(conn: Connection, batch: Sequence[BatchResult]) -> None:
    """Write the vectors of prompts."""
    for done in batch:
        if done.texts and isinstance(done.step, EmbedHandler):
            done.step.save_texts(conn, *done.texts)


def save_rows(
    conn: Connection, worker_id: int, rows: Sequence[tuple[JobHandler, ClaimedJob, Any]], first: Callable[[], None]
) -> list[ClaimedJob]:
    """Write results of the jobs that are still ours, and end those jobs.

    Args:
        first: called when the rows are locked, before anything is written.
    """
    images = [job.image_id for _, job, _ in rows]
    owned = jobs.still_owned(conn, worker_id, [job.id for _, job, _ in rows], images) if rows else set()
    first()
    by_step: dict[JobHandler, list[tuple[ClaimedJob, Any]]] = {}
    for step, job, result in rows:
        if job.id in owned:
            by_step.setdefault(step, []).append((job, result))
    for step, of_step in by_step.items():
        step.save(conn, [(job.image_id, result) for job, result in of_step])
        jobs.finish(conn, worker_id, [job.id for job, _ in of_step], step.model)
    return [job for of_step in by_step.values() for job, _ in of_step]


def save_failures(
    conn: Connection, worker_id: int, failed: Sequence[tuple[ClaimedJob, str, bool]], max_retries: int
) -> int:
    """Fail what cannot succeed, give back what may; return how many failed for good."""
    final = [(job.id, reason) for job, reason, permanent in failed if permanent or job.attempts >= max_retries]
    passing = [(job, reason) for job, reason, permanent in failed if not permanent and job.attempts < max_retries]
    for job, reason in passing:
        jobs.again_later(conn, worker_id, [job.id], reason)
    return jobs.fail(conn, worker_id, final) if final else 0


def reason_of(error: Exception) -> str:
    """Return what is kept of an error with its job."""
    if isinstance(error, DtkError):
        return f"{error.title} {error.detail}".strip()
    return f"{type(error).__name__}: {error}"


def is_memory(error: Exception) -> bool:
    """Say whether a smaller batch may help."""
    return isinstance(error, MemoryError | DeviceMemoryError)


def is_permanent(error: Exception) -> bool:
    """A file that cannot be decoded never will be; shortage of memory or of file handles passes."""
    if isinstance(error, UnreadableFileError):
        return True
    return not (is_memory(error) or isinstance(error, OSError))

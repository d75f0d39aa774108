"""The last stage: saves results and ends their jobs, many batches in one transaction."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from dtk_tui.domain.job import NORMAL, ClaimedJob, Kind
from dtk_tui.domain.looks import ImageLook
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.worker.batch_result import BatchResult, Failure, reason_of
from dtk_tui.services.worker.handlers.base import JobHandler, PromptHandler
from dtk_tui.services.worker.priority import lower_thread_priority
from dtk_tui.services.worker.state import PipelineState
from dtk_tui.store.database import Connection
from dtk_tui.store.library import looks
from dtk_tui.store.queue import jobs, missing

_log = logging.getLogger(__name__)

_AT_ONCE = 256
#: What ends slowly waits so long for more: a transaction for each caption costs more than the caption's requests.
_PATIENCE_S = 0.5

_Row = tuple[JobHandler, ClaimedJob, Any]


class Saver:
    """Saves results; the work of the saving thread.

    Args:
        max_retries: how often a job with a passing fault is tried again.
    """

    def __init__(self, state: PipelineState, max_retries: int) -> None:
        self._state = state
        self._max_retries = max_retries

    def run(self) -> None:
        """Save until None comes."""
        state = self._state
        lower_thread_priority(state.niceness.others)
        while True:
            done = state.to_save.get()
            if done is None:
                state.to_save.task_done()
                return
            batch, size, last = [done], len(done.rows), False
            until = time.monotonic() + _PATIENCE_S
            while size < _AT_ONCE:
                if not self._can_wait(batch[-1], size):
                    until = 0.0
                try:
                    more = state.to_save.get(timeout=max(0.0, until - time.monotonic()))
                except queue.Empty:
                    break
                if more is None:
                    last = True
                    break
                batch.append(more)
                size += len(more.rows)
            try:
                self._save(batch)
            finally:
                for _ in range(len(batch) + last):
                    state.to_save.task_done()
            if last:
                return

    def _can_wait(self, last: BatchResult, size: int) -> bool:
        """Say whether nobody waits for what has ended, and more of the same lane will have soon."""
        if last.handler is None or last.prompts or last.failed or last.returned or last.suspected:
            return False
        if any(job.priority > NORMAL for job, _ in last.rows):
            return False
        return self._state.more_will_end(last.handler.kind, size)

    def _save(self, batch: list[BatchResult]) -> None:
        """Write a batch; where PostgreSQL refuses it, one by one, so that a bad result fails alone."""
        try:
            self._write(batch)
        except DatabaseLostError:
            return  # stopping while the database is away: the lease ends, another worker does it
        except Exception as error:  # of whatever kind: without this thread nothing would ever be saved again
            if not isinstance(error, DtkError):
                _log.exception("results could not be saved")
            if len(batch) == 1 and len(batch[0].rows) <= 1:
                self._refused(batch[0], error)
                return
            for done in batch:
                if done.prompts or done.failed or done.returned or done.suspected or done.looks:
                    self._save([replace(done, rows=[])])
                for row in done.rows:
                    self._save([BatchResult(done.handler, rows=[row])])

    def _refused(self, one: BatchResult, error: Exception) -> None:
        if one.handler is not None:
            for number, _ in one.prompts:
                self._state.note_failed_prompt(one.handler.kind, number, reason_of(error), permanent=True)
        failed = [Failure(job, reason_of(error), permanent=True) for job, _ in one.rows]
        if failed:
            self._save([BatchResult(failed=failed)])
        else:
            self._state.report(error)
            self._state.mark_ended(job.id for job in _without_result([one]))

    def _write(self, batch: list[BatchResult]) -> None:
        state = self._state
        good, failed = self._sorted(batch)

        seen = _looks(batch)
        tried = [job for _, job, _ in good] + [failure.job for failure in failed]

        def transaction(conn: Connection) -> tuple[list[ClaimedJob], int, bool]:
            # A job whose end a crash forgets is done again; nobody makes a prompt again that a job has relied on.
            lasting = "on" if any(done.prompts for done in batch) else "off"
            conn.execute("SELECT set_config('synchronous_commit', %s, true)", (lasting,))
            held = {job.image_id for _, job, _ in good} | {look.image_id for look in seen}
            done = _save_rows(conn, state.worker_id(), good, held, lambda: _save_prompts(conn, batch))
            _give_back(conn, state.worker_id(), batch)
            gone_bad = _save_failures(conn, state.worker_id(), failed, self._max_retries)
            if any(job.kind == Kind.TAG and job.priority > NORMAL for job in tried):
                jobs.wake_workers(conn)  # a caption that waits for these tags is as urgent
            return done, gone_bad, looks.save(conn, seen)

        done, gone_bad, is_new = state.transaction(transaction)
        if is_new:
            # Before the jobs count as ended: whoever waits for an empty queue waits for what this puts into it.
            state.compare_looks()
        for failure in failed:
            # Each alone: a scan that moves two of them must not wait for this, while this waits for the scan.
            if failure.missing and failure.is_final(self._max_retries):
                gone_bad += state.transaction(partial(self._fail_missing, failure=failure))
        for item in batch:
            if item.handler is not None and item.prompts:
                state.mark_prompts_saved(item.handler.kind, (number for number, _ in item.prompts))
        # Before the jobs count as ended: who sees that nothing is left looks at these numbers.
        state.throughput.count_jobs([job.kind for job in done], gone_bad)
        saved = {job.id for job in done}
        for handler, job, result in good:
            if job.id in saved and (output := handler.output(result)):
                state.throughput.count_output(output)
        ended = {job.id for _, job, _ in good} | {failure.job.id for failure in failed}
        state.mark_ended(ended | {job.id for job in _without_result(batch)})

    def _fail_missing(self, conn: Connection, failure: Failure) -> int:
        state = self._state
        conn.execute("SET LOCAL synchronous_commit = off")
        return missing.fail_missing(conn, state.worker_id(), failure.job, failure.reason, state.local_path)

    def _sorted(self, batch: list[BatchResult]) -> tuple[list[_Row], list[Failure]]:
        """Return what may be written, and what fails: also images whose prompt has no result."""
        good: list[_Row] = []
        failed = [item for done in batch for item in done.failed]
        for done in batch:
            for job, result in done.rows:
                bad = self._state.prompt_failure(job)
                if bad is not None:
                    failed.append(Failure(job, *bad))
                elif done.handler is not None:
                    good.append((done.handler, job, result))
        return good, failed


def _without_result(batch: Sequence[BatchResult]) -> list[ClaimedJob]:
    """Return the jobs that ended without a row."""
    failed = [failure.job for done in batch for failure in done.failed]
    return failed + [job for done in batch for job in (*done.returned, *done.suspected)]


def _give_back(conn: Connection, worker_id: int, batch: Sequence[BatchResult]) -> None:
    """Let jobs wait again that were not tried, or that are to be tried alone."""
    if returned := [job.id for done in batch for job in done.returned]:
        jobs.give_back(conn, worker_id, returned)
    if suspected := [job.id for done in batch for job in done.suspected]:
        jobs.suspect(conn, worker_id, suspected)


def _looks(batch: Sequence[BatchResult]) -> list[ImageLook]:
    """Return what was seen of images; of those that cannot be decoded, or embedded, that they stand for nobody."""
    found = [look for done in batch for look in done.looks]
    for done in batch:
        if done.handler is None or done.handler.is_of_group:
            found += [
                ImageLook(failure.job.image_id, failure.job.fingerprint, None)
                for failure in done.failed
                if failure.permanent and not failure.missing
            ]
    return found


def _save_prompts(conn: Connection, batch: Sequence[BatchResult]) -> None:
    """Write the results of prompts."""
    for done in batch:
        if isinstance(done.handler, PromptHandler) and done.prompts:
            done.handler.save_prompts(conn, done.prompts)


def _save_rows(
    conn: Connection, worker_id: int, rows: Sequence[_Row], images: Collection[int], first: Callable[[], None]
) -> list[ClaimedJob]:
    """Write results of the jobs that are still ours, and end those jobs.

    Args:
        images: all that this transaction writes of.
        first: called when the rows are locked, before anything is written.
    """
    owned, changed = jobs.still_owned(conn, worker_id, [job for _, job, _ in rows], images) if images else (set(), [])
    if changed:
        jobs.give_back(conn, worker_id, changed)
    first()
    by_handler: dict[JobHandler, list[tuple[ClaimedJob, Any]]] = {}
    for handler, job, result in rows:
        if job.id in owned:
            by_handler.setdefault(handler, []).append((job, result))
    for handler, its_rows in by_handler.items():
        handler.save(conn, [(job.image_id, result) for job, result in its_rows])
        jobs.finish(conn, worker_id, [job.id for job, _ in its_rows], handler.model)
    return [job for its_rows in by_handler.values() for job, _ in its_rows]


def _save_failures(conn: Connection, worker_id: int, failed: Sequence[Failure], max_retries: int) -> int:
    """Fail what cannot succeed but for what is missing, give back what may; return how many failed for good."""
    final = [(each.job.id, each.reason) for each in failed if each.is_final(max_retries) and not each.missing]
    for each in failed:
        if not each.is_final(max_retries):
            jobs.retry_later(conn, worker_id, [each.job.id], each.reason)
    return jobs.fail(conn, worker_id, final) if final else 0

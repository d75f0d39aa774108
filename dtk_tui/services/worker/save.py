"""The last stage: results and the end of their jobs, many batches in one transaction."""

from __future__ import annotations

import queue
from typing import Any

from dtk_tui.domain.events import JobsFinished
from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.worker.batch_result import BatchResult, reason_of, save_failures, save_rows, save_texts
from dtk_tui.services.worker.handlers import JobHandler
from dtk_tui.services.worker.state import Belt

_AT_ONCE = 256


class Saver:
    """What the saving thread does.

    Args:
        max_retries: how often a job with a passing fault is tried again.
    """

    def __init__(self, belt: Belt, max_retries: int) -> None:
        self._belt = belt
        self._max_retries = max_retries

    def run(self) -> None:
        """Save until None comes."""
        belt = self._belt
        belt.be_nice()
        while True:
            done = belt.to_save.get()
            if done is None:
                belt.to_save.task_done()
                return
            batch, size, last = [done], len(done.rows), False
            while size < _AT_ONCE:
                try:
                    more = belt.to_save.get_nowait()
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
                    belt.to_save.task_done()
            if last:
                return

    def _save(self, batch: list[BatchResult]) -> None:
        """Write a batch; where PostgreSQL refuses it, one by one, so that a bad result fails alone."""
        try:
            self._write(batch)
        except DatabaseLostError:
            return  # stopping while the database is away: the lease ends, another worker does it
        except DtkError as error:
            if len(batch) == 1 and len(batch[0].rows) <= 1:
                self._refused(batch[0], error)
                return
            for done in batch:
                if done.texts or done.failed:
                    self._save([BatchResult(step=done.step, texts=done.texts, failed=done.failed)])
                for row in done.rows:
                    self._save([BatchResult(step=done.step, rows=[row])])

    def _refused(self, one: BatchResult, error: DtkError) -> None:
        for number in one.texts[0] if one.texts else ():
            self._belt.bad_texts[number] = (reason_of(error), True)
        failed = [(job, reason_of(error), True) for job, _ in one.rows]
        if failed:
            self._save([BatchResult(failed=failed)])
        else:
            self._belt.report(error)
            self._belt.land({job.id for job, _, _ in one.failed})

    def _write(self, batch: list[BatchResult]) -> None:
        belt = self._belt
        good, failed = self._sorted(batch)

        def transaction() -> tuple[list[ClaimedJob], int]:
            with belt.db.connection() as conn:
                conn.execute("SET LOCAL synchronous_commit = off")  # a job whose end a crash forgets is done again
                done = save_rows(conn, belt.worker_id(), good, lambda: save_texts(conn, batch))
                return done, save_failures(conn, belt.worker_id(), failed, self._max_retries)

        done, gone_bad = belt.persist(transaction)
        with belt.changed:
            for item in batch:
                if item.texts:
                    belt.texts.difference_update(item.texts[0])
        belt.land({job.id for _, job, _ in good} | {job.id for job, _, _ in failed})
        belt.progress.count_jobs([job.kind for job in done], gone_bad)
        if done or gone_bad:
            belt.emit(JobsFinished(len(done), gone_bad, tuple(job.image_id for job in done)))

    def _sorted(
        self, batch: list[BatchResult]
    ) -> tuple[list[tuple[JobHandler, ClaimedJob, Any]], list[tuple[ClaimedJob, str, bool]]]:
        """Return what may be written, and what fails: also images whose prompt could not be embedded."""
        good: list[tuple[JobHandler, ClaimedJob, Any]] = []
        failed = [item for done in batch for item in done.failed]
        for done in batch:
            for job, result in done.rows:
                bad = self._belt.bad_texts.get(job.prompt_id or 0) if job.kind == Kind.EMBED else None
                if bad is not None:
                    failed.append((job, *bad))
                elif done.step is not None:
                    good.append((done.step, job, result))
        return good, failed

"""What was done lately: a minute, an hour, a day at a time, from the job log."""

from __future__ import annotations

from dtk_tui.domain.queue import WorkDone
from dtk_tui.store.database import Database
from dtk_tui.store.queue import job_log


def work_done(db: Database) -> WorkDone:
    """Return what was done in the last hour and day, and on each day that the log or its sums know of."""
    with db.connection() as conn:
        return WorkDone(job_log.recent(conn, 60, 60), job_log.recent(conn, 3600, 24), job_log.days(conn))

"""What was done lately: a minute, an hour, a day at a time, from the job log; and how busy the GPUs were."""

from __future__ import annotations

from datetime import date

from dtk_tui.domain.queue import DeviceDay, WorkDone
from dtk_tui.store.database import Database
from dtk_tui.store.queue import device_days, job_log


def work_done(db: Database) -> WorkDone:
    """Return what was done in the last hour and day, and on each day that the log or its sums know of."""
    with db.connection() as conn:
        return WorkDone(
            job_log.recent(conn, 60, 60),
            job_log.recent(conn, 3600, 24),
            job_log.days(conn),
            device_days.today(conn),
            device_days.days(conn),
        )


def gpu_days(db: Database) -> tuple[list[DeviceDay], date]:
    """Return how busy each GPU was on each day, the last day first, and which day is not over."""
    with db.connection() as conn:
        return device_days.days(conn), device_days.today(conn)

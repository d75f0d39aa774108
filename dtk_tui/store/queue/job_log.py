"""The job log: who did what, when, with which model, how long it took, how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dtk_tui.domain.job import Kind
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import join_path
from dtk_tui.store.text_codec import from_db

_ENTRIES = """
SELECT log.id, log.job_id, log.image_id, folder.path, image.file_name, log.kind, log.priority, log.attempts,
       log.outcome, log.model, log.error, log.host, log.worker_id, log.queued_at, log.started_at, log.finished_at
  FROM job_log log
  LEFT JOIN image ON image.id = log.image_id
  LEFT JOIN folder ON folder.id = image.folder_id
 WHERE (%(kinds)s::smallint[] IS NULL OR log.kind = ANY (%(kinds)s))
   AND (%(outcome)s::text IS NULL OR log.outcome = %(outcome)s)
   AND (%(image)s::bigint IS NULL OR log.image_id = %(image)s)
   AND (%(worker)s::bigint IS NULL OR log.worker_id = %(worker)s)
   AND (%(host)s::text IS NULL OR log.host = %(host)s)
   AND (%(since)s::timestamptz IS NULL OR log.finished_at >= %(since)s)
 ORDER BY log.id DESC LIMIT %(limit)s
"""
_DAYS = """
SELECT day, kind, outcome, sum(jobs)::bigint FROM (
    SELECT finished_at::date AS day, kind, outcome, count(*) AS jobs FROM job_log GROUP BY 1, 2, 3
    UNION ALL
    SELECT day, kind, outcome, jobs FROM job_day
) AS both_parts
 GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3
"""
_FORGET = """
WITH gone AS (
    DELETE FROM job_log WHERE finished_at < now() - make_interval(days => %s)
    RETURNING finished_at::date AS day, kind, outcome
), kept AS (
    INSERT INTO job_day (day, kind, outcome, jobs) SELECT day, kind, outcome, count(*) FROM gone GROUP BY 1, 2, 3
        ON CONFLICT (day, kind, outcome) DO UPDATE SET jobs = job_day.jobs + excluded.jobs
)
SELECT count(*) FROM gone
"""

OUTCOMES = ("done", "failed", "removed")


@dataclass(frozen=True, slots=True)
class Entry:
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


def entries(
    conn: Connection,
    limit: int,
    *,
    kinds: Sequence[Kind] | None = None,
    outcome: str | None = None,
    image_id: int | None = None,
    worker_id: int | None = None,
    host: str | None = None,
    since: datetime | None = None,
) -> Iterator[Entry]:
    """Yield what ended, newest first; None stands for any."""
    parameters = {
        "kinds": None if kinds is None else [int(kind) for kind in kinds],
        "outcome": outcome,
        "image": image_id,
        "worker": worker_id,
        "host": host,
        "since": since,
        "limit": limit,
    }
    for v in conn.execute(_ENTRIES, parameters):
        path = None if v[3] is None else join_path(v[3], v[4])
        error = None if v[10] is None else from_db(v[10])
        yield Entry(v[0], v[1], v[2], path, Kind(v[5]), v[6], v[7], v[8], v[9], error, *v[11:])


def days(conn: Connection) -> list[Day]:
    """Return what was done each day, the last day first, also of what the log has forgotten."""
    return [Day(v[0], Kind(v[1]), v[2], v[3]) for v in conn.execute(_DAYS)]


def forget(conn: Connection, keep_days: int) -> int:
    """Forget entries older than ``keep_days``, but for how many they were; return that."""
    return int(row_of(conn, _FORGET, (keep_days,))[0])

"""The job log: who did what, when, with which model, how long it took, how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Day, LogEntry
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from, join_path
from dtk_tui.store.text_codec import from_db

if TYPE_CHECKING:
    from dtk_tui.store.library.images import Ids

_COLUMNS: LiteralString = """
SELECT log.id, log.job_id, log.image_id, folder.path, image.file_name, log.kind, log.priority, log.attempts,
       log.outcome, log.model, log.error, log.host, log.worker_id, log.queued_at, log.started_at, log.finished_at
  FROM job_log log
  LEFT JOIN image ON image.id = log.image_id
  LEFT JOIN folder ON folder.id = image.folder_id
"""
_ENTRIES = (
    _COLUMNS
    + """
 WHERE (%(kinds)s::smallint[] IS NULL OR log.kind = ANY (%(kinds)s))
   AND (%(outcome)s::text IS NULL OR log.outcome = %(outcome)s)
   AND (%(image)s::bigint IS NULL OR log.image_id = %(image)s)
   AND (%(worker)s::bigint IS NULL OR log.worker_id = %(worker)s)
   AND (%(host)s::text IS NULL OR log.host = %(host)s)
   AND (%(since)s::timestamptz IS NULL OR log.finished_at >= %(since)s)
 ORDER BY log.id DESC LIMIT %(limit)s
"""
)
_ROWS = _COLUMNS + " WHERE log.id = ANY (%s)"
_NEWEST_IDS = """
SELECT string_agg(int8send(id), ''::bytea ORDER BY id DESC) FROM (
    SELECT id FROM job_log
     WHERE (%(outcome)s::text IS NULL OR outcome = %(outcome)s) AND (%(kind)s::smallint IS NULL OR kind = %(kind)s)
     ORDER BY id DESC LIMIT %(limit)s) AS latest
"""
_DAYS = """
SELECT day, kind, outcome, sum(jobs)::bigint FROM (
    SELECT finished_at::date AS day, kind, outcome, count(*) AS jobs FROM job_log GROUP BY 1, 2, 3
    UNION ALL
    SELECT day, kind, outcome, jobs FROM job_day
) AS both_parts
 GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3
"""
_RECENT = """
SELECT floor(extract(epoch FROM now() - finished_at) / %(step)s)::integer, kind, count(*) FROM job_log
 WHERE finished_at > now() - make_interval(secs => %(span)s) AND finished_at <= now() AND outcome = 'done'
 GROUP BY 1, 2
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
) -> Iterator[LogEntry]:
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
        yield _entry(v)


def newest_ids(conn: Connection, limit: int, outcome: str | None = None, kind: Kind | None = None) -> Ids:
    """Return the ids of entries, newest first; None stands for any; int64, shape [n]."""
    return ids_from(row_of(conn, _NEWEST_IDS, {"outcome": outcome, "kind": kind, "limit": limit})[0])


def rows(conn: Connection, ids: Sequence[int]) -> list[LogEntry]:
    """Return entries by their ids, in any order; those that were forgotten are left out."""
    return [_entry(v) for v in conn.execute(_ROWS, ([int(number) for number in ids],))]


def _entry(v: tuple[Any, ...]) -> LogEntry:
    path = None if v[3] is None else join_path(v[3], v[4])
    error = None if v[10] is None else from_db(v[10])
    return LogEntry(v[0], v[1], v[2], path, Kind(v[5]), v[6], v[7], v[8], v[9], error, *v[11:])


def recent(conn: Connection, step_s: float, steps: int) -> dict[Kind, list[int]]:
    """Return how many jobs of each kind were done in each of the last ``steps`` spans of ``step_s``, newest last."""
    found: dict[Kind, list[int]] = {}
    for age, kind, number in conn.execute(_RECENT, {"step": step_s, "span": step_s * steps}):
        spans = found.setdefault(Kind(kind), [0] * steps)
        if 0 <= age < steps:
            spans[steps - 1 - age] = number
    return found


def days(conn: Connection) -> list[Day]:
    """Return what was done each day, the last day first, also of what the log has forgotten."""
    return [Day(v[0], Kind(v[1]), v[2], v[3]) for v in conn.execute(_DAYS)]


def forget(conn: Connection, keep_days: int) -> int:
    """Forget entries older than ``keep_days``, but for how many they were; return that."""
    return int(row_of(conn, _FORGET, (keep_days,))[0])

"""Runs of the queue: what one action put in, and what became of it, from its jobs and the log."""

from __future__ import annotations

from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Enqueued
from dtk_tui.domain.runs import Run, RunPart, RunReport
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db, to_db

_TITLE_LIMIT = 300
_NOTE = """
INSERT INTO work_run_kind (run_id, kind, queued, already_done, waiting, undecodable) VALUES (%s, %s, %s, %s, %s, %s)
"""
_IS_OPEN = "EXISTS (SELECT 1 FROM job WHERE job.run_id = work_run.id AND job.state <> 'failed')"
_RECENT = f"SELECT id, title, queued_at, {_IS_OPEN} FROM work_run ORDER BY id DESC LIMIT %s"  # noqa: S608 (constants)
_ONE = f"SELECT id, title, queued_at, {_IS_OPEN} FROM work_run WHERE id = %s"  # noqa: S608 (constants)
_OPEN = f"SELECT id FROM work_run WHERE {_IS_OPEN} ORDER BY id"  # noqa: S608 (constants)
# A job that failed and was done when it was tried again was done; one that waits to be tried again has not failed.
_PARTS = """
WITH ended AS (
    SELECT kind, job_id, bool_or(outcome = 'done') AS done, bool_or(outcome = 'failed') AS failed
      FROM job_log WHERE run_id = %(run)s GROUP BY kind, job_id
), settled AS (
    SELECT kind, count(*) FILTER (WHERE done) AS done,
           count(*) FILTER (WHERE NOT done AND failed AND NOT EXISTS (
               SELECT 1 FROM job WHERE job.id = ended.job_id AND job.run_id = %(run)s AND job.state <> 'failed'
           )) AS failed,
           count(*) FILTER (WHERE NOT done AND NOT failed) AS removed
      FROM ended GROUP BY kind
), remaining AS (
    SELECT kind, count(*) AS number, max(id) AS last FROM job
     WHERE run_id = %(run)s AND state <> 'failed' GROUP BY kind
)
SELECT part.kind, part.queued, part.already_done, part.waiting, part.undecodable,
       coalesce(settled.done, 0), coalesce(settled.failed, 0), coalesce(settled.removed, 0),
       coalesce(remaining.number, 0),
       CASE WHEN remaining.number > 0 THEN (
           SELECT count(*) FROM job
            WHERE job.state = 'pending' AND job.kind = part.kind
              AND (-job.priority, job.kind, job.id) <= (-work_run.priority, part.kind, remaining.last)) END
  FROM work_run_kind AS part
  JOIN work_run ON work_run.id = part.run_id
  LEFT JOIN settled USING (kind)
  LEFT JOIN remaining USING (kind)
 WHERE part.run_id = %(run)s ORDER BY part.kind
"""
_SECONDS = """
SELECT extract(epoch FROM CASE WHEN %(is_open)s THEN clock_timestamp() ELSE max(finished_at) END - min(started_at))
  FROM (SELECT started_at, finished_at FROM job_log WHERE run_id = %(run)s AND outcome <> 'removed'
        UNION ALL SELECT begun_at, NULL FROM work_run WHERE id = %(run)s
        UNION ALL SELECT started_at, NULL FROM job WHERE run_id = %(run)s AND state = 'running') AS work
"""
_FAILURES = """
SELECT coalesce(error, ''), count(*) FROM job WHERE run_id = %s AND state = 'failed'
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5
"""
_DROP_EMPTY = """
DELETE FROM work_run
 WHERE id = %s AND NOT EXISTS (SELECT 1 FROM work_run_kind WHERE run_id = %s AND queued > 0)
"""
_FORGET = f"""
DELETE FROM work_run WHERE queued_at < now() - make_interval(days => %s) AND NOT {_IS_OPEN}
"""  # noqa: S608 (constants)


def begin(conn: Connection, title: str, priority: int) -> int:
    """Enter a run; return its id.

    Args:
        title: what it is for, in a person's words.
    """
    sql = "INSERT INTO work_run (title, priority) VALUES (%s, %s) RETURNING id"
    return int(row_of(conn, sql, (to_db(title[:_TITLE_LIMIT]), priority))[0])


def note(conn: Connection, run_id: int, kind: Kind, done: Enqueued, adopted: int) -> None:
    """Note what enqueueing said of one kind of work.

    Args:
        adopted: how many of those that were waiting are of this run now.
    """
    waiting = max(0, done.waiting - adopted)
    conn.execute(_NOTE, (run_id, kind, done.queued + adopted, done.already_done, waiting, done.undecodable))


def drop_empty(conn: Connection, run_id: int) -> bool:
    """Take a run back for which nothing was queued; say whether that was so."""
    return conn.execute(_DROP_EMPTY, (run_id, run_id)).rowcount == 1


def recent(conn: Connection, limit: int) -> list[Run]:
    """Return runs, the newest first."""
    return [Run(v[0], from_db(v[1]), v[2], v[3]) for v in conn.execute(_RECENT, (limit,))]


def open_ids(conn: Connection) -> list[int]:
    """Return the ids of the runs of which something waits or runs."""
    return [int(number) for (number,) in conn.execute(_OPEN)]


def report(conn: Connection, run_id: int) -> tuple[RunReport, dict[Kind, int]] | None:
    """Return a run without rates and times, and how many jobs of each kind wait before its last one and with it.

    None when there is no such run.
    """
    row = conn.execute(_ONE, (run_id,)).fetchone()
    if row is None:
        return None
    run = Run(row[0], from_db(row[1]), row[2], row[3])
    parts: list[RunPart] = []
    ahead: dict[Kind, int] = {}
    for kind, *numbers, before in conn.execute(_PARTS, {"run": run_id}):
        parts.append(RunPart(Kind(kind), *numbers))
        if before is not None:
            ahead[Kind(kind)] = max(before, parts[-1].left)
    (seconds,) = row_of(conn, _SECONDS, {"run": run_id, "is_open": run.is_open})
    failures = tuple((from_db(error), number) for error, number in conn.execute(_FAILURES, (run_id,)))
    return RunReport(run, tuple(parts), None if seconds is None else float(seconds), failures), ahead


def forget(conn: Connection, keep_days: int) -> None:
    """Forget runs that are over and older than ``keep_days``: so does the log, from which they are read."""
    conn.execute(_FORGET, (keep_days,))

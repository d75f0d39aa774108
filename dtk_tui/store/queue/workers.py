"""Registered workers: leases and heartbeats, the state that is desired of them, and how fast they were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import WorkerInfo, WorkerStats
from dtk_tui.store.database import Connection, row_of

#: Channel on which workers hear of a new desired state.
CHANNEL = "dtk_control"

#: A job is set aside after so many deaths: one in company, the others while a worker did nothing but this job.
DEADLY = 4

_REGISTER = """
INSERT INTO worker (host, pid, state, lease_until, wish, wish_at)
SELECT %(host)s, %(pid)s, %(state)s, clock_timestamp() + make_interval(secs => %(lease_s)s),
       CASE WHEN since >= changed_at THEN %(wish)s::text END, CASE WHEN since >= changed_at THEN since END
  FROM (SELECT changed_at, CASE WHEN %(wish)s::text IS NOT NULL THEN coalesce(%(since)s, changed_at) END AS since
          FROM worker_control) AS asked
RETURNING id
"""
_HEARTBEAT = """
UPDATE worker SET heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => %s),
                  state = %s, devices = %s, stats = %s
 WHERE id = %s
"""
# All that a dead worker held is suspected, and tried alone from then on; only what died alone is blamed in the end, and
# stands for no group any more.
# Whoever renews a lease now, or ends a job, is left alone: two that had lapsed would wait for each other. What is
# passed over here is found by the next one.
_REAP = """
WITH dead AS (
    DELETE FROM worker
     WHERE id = ANY (ARRAY(SELECT id FROM worker WHERE lease_until < clock_timestamp() FOR UPDATE SKIP LOCKED))
    RETURNING id
), orphaned AS (
    UPDATE job SET worker_id = NULL, begun_at = NULL,
           deaths = CASE WHEN begun_at IS NULL THEN greatest(deaths, 1) ELSE deaths + 1 END,
           state = CASE WHEN begun_at IS NOT NULL AND deaths + 1 >= %(deadly)s THEN 'failed' ELSE 'pending' END,
           error = CASE WHEN begun_at IS NOT NULL AND deaths + 1 >= %(deadly)s
                        THEN 'The worker died each time it worked on this image alone.' END
     WHERE id = ANY (ARRAY(
           SELECT id FROM job
            WHERE state = 'running' AND (worker_id IN (SELECT id FROM dead)
                                         OR NOT EXISTS (SELECT 1 FROM worker WHERE worker.id = job.worker_id))
              FOR UPDATE SKIP LOCKED))
    RETURNING id, image_id, kind, priority, attempts, queued_at, started_at, state, error, run_id
), logged AS (
    INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, error, queued_at, started_at, run_id)
    SELECT id, image_id, kind, priority, attempts, 'failed', error, queued_at, started_at, run_id
      FROM orphaned WHERE state = 'failed'
), unfit AS (
    INSERT INTO image_hash (image_id, is_decodable, fingerprint)
    SELECT DISTINCT image.id, false, coalesce(image.fingerprint, ''::bytea)
      FROM orphaned JOIN image ON image.id = orphaned.image_id WHERE orphaned.state = 'failed' ORDER BY image.id
        ON CONFLICT (image_id) DO UPDATE
       SET is_decodable = false, bits = NULL, is_compared = false, fingerprint = excluded.fingerprint
)
SELECT count(*) FROM orphaned
"""
_ALL = """
SELECT id, host, pid, state, heartbeat_at, lease_until >= clock_timestamp(), devices, stats, wish,
       state = 'running' AND clock_timestamp() > heartbeat_at + (lease_until - heartbeat_at) / 4
  FROM worker ORDER BY id
"""
_DONE_BY_ANY = "SELECT EXISTS (SELECT 1 FROM worker WHERE lease_until >= clock_timestamp() AND stats->'kinds' ? %s)"
_REMEMBER_PACE = """
INSERT INTO pace (host, kind, model, jobs_per_s) VALUES (%s, %s, %s, %s)
    ON CONFLICT (host, kind, model) DO UPDATE SET jobs_per_s = excluded.jobs_per_s, measured_at = clock_timestamp()
"""
_PACES = """
SELECT DISTINCT ON (kind) kind, jobs_per_s FROM pace
 WHERE (%(model)s::text[] IS NULL OR (kind, model) IN (SELECT * FROM unnest(%(kind)s::smallint[], %(model)s::text[])))
 ORDER BY kind, host = %(host)s DESC, measured_at DESC
"""
_DESIRED = """
SELECT coalesce(worker.wish, desired_state), coalesce(worker.wish_at, changed_at), worker.wish IS NOT NULL,
       worker.id IS NOT NULL
  FROM worker_control LEFT JOIN worker ON worker.id = %s
"""


#: What is asked of one worker alone, and since when; None since it began.
OwnWish = tuple[WorkerState, datetime | None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of one worker.

    Attributes:
        is_own: it is asked of this worker alone.
        is_known: the worker stands in the list.
    """

    state: WorkerState
    since: datetime
    is_own: bool
    is_known: bool


def register(
    conn: Connection, host: str, pid: int, state: WorkerState, lease_s: float, wish: OwnWish | None = None
) -> int:
    """Enter a worker with a first lease and return its id.

    Args:
        wish: what is asked of it alone, unless something was asked of all since.
    """
    values = {"host": host, "pid": pid, "state": state, "lease_s": lease_s}
    state_asked, since = wish or (None, None)
    return int(row_of(conn, _REGISTER, values | {"wish": state_asked, "since": since})[0])


def heartbeat(
    conn: Connection,
    worker_id: int,
    *,
    lease_s: float,
    state: WorkerState,
    devices: Sequence[dict[str, object]],
    stats: WorkerStats,
) -> bool:
    """Renew the lease of a worker and of all its jobs; False when it had lapsed and the jobs were given to others."""
    values = (lease_s, state, json.dumps(list(devices)), json.dumps(stats.to_json()), worker_id)
    return conn.execute(_HEARTBEAT, values).rowcount == 1


def reap(conn: Connection) -> int:
    """Return the jobs of workers whose lease has lapsed to the queue; return how many."""
    return int(row_of(conn, _REAP, {"deadly": DEADLY})[0])


def unregister(conn: Connection, worker_id: int) -> None:
    """Take a worker that gave all its jobs back off the list."""
    conn.execute("DELETE FROM worker WHERE id = %s", (worker_id,))


def forget_all(conn: Connection) -> None:
    """Take every worker off the list and give what they held back to the queue, as if they had done so."""
    conn.execute("UPDATE job SET state = 'pending', worker_id = NULL, begun_at = NULL WHERE state = 'running'")
    conn.execute("DELETE FROM worker")


def all_workers(conn: Connection) -> tuple[WorkerInfo, ...]:
    """Return every worker as it last reported."""
    return tuple(
        WorkerInfo(
            *(v[0], v[1], v[2], WorkerState(v[3]), v[4], v[5], tuple(v[6]), WorkerStats.from_json(v[7])),
            wish=None if v[8] is None else WorkerState(v[8]),
            is_silent=v[9],
        )
        for v in conn.execute(_ALL)
    )


def get_desired_state(conn: Connection) -> WorkerState:
    """Return the state that is desired of all workers."""
    return WorkerState(row_of(conn, _DESIRED, (None,))[0])


def get_wish(conn: Connection, worker_id: int) -> Wish:
    """Return what is asked of a worker now."""
    state, since, is_own, is_known = row_of(conn, _DESIRED, (worker_id,))
    return Wish(WorkerState(state), since, is_own, is_known)


def is_done_by_any(conn: Connection, kind: Kind) -> bool:
    """Say whether a worker that is alive has models for a kind of work."""
    return bool(row_of(conn, _DONE_BY_ANY, (kind.label,))[0])


def set_desired_state(conn: Connection, state: WorkerState, worker_id: int | None = None) -> int:
    """Write the state desired of one worker, or of all; return how many are connected and hear of it on commit."""
    if worker_id is None:
        conn.execute("UPDATE worker_control SET desired_state = %s, changed_at = clock_timestamp()", (state,))
        number = conn.execute("UPDATE worker SET wish = NULL, wish_at = NULL").rowcount
    else:
        sql = "UPDATE worker SET wish = %s, wish_at = clock_timestamp() WHERE id = %s"
        number = conn.execute(sql, (state, worker_id)).rowcount
    conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, state))
    return number


def remember_pace(conn: Connection, host: str, model_of: Mapping[Kind, str], pace: Mapping[str, float]) -> None:
    """Keep how many jobs a second this host's worker does of each kind, with which model."""
    rows = [(host, kind, model, pace[kind.label]) for kind, model in model_of.items() if kind.label in pace]
    with conn.cursor() as cursor:
        cursor.executemany(_REMEMBER_PACE, rows)


def remembered_pace(conn: Connection, host: str, model_of: Mapping[Kind, str] | None = None) -> dict[str, float]:
    """Return jobs per second by the kind's word from earlier runs, of this host's if there are any, else of others'.

    Args:
        model_of: only with these models; None takes the latest, whatever the model.
    """
    parameters = {
        "host": host,
        "kind": None if model_of is None else [int(kind) for kind in model_of],
        "model": None if model_of is None else list(model_of.values()),
    }
    return {Kind(kind).label: float(rate) for kind, rate in conn.execute(_PACES, parameters)}

"""Workers: who they are, what they do, and what is wished of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import WorkerInfo
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.jobs import DEADLY

#: Channel on which workers hear of a new wish.
CHANNEL = "dtk_control"

_REGISTER = """
INSERT INTO worker (host, pid, state, lease_until)
VALUES (%s, %s, %s, clock_timestamp() + make_interval(secs => %s)) RETURNING id
"""
_HEARTBEAT = """
UPDATE worker SET heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => %s),
                  state = %s, devices = %s, stats = %s
 WHERE id = %s
"""
# What was claimed only waits again; what may have killed the worker is tried alone, and set aside in the end.
_REAP = """
WITH dead AS (
    DELETE FROM worker WHERE lease_until < clock_timestamp() RETURNING id
), orphaned AS (
    UPDATE job SET worker_id = NULL, deaths = deaths + 1,
           state = CASE WHEN deaths + 1 >= %(deadly)s THEN 'failed' ELSE 'pending' END,
           error = CASE WHEN deaths + 1 >= %(deadly)s THEN 'The worker died each time it worked on this image.' END
     WHERE state = 'running' AND (worker_id IN (SELECT id FROM dead)
                                  OR NOT EXISTS (SELECT 1 FROM worker WHERE worker.id = job.worker_id))
    RETURNING 1
)
SELECT count(*) FROM orphaned
"""
_ALL = """
SELECT id, host, pid, state, heartbeat_at, lease_until >= clock_timestamp(), devices, stats
  FROM worker ORDER BY id
"""


def register(conn: Connection, host: str, pid: int, state: WorkerState, lease_s: float) -> int:
    """Enter a worker with a first lease and return its id."""
    return int(row_of(conn, _REGISTER, (host, pid, state, lease_s))[0])


def heartbeat(
    conn: Connection,
    worker_id: int,
    *,
    lease_s: float,
    state: WorkerState,
    devices: Sequence[dict[str, object]],
    stats: dict[str, Any],
) -> bool:
    """Renew the lease of a worker and of all its jobs; False when it had lapsed and the jobs were given to others."""
    values = (lease_s, state, json.dumps(list(devices)), json.dumps(stats), worker_id)
    return conn.execute(_HEARTBEAT, values).rowcount == 1


def reap(conn: Connection) -> int:
    """Return the jobs of workers whose lease has lapsed to the queue; return how many."""
    return int(row_of(conn, _REAP, {"deadly": DEADLY})[0])


def leave(conn: Connection, worker_id: int) -> None:
    """Take a worker that gave all its jobs back off the list."""
    conn.execute("DELETE FROM worker WHERE id = %s", (worker_id,))


def all_workers(conn: Connection) -> tuple[WorkerInfo, ...]:
    """Return every worker as it last reported."""
    return tuple(
        WorkerInfo(v[0], v[1], v[2], WorkerState(v[3]), v[4], v[5], tuple(v[6]), v[7]) for v in conn.execute(_ALL)
    )


def wished(conn: Connection) -> tuple[WorkerState, datetime]:
    """Return the state that is wished of all workers, and since when."""
    state, changed_at = row_of(conn, "SELECT desired_state, changed_at FROM worker_control")
    return WorkerState(state), changed_at


def wish(conn: Connection, state: WorkerState) -> None:
    """Write the wish for all workers; each hears of it when this transaction commits."""
    conn.execute("UPDATE worker_control SET desired_state = %s, changed_at = clock_timestamp()", (state,))
    conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, state))

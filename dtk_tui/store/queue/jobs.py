"""Jobs of the durable queue: ended with their results, given back, counted and listed.

A job's lease ends with its worker's (``worker.lease_until``), so that one heartbeat renews all that a worker holds.
Finished jobs leave the table and are written to ``job_log`` in the transaction of their results.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, LiteralString

from dtk_tui.domain.job import NORMAL, ClaimedJob, JobState, Kind
from dtk_tui.domain.queue import JobRow
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from, join_path
from dtk_tui.store.queue.claims import ELSEWHERE
from dtk_tui.store.text_codec import from_db, to_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Channel on which workers hear that there is something new to claim.
CHANNEL = "dtk_queue"

_FINISH = """
WITH ended AS (
    DELETE FROM job WHERE id = ANY (%(ids)s) AND worker_id = %(worker)s
    RETURNING id, image_id, kind, priority, attempts, queued_at, started_at, run_id
)
INSERT INTO job_log (job_id, image_id, worker_id, host, kind, priority, attempts, outcome, model, queued_at, started_at,
                     run_id)
SELECT id, image_id, %(worker)s, (SELECT host FROM worker WHERE id = %(worker)s), kind, priority, attempts, 'done',
       %(model)s, queued_at, started_at, run_id
  FROM ended
"""

# Images before jobs, as a delete does it: two that wait for each other would cost one of them its transaction.
# A scan that finds another content holds its image, too: it withdraws what was saved before, and is seen by what comes
# after.
_HOLD_IMAGES = "SELECT id, coalesce(fingerprint, '') FROM image WHERE id = ANY (%s) ORDER BY id FOR SHARE"
_OWNED = "SELECT id FROM job WHERE id = ANY (%s) AND worker_id = %s ORDER BY id FOR UPDATE"

_FAIL = """
WITH ended AS (
    UPDATE job SET state = 'failed', worker_id = NULL, begun_at = NULL, error = why.error, attempts = attempts + 1,
                   missing = %(missing)s
      FROM unnest(%(ids)s::bigint[], %(errors)s::text[]) AS why (id, error)
     WHERE job.id = why.id AND worker_id = %(worker)s
    RETURNING job.id, image_id, kind, priority, attempts, queued_at, started_at, run_id, job.error
)
INSERT INTO job_log (job_id, image_id, worker_id, host, kind, priority, attempts, outcome, error, queued_at, started_at,
                     run_id)
SELECT id, image_id, %(worker)s, (SELECT host FROM worker WHERE id = %(worker)s), kind, priority, attempts, 'failed',
       error, queued_at, started_at, run_id
  FROM ended
"""

# Growing pauses between the tries of a passing fault: 5 s, 20 s, 80 s, ... an hour.
_RETRY_LATER = """
UPDATE job SET state = 'pending', worker_id = NULL, begun_at = NULL, error = %(error)s, attempts = attempts + 1,
               run_after = clock_timestamp() + interval '5 seconds' * least(power(4, least(attempts, 8)), 720)
 WHERE id = ANY (%(ids)s) AND worker_id = %(worker)s
"""

_RELEASE = """
UPDATE job SET state = 'pending', worker_id = NULL, begun_at = NULL
 WHERE worker_id = %s AND state = 'running' AND id <> ALL (%s::bigint[])
"""

_GIVE_BACK = """
UPDATE job SET state = 'pending', worker_id = NULL, begun_at = NULL WHERE id = ANY (%s) AND worker_id = %s
"""
_SUSPECT = """
UPDATE job SET state = 'pending', worker_id = NULL, begun_at = NULL, deaths = greatest(deaths, 1)
 WHERE id = ANY (%s) AND worker_id = %s
"""

# Durable before the work begins: the one statement of the engine that a crash must not forget.
_BEGIN = "UPDATE job SET begun_at = clock_timestamp() WHERE id = %s AND worker_id = %s"

# In two parts: each has an index of its own, that of what waits in the order of the claim.
_IS_LEFT: LiteralString = """
SELECT EXISTS (SELECT 1 FROM job WHERE state = 'pending' AND kind = %(kind)s{elsewhere})
    OR EXISTS (SELECT 1 FROM job WHERE state = 'running' AND kind = %(kind)s)
"""

_PAGE = """
SELECT string_agg(int8send(id), ''::bytea
                  ORDER BY array_position(ARRAY['running', 'pending', 'failed'], state), -priority, kind, id)
  FROM job
 WHERE (%(state)s::text IS NULL OR state = %(state)s) AND (%(kind)s::smallint IS NULL OR kind = %(kind)s)
"""
_ROWS = """
SELECT job.id, job.kind, job.image_id, folder.path, image.file_name, job.priority, job.state, job.attempts, job.error,
       job.queued_at
  FROM job JOIN image ON image.id = job.image_id JOIN folder ON folder.id = image.folder_id
 WHERE job.id = ANY (%s)
"""

_OF_IMAGE = "SELECT id FROM job WHERE image_id = %s ORDER BY kind"

_RETRY = """
UPDATE job SET state = 'pending', attempts = 0, deaths = 0, error = NULL, missing = false, run_after = '-infinity'
 WHERE state = 'failed' AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
"""
_REMOVE = """
WITH ended AS (
    DELETE FROM job
     WHERE state <> 'running'
       AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
       AND (%(kind)s::smallint IS NULL OR kind = %(kind)s)
       AND (%(state)s::text IS NULL OR state = %(state)s)
    RETURNING id, image_id, kind, priority, attempts, queued_at, error, run_id
), logged AS (
    INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at, error, run_id)
    SELECT id, image_id, kind, priority, attempts, 'removed', queued_at, error, run_id FROM ended RETURNING 1
)
SELECT count(*) FROM logged
"""
_SET_PRIORITY = """
UPDATE job SET priority = %(priority)s
 WHERE state <> 'running' AND priority <> %(priority)s
   AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
   AND (%(kind)s::smallint IS NULL OR kind = %(kind)s)
   AND (%(state)s::text IS NULL OR state = %(state)s)
"""


def begin_suspect(conn: Connection, worker_id: int, job_id: int) -> None:
    """Note that one suspect alone is worked on now, so that it can be blamed if the worker dies of it."""
    conn.execute(_BEGIN, (job_id, worker_id))


def still_owned(
    conn: Connection, worker_id: int, claimed: Sequence[ClaimedJob], image_ids: Collection[int]
) -> tuple[set[int], list[int]]:
    """Return which jobs are still under this worker's lease; they and their images stay till the transaction ends.

    Args:
        claimed: jobs whose results are to be written.
        image_ids: of all images that something is written of.

    Returns:
        Ids of the jobs that may be ended; and of those whose images have another content than when they were claimed.
    """
    contents = {number: bytes(mark) for number, mark in conn.execute(_HOLD_IMAGES, (sorted(image_ids),))}
    ours = {number for (number,) in conn.execute(_OWNED, ([job.id for job in claimed], worker_id))}
    changed = {job.id for job in claimed if contents.get(job.image_id) != job.fingerprint}
    return ours - changed, sorted(ours & changed)


def finish(conn: Connection, worker_id: int, ids: Sequence[int], model: str) -> int:
    """End jobs whose results were written in this transaction; return how many ended."""
    return conn.execute(_FINISH, {"ids": list(ids), "worker": worker_id, "model": model}).rowcount


def fail(conn: Connection, worker_id: int, reasons: Sequence[tuple[int, str]], *, missing: bool = False) -> int:
    """Fail jobs for good, each with its reason; they stay in the queue as failed until a person retries them.

    Args:
        missing: their files are not where they were: a scan that finds them lets the jobs wait again.
    """
    ids, errors = [job for job, _ in reasons], [to_db(reason)[:2000] for _, reason in reasons]
    return conn.execute(_FAIL, {"ids": ids, "errors": errors, "worker": worker_id, "missing": missing}).rowcount


def give_back(conn: Connection, worker_id: int, ids: Sequence[int]) -> int:
    """Let claimed jobs wait again as if they had not been claimed; return how many."""
    return conn.execute(_GIVE_BACK, (list(ids), worker_id)).rowcount


def suspect(conn: Connection, worker_id: int, ids: Sequence[int]) -> int:
    """Let claimed jobs wait again, each to be tried alone from then on; return how many."""
    return conn.execute(_SUSPECT, (list(ids), worker_id)).rowcount


def retry_later(conn: Connection, worker_id: int, ids: Sequence[int], reason: str) -> int:
    """Give jobs back after a passing fault, to be tried after a pause that grows with each try."""
    parameters = {"ids": list(ids), "error": to_db(reason)[:2000], "worker": worker_id}
    return conn.execute(_RETRY_LATER, parameters).rowcount


def release(conn: Connection, worker_id: int, keep: Collection[int] = ()) -> int:
    """Give back what a worker holds, but the jobs in ``keep``, as if it had never been claimed; return how many."""
    return conn.execute(_RELEASE, (worker_id, list(keep))).rowcount


def is_left(conn: Connection, kind: Kind, without: Sequence[int] = ()) -> bool:
    """Say whether a job of that kind waits or runs.

    Args:
        without: ids of folders whose images do not count.
    """
    sql = _IS_LEFT.replace("{elsewhere}", ELSEWHERE if without else "")
    return bool(row_of(conn, sql, {"kind": kind, "without": list(without)})[0])


def page_ids(conn: Connection, state: JobState | None = None, kind: Kind | None = None) -> npt.NDArray[np.int64]:
    """Return the ids of the jobs: running, then pending in the order of the claim, then failed; int64, shape [n]."""
    return ids_from(row_of(conn, _PAGE, {"state": state, "kind": kind})[0])


def rows(conn: Connection, ids: Sequence[int]) -> list[JobRow]:
    """Return queue table lines in the order of ``ids``; jobs that ended meanwhile are left out."""
    found = {
        v[0]: JobRow(
            id=v[0],
            kind=Kind(v[1]),
            image_id=v[2],
            path=join_path(v[3], v[4]),
            priority=v[5],
            state=JobState(v[6]),
            attempts=v[7],
            error=None if v[8] is None else from_db(v[8]),
            queued_at=v[9],
        )
        for v in conn.execute(_ROWS, ([int(number) for number in ids],))
    }
    return [found[int(number)] for number in ids if int(number) in found]


def of_image(conn: Connection, image_id: int) -> list[JobRow]:
    """Return the jobs of one image that are in the queue."""
    return rows(conn, [number for (number,) in conn.execute(_OF_IMAGE, (image_id,))])


def wake_workers(conn: Connection) -> None:
    """Tell every worker, when this transaction commits, that there is something new to claim."""
    conn.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def retry(conn: Connection, ids: Sequence[int] | None = None) -> int:
    """Make failed jobs wait again; None takes all of them. Return how many."""
    number = conn.execute(_RETRY, {"ids": None if ids is None else Bigints(ids)}).rowcount
    wake_workers(conn)
    return number


def remove(
    conn: Connection, ids: Sequence[int] | None = None, kind: Kind | None = None, state: JobState | None = None
) -> int:
    """Take jobs out of the queue, but none that runs; return how many."""
    parameters = {"ids": None if ids is None else Bigints(ids), "kind": kind, "state": state}
    number = int(row_of(conn, _REMOVE, parameters)[0])
    if number:
        wake_workers(conn)  # captions that waited for tags need not any more
    return number


def set_priority(
    conn: Connection,
    ids: Sequence[int] | None = None,
    priority: int = NORMAL,
    kind: Kind | None = None,
    state: JobState | None = None,
) -> int:
    """Change the priority of jobs that do not run; None stands for any; return how many changed."""
    parameters = {
        "ids": None if ids is None else Bigints(ids),
        "kind": kind,
        "state": state,
        "priority": priority,
    }
    number = conn.execute(_SET_PRIORITY, parameters).rowcount
    wake_workers(conn)
    return number

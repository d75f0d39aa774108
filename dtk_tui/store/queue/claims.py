"""Claiming jobs: the most urgent ones, under a worker's lease, from where the last claim ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from dtk_tui.domain.job import NORMAL, ClaimedJob, Kind
from dtk_tui.store.database import Connection
from dtk_tui.store.library.images import join_path

#: What a statement that claims gives back of its jobs, for ``claimed_job``; it notes which runs have begun with them.
CLAIMED: LiteralString = """
    RETURNING id, kind, image_id, priority, attempts, deaths, run_id
), begun AS (
    UPDATE work_run SET begun_at = clock_timestamp()
     WHERE id IN (SELECT id FROM work_run WHERE begun_at IS NULL AND id IN (SELECT run_id FROM claimed)
                     FOR NO KEY UPDATE SKIP LOCKED)
)
SELECT claimed.id, claimed.kind, claimed.image_id, claimed.priority, claimed.attempts, claimed.deaths,
       folder.path, image.file_name, image.prompt_id, coalesce(image.fingerprint, ''::bytea),
       (SELECT set_config('synchronous_commit', 'off', true))
  FROM claimed
  JOIN image ON image.id = claimed.image_id
  JOIN folder ON folder.id = image.folder_id
 ORDER BY -claimed.priority, claimed.kind, claimed.id
"""
# A claim that a crash forgets is only a job to claim again. Said in the same statement: each way to the server and back
# is a chance to wait for a processor.
_CLAIM_WHERE: LiteralString = (
    """
WITH claimed AS (
    UPDATE job SET state = 'running', worker_id = %(worker)s, started_at = clock_timestamp()
     WHERE id = ANY (ARRAY(
        SELECT id FROM job
         WHERE state = 'pending' AND (-priority, kind, id) > (%(rank)s, %(after_kind)s, %(after_id)s)
           AND kind = ANY (%(kinds)s) AND priority >= %(least)s AND run_after <= now(){elsewhere}{tagged}
         ORDER BY (-priority), kind, id
         LIMIT %(count)s FOR UPDATE SKIP LOCKED))"""  # noqa: S608 (constants)
    + CLAIMED
)
# A subquery for each row keeps the walk along the index, which ends as soon as enough is found.
ELSEWHERE: LiteralString = """
           AND (SELECT folder_id FROM image WHERE image.id = job.image_id) <> ALL (%(without)s::bigint[])"""
# As many captions may wait for their tags as there are images: a claim looks at a bounded number of them. What is more
# urgent than its tags does not wait for them.
_TAGGED: LiteralString = """
           AND (-priority, kind, id) <= (%(until_rank)s, %(until_kind)s, %(until_id)s)
           AND (kind <> 3 OR (SELECT tagging.id FROM job AS tagging
                               WHERE tagging.image_id = job.image_id AND tagging.kind = 1
                                 AND tagging.state <> 'failed' AND tagging.priority >= job.priority) IS NULL)"""
_NEXT = """
SELECT -priority, kind, id FROM job
 WHERE state = 'pending' AND (-priority, kind, id) > (%(rank)s, %(after_kind)s, %(after_id)s)
   AND kind = ANY (%(kinds)s) AND priority >= %(least)s
 ORDER BY (-priority), kind, id LIMIT 1
"""

#: How many ids, from the first that waits, one claim looks at for captions whose images are not to be tagged.
_WINDOW = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the last claim ended in the order of the queue: the next one need not walk over what was claimed."""

    rank: int = -32768
    kind: int = 0
    id: int = 0


FIRST = Place()


def before(kind: Kind) -> Place:
    """Return the place just before the first job of a kind at normal priority."""
    return Place(-NORMAL, int(kind), 0)


def claim(
    conn: Connection,
    worker_id: int,
    kinds: Sequence[Kind],
    count: int,
    *,
    after: Place = FIRST,
    least: int = -32768,
    without: Sequence[int] = (),
    tagged: bool = False,
) -> tuple[list[ClaimedJob], Place]:
    """Take up to ``count`` pending jobs, most urgent first, under this worker's lease; also return where that ended.

    Args:
        after: claim behind this place only. Begin at ``FIRST`` again when urgent work comes or nothing is found.
        least: only jobs of at least this priority.
        without: ids of folders whose images are passed over.
        tagged: pass over captions of images that are still to be tagged. Such a claim may find nothing and end at
            another place than ``after``: there may be more behind that.
    """
    parameters: dict[str, Any] = {
        "worker": worker_id,
        "kinds": [int(kind) for kind in kinds],
        "count": count,
        "rank": after.rank,
        "after_kind": after.kind,
        "after_id": after.id,
        "least": least,
        "without": list(without),
    }
    end = after
    if tagged:
        first = conn.execute(_NEXT, parameters).fetchone()
        if first is None:
            return [], after
        end = Place(first[0], first[1], first[2] + _WINDOW)
        parameters |= {"until_rank": end.rank, "until_kind": end.kind, "until_id": end.id}
    sql = _statement(elsewhere=bool(without), tagged=tagged)
    jobs = [claimed_job(v) for v in conn.execute(sql, parameters)]
    if jobs and not (tagged and len(jobs) < count):
        end = Place(-jobs[-1].priority, int(jobs[-1].kind), jobs[-1].id)
    return jobs, end


def claimed_job(v: Sequence[Any]) -> ClaimedJob:
    """Return the job of a row of ``CLAIMED``."""
    return ClaimedJob(v[0], Kind(v[1]), v[2], v[3], v[4], join_path(v[6], v[7]), v[8], v[5] > 0, bytes(v[9]))


def _statement(*, elsewhere: bool = False, tagged: bool = False) -> LiteralString:
    sql = _CLAIM_WHERE.replace("{elsewhere}", ELSEWHERE if elsewhere else "")
    return sql.replace("{tagged}", _TAGGED if tagged else "")

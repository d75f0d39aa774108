"""Jobs that one decoding serves: claimed beside those of the same images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from dtk_tui.domain.job import ClaimedJob, JobState, Kind
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.queue.claims import CLAIMED, claimed_job

# Of the same urgency only: what is hurried waits for nothing else, and what is not hurried overtakes nobody.
_CLAIM: LiteralString = (
    """
WITH claimed AS (
    UPDATE job SET state = 'running', worker_id = %(worker)s, started_at = clock_timestamp()
     WHERE id = ANY (ARRAY(
        SELECT job.id
          FROM unnest(%(images)s::bigint[], %(priorities)s::smallint[]) AS mate (image_id, priority)
          JOIN job ON job.image_id = mate.image_id AND job.priority = mate.priority
         WHERE job.state = 'pending' AND job.kind = ANY (%(kinds)s) AND job.deaths = 0 AND job.run_after <= now()
           FOR UPDATE OF job SKIP LOCKED))"""  # noqa: S608 (constants)
    + CLAIMED
)
_ALONE = """
SELECT count(*) FROM job
 WHERE state = 'pending' AND kind = %(kind)s
   AND NOT EXISTS (SELECT 1 FROM job mate
                    WHERE mate.image_id = job.image_id AND mate.kind = ANY (%(mates)s) AND mate.state = %(state)s)
"""


def claim_beside(
    conn: Connection, worker_id: int, claimed: Sequence[ClaimedJob], kinds: Sequence[Kind]
) -> list[ClaimedJob]:
    """Take pending jobs of other kinds that are of the same images as some that were just claimed.

    Args:
        claimed: none of them a suspect, which is worked on alone; neither is one that comes beside them.
        kinds: which kinds to take.
    """
    parameters = {
        "worker": worker_id,
        "images": [job.image_id for job in claimed],
        "priorities": [job.priority for job in claimed],
        "kinds": [int(kind) for kind in kinds],
    }
    return [claimed_job(v) for v in conn.execute(_CLAIM, parameters)]


def count_alone(conn: Connection, kind: Kind, mates: Sequence[Kind]) -> int:
    """Return how many pending jobs of a kind have none beside them of certain other kinds."""
    parameters = {"kind": int(kind), "mates": [int(mate) for mate in mates], "state": JobState.PENDING.value}
    return int(row_of(conn, _ALONE, parameters)[0])

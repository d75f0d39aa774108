"""How much there is in the queue, for those who only watch it: nothing else is loaded for that."""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.domain.job import JobState, Kind
from dtk_tui.domain.stats import QueueCounts
from dtk_tui.store.database import Connection, row_of

_COUNTS = """
SELECT kind, state, priority > 0, count(*) FROM job GROUP BY 1, 2, 3
"""
_HELD = "SELECT worker_id, kind, count(*) FROM job WHERE state = 'running' AND worker_id = ANY (%s) GROUP BY 1, 2"

_FEW = 20_000
_PROMPTS_OF_JOBS = """
SELECT count(*) FROM (
    SELECT DISTINCT image.prompt_id FROM job JOIN image ON image.id = job.image_id
     WHERE job.kind = 2 AND job.state <> 'failed' AND image.prompt_id IS NOT NULL) AS wanted
 WHERE EXISTS (
    SELECT FROM embedding_space space
     WHERE modality = 'text' AND in_use
       AND NOT EXISTS (SELECT FROM prompt_vector
                        WHERE space_id = space.id AND prompt_vector.prompt_id = wanted.prompt_id))
"""
_PROMPTS_OF_ALL = """
SELECT greatest(0, least(%(jobs)s, (SELECT count(DISTINCT prompt_id) FROM image WHERE prompt_id IS NOT NULL)
                                   - (SELECT min((SELECT count(*) FROM prompt_vector WHERE space_id = space.id))
                                        FROM embedding_space space WHERE modality = 'text' AND in_use)))
"""


def counts(conn: Connection) -> QueueCounts:
    """Return how many jobs wait, run and failed."""
    by_state = dict.fromkeys(JobState, 0)
    by_kind: dict[str, int] = {}
    running_by_kind: dict[str, int] = {}
    urgent = 0
    for kind, state, is_urgent, number in conn.execute(_COUNTS):
        by_state[JobState(state)] += number
        if state == JobState.RUNNING:
            running_by_kind[Kind(kind).label] = running_by_kind.get(Kind(kind).label, 0) + number
        if state == JobState.PENDING:
            by_kind[Kind(kind).label] = by_kind.get(Kind(kind).label, 0) + number
            urgent += number if is_urgent else 0
    return QueueCounts(
        pending=by_state[JobState.PENDING],
        running=by_state[JobState.RUNNING],
        failed=by_state[JobState.FAILED],
        priority=urgent,
        by_kind=by_kind,
        running_by_kind=running_by_kind,
    )


def held(conn: Connection, worker_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return how many jobs each of some workers has claimed, by the kind's word."""
    found: dict[int, dict[str, int]] = {}
    for worker, kind, number in conn.execute(_HELD, (list(worker_ids),)):
        found.setdefault(worker, {})[Kind(kind).label] = number
    return found


def prompts_left(conn: Connection, embed_jobs: int) -> int:
    """Return how many prompts of the images that wait to be embedded lack a vector of a present text model.

    Args:
        embed_jobs: how many there are; of many it is only known that all prompts of the library are at most meant.
    """
    return int(row_of(conn, _PROMPTS_OF_JOBS if embed_jobs <= _FEW else _PROMPTS_OF_ALL, {"jobs": embed_jobs})[0])

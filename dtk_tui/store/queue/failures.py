"""Failed jobs by the reason that they failed for."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import FailureReason
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.text_codec import from_db, to_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Reasons that differ in the file they name, or in a long number, are one.
_REASON: LiteralString = """
left(regexp_replace(
    replace(replace(coalesce(job.error, ''), folder.path || '/' || image.file_name, '…'), image.file_name, '…'),
    '(?<![\U0010fffe0-9])([0-9]{4,}|[0-9]+(?= bytes))', '#', 'g'), 500)
"""
_FROM: LiteralString = """
  FROM job JOIN image ON image.id = job.image_id JOIN folder ON folder.id = image.folder_id
 WHERE job.state = 'failed'
"""
_REASONS: LiteralString = f"""
SELECT {_REASON} AS reason, kind, count(*), min(image_id) {_FROM} GROUP BY 1, 2 ORDER BY 3 DESC, 2, 1 LIMIT %s
"""
_IDS: LiteralString = f"""
SELECT string_agg(int8send(job.id), ''::bytea ORDER BY job.id) {_FROM} AND job.kind = %s AND {_REASON} = %s
"""


def reasons(conn: Connection, limit: int) -> list[FailureReason]:
    """Return why jobs failed and how many, the most first."""
    return [FailureReason(from_db(v[0]), Kind(v[1]), v[2], v[3]) for v in conn.execute(_REASONS, (limit,))]


def job_ids(conn: Connection, reason: FailureReason) -> npt.NDArray[np.int64]:
    """Return the jobs that failed for a reason now; int64, shape [n]."""
    return ids_from(row_of(conn, _IDS, (reason.kind, to_db(reason.reason)))[0])

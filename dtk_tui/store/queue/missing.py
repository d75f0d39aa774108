"""Jobs whose files are not there: where they should be, what waits for a folder that is away, what a scan found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import join_path
from dtk_tui.store.queue import jobs
from dtk_tui.store.text_codec import from_db

_PLACE = """
WITH RECURSIVE up AS (
    SELECT folder.id, folder.parent_id, folder.path, folder.is_root, 0 AS height
      FROM image JOIN folder ON folder.id = image.folder_id WHERE image.id = %(image)s
    UNION ALL
    SELECT folder.id, folder.parent_id, folder.path, folder.is_root, up.height + 1
      FROM up JOIN folder ON folder.id = up.parent_id
)
SELECT image.file_name, image.unavailable, up.id, up.path, up.is_root OR up.parent_id IS NULL
  FROM up CROSS JOIN image WHERE image.id = %(image)s ORDER BY up.height DESC
"""
# The row is held against a scan that is moving it: what that scan finds it finds failed, or this sees where it put it.
_HELD_PLACE = """
SELECT folder.path, image.file_name FROM image JOIN folder ON folder.id = image.folder_id
 WHERE image.id = %s FOR SHARE OF image
"""
_WAITING = """
SELECT count(*) FROM job JOIN image ON image.id = job.image_id
 WHERE job.state IN ('pending', 'running') AND job.kind = ANY (%s) AND image.folder_id = ANY (%s::bigint[])
   AND (%s OR NOT image.unavailable)
"""
_RETRY_FOUND = """
UPDATE job SET state = 'pending', attempts = 0, deaths = 0, error = NULL, missing = false, run_after = '-infinity'
  FROM image
 WHERE job.missing AND job.state = 'failed' AND image.id = job.image_id AND NOT image.unavailable
   AND image.folder_id = ANY (%s::bigint[])
   AND (job.kind <> 2 OR image.embedding_source_id IS NULL)
"""
# Another member of the group was embedded, or enqueued, when the file was gone.
_REMOVE_REPRESENTED = """
WITH ended AS (
    DELETE FROM job USING image
     WHERE job.missing AND job.state = 'failed' AND job.kind = 2 AND image.id = job.image_id
       AND NOT image.unavailable AND image.embedding_source_id IS NOT NULL AND image.folder_id = ANY (%s::bigint[])
    RETURNING job.id, job.image_id, job.kind, job.priority, job.attempts, job.queued_at, job.error
)
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at, error)
SELECT id, image_id, kind, priority, attempts, 'removed', queued_at, error FROM ended
"""
_RETRY_CHANGED = """
UPDATE job SET state = 'pending', attempts = 0, deaths = 0, error = NULL, missing = false, run_after = '-infinity'
 WHERE state = 'failed' AND image_id = ANY (%s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class PlaceFolder:
    """A folder that an image is in, or one above it; ``is_root``: a person added it by name."""

    id: int
    path: str
    is_root: bool


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """Where an image is, as the library knows it now.

    Attributes:
        path: of the file.
        unavailable: a scan looked for the file and did not find it.
        folders: from the root down to the one that the file is in.
    """

    path: str
    unavailable: bool
    folders: tuple[PlaceFolder, ...]


def place_of(conn: Connection, image_id: int) -> ImagePlace | None:
    """Return where an image is; None when it is in the library no more."""
    rows = conn.execute(_PLACE, {"image": image_id}).fetchall()
    if not rows:
        return None
    path = join_path(rows[-1][3], rows[-1][0])
    return ImagePlace(path, rows[0][1], tuple(PlaceFolder(v[2], from_db(v[3]), v[4]) for v in rows))


def count_waiting(conn: Connection, kinds: Sequence[Kind], folder_ids: Sequence[int], *, gone: bool) -> int:
    """Return how many jobs of some kinds wait, or run, whose images are directly in some folders.

    Args:
        gone: also those of images that a scan did not find.
    """
    return int(row_of(conn, _WAITING, ([int(kind) for kind in kinds], Bigints(folder_ids), gone))[0])


def fail_missing(
    conn: Connection, worker_id: int, job: ClaimedJob, reason: str, local_path: Callable[[str], str]
) -> int:
    """Fail a job whose file is not where it was, unless a scan has moved the image meanwhile: then it waits again.

    Args:
        local_path: turns the path of an image in the library into its path on this host.

    Returns:
        How many jobs failed.
    """
    row = conn.execute(_HELD_PLACE, (job.image_id,)).fetchone()
    if row is None or local_path(join_path(row[0], row[1])) != job.path:
        jobs.give_back(conn, worker_id, [job.id])
        return 0
    return jobs.fail(conn, worker_id, [(job.id, reason)], missing=True)


def retry_found(conn: Connection, folder_ids: Sequence[int]) -> int:
    """Let jobs wait again that failed for a missing file which a scan of some folders has found; return how many."""
    ids = list(folder_ids)
    conn.execute(_REMOVE_REPRESENTED, (ids,))
    number = conn.execute(_RETRY_FOUND, (ids,)).rowcount
    if number:
        jobs.wake_workers(conn)
    return number


def retry_changed(conn: Connection, image_ids: Sequence[int]) -> None:
    """Let failed jobs of images wait again whose content has changed: they failed for other bytes."""
    if image_ids and conn.execute(_RETRY_CHANGED, (list(image_ids),)).rowcount:
        jobs.wake_workers(conn)

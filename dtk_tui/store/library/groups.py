"""Groups of images that share a vector: their sizes, what is wrong with them, and regrouping some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtk_tui.domain.looks import GroupMember
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from, join_path

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

_COUNTS = """
SELECT count(DISTINCT embedding_source_id), count(*),
       count(*) FILTER (WHERE NOT EXISTS (
           SELECT 1 FROM image_hash hash WHERE hash.image_id = image.id
              AND hash.fingerprint = coalesce(image.fingerprint, ''::bytea)))
  FROM image WHERE NOT is_embedding_representative
"""
_SHARED = """
SELECT array_agg(DISTINCT metadata_hash) FROM image WHERE NOT is_embedding_representative AND metadata_hash IS NOT NULL
"""
_MEMBERS = """
SELECT id, coalesce(embedding_source_id, id) FROM image WHERE metadata_hash = ANY (%s::bytea[]) ORDER BY id
"""
# Of each content of a group that has several one image, where none with that content has been decoded.
_UNDECODED = """
WITH content AS (
    SELECT min(image.id) FILTER (WHERE NOT unavailable) AS id, bool_or(hash.image_id IS NOT NULL) AS is_known,
           count(*) OVER (PARTITION BY metadata_hash, coalesce(embedding_source_id, image.id)) AS contents
      FROM image
      LEFT JOIN image_hash hash
             ON hash.image_id = image.id AND hash.fingerprint = coalesce(image.fingerprint, ''::bytea)
     WHERE metadata_hash = ANY (%s::bytea[])
     GROUP BY metadata_hash, coalesce(embedding_source_id, image.id), coalesce(image.fingerprint, int8send(image.id))
)
SELECT image.id, folder.path, image.file_name, coalesce(image.fingerprint, ''::bytea)
  FROM content JOIN image USING (id) JOIN folder ON folder.id = image.folder_id
 WHERE contents > 1 AND NOT is_known
 ORDER BY image.id
"""
_JOBS = """
SELECT count(*) FROM job JOIN image ON image.id = job.image_id
 WHERE job.kind = 2 AND image.metadata_hash = ANY (%s::bytea[])
"""
_STRAY_VECTORS = """
FROM image_vector USING image WHERE image.id = image_vector.image_id AND NOT image.is_embedding_representative
"""
_COUNT_STRAY_VECTORS = """
SELECT count(*) FROM image_vector JOIN image ON image.id = image_vector.image_id
 WHERE NOT image.is_embedding_representative
"""
_COUNT_LOST_MEMBERS = """
SELECT count(*) FROM image member
  LEFT JOIN image chosen ON chosen.id = member.embedding_source_id
 WHERE NOT member.is_embedding_representative
   AND (chosen.is_embedding_representative IS NOT TRUE OR chosen.metadata_hash IS DISTINCT FROM member.metadata_hash)
"""

_OF_GROUP = """
SELECT id FROM image
 WHERE id = %(source)s OR embedding_source_id = %(source)s
 ORDER BY id <> %(source)s, created_at DESC, id DESC LIMIT %(limit)s
"""


# A file that was not read is no copy: what stands for its content is its own.
_ALIKE = """
SELECT string_agg(int8send(id) || int8send(coalesce(embedding_source_id, id)) || int8send(file_size)
                  || CASE WHEN octet_length(fingerprint) >= 8 THEN substr(fingerprint, 1, 8) ELSE int8send(-id) END,
                  ''::bytea)
  FROM image WHERE id = ANY (%s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """How many groups of several images there are, how many images share the vector of another, and of how many of
    those nobody has seen what they look like.
    """

    groups: int
    sharing: int
    unseen: int


def counts(conn: Connection) -> GroupCounts:
    """Return how many images share a vector."""
    return GroupCounts(*row_of(conn, _COUNTS))


def alike(conn: Connection, ids: Ids) -> Ids:
    """Return what tells of images whether they are alike, int64 [n, 4] in no order; those that are gone are left out.

    Columns: id, representative of its group, size of the file in bytes, and 8 bytes of the fingerprint as a number.
    """
    row = conn.execute(_ALIKE, (Bigints(ids),), prepare=False, binary=True).fetchone()
    return ids_from(row[0] if row else None).reshape(-1, 4)


def member_ids(conn: Connection, representative: int, limit: int) -> list[int]:
    """Return the images of a group, its representative first, then the newest first."""
    return [int(number) for (number,) in conn.execute(_OF_GROUP, {"source": representative, "limit": limit})]


def shared(conn: Connection) -> list[bytes]:
    """Return what tells the parameters apart of which several images share a vector."""
    return [bytes(value) for value in row_of(conn, _SHARED)[0] or ()]


def representatives(conn: Connection, hashes: Sequence[bytes]) -> dict[int, int]:
    """Return the representative of each image that has one of some parameters."""
    return {int(v[0]): int(v[1]) for v in conn.execute(_MEMBERS, (list(hashes),))}


def regroup(conn: Connection, hashes: Sequence[bytes]) -> None:
    """Group the images of some parameters anew; who lost the vector that it was found by is enqueued."""
    conn.execute("SELECT dtk_choose_representatives(%s)", (list(hashes),))


def undecoded(conn: Connection, hashes: Sequence[bytes]) -> list[GroupMember]:
    """Return the images of groups that have to be decoded to know whether they look alike; of copies one."""
    return [GroupMember(v[0], join_path(v[1], v[2]), bytes(v[3])) for v in conn.execute(_UNDECODED, (list(hashes),))]


def count_jobs(conn: Connection, hashes: Sequence[bytes]) -> int:
    """Return how many images of some parameters are enqueued to be embedded."""
    return int(row_of(conn, _JOBS, (list(hashes),))[0])


def count_stray_vectors(conn: Connection) -> int:
    """Return how many vectors belong to images that are no representatives; each group has one a space, and no more."""
    return int(row_of(conn, _COUNT_STRAY_VECTORS)[0])


def count_lost_members(conn: Connection) -> int:
    """Return how many images are in a group whose representative is gone, or stands for other parameters."""
    return int(row_of(conn, _COUNT_LOST_MEMBERS)[0])


def delete_stray_vectors(conn: Connection) -> int:
    """Delete the vectors of images that are no representatives; return how many."""
    return conn.execute("DELETE " + _STRAY_VECTORS).rowcount


def is_check_offered(conn: Connection) -> bool:
    """Whether there is nothing to offer: no group was made before pictures were looked at, or it was offered."""
    return bool(row_of(conn, "SELECT NOT EXISTS (SELECT 1 FROM group_check WHERE NOT is_offered)")[0])


def note_check_offered(conn: Connection) -> None:
    """Note that a check was offered: once is enough."""
    conn.execute("UPDATE group_check SET is_offered = true")


def note_checked(conn: Connection) -> None:
    """Note that every group was checked."""
    conn.execute("DELETE FROM group_check")

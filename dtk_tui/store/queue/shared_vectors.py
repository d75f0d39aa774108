"""Images that have the vectors of another one that looks like them (``shared_vector``), until they are embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

# Who failed leads nobody. The last number: 1 with vectors of its own in all spaces, 2 in any, 4 with a job.
_HASHES = """
SELECT string_agg(int8send(image.id) || int8send(hash.bits) || int8send(hash.colours)
                  || int8send(coalesce(image.width::bigint * image.height, 0))
                  || int8send((CASE WHEN shared.image_id IS NOT NULL THEN 0
                                    WHEN vectors.spaces @> %(spaces)s::smallint[] THEN 3
                                    WHEN vectors.spaces IS NOT NULL THEN 2 ELSE 0 END
                               + CASE WHEN job.id IS NULL OR (source.id IS NOT NULL AND NOT job.again)
                                      THEN 0 ELSE 4 END)::bigint), ''::bytea)
  FROM image
  JOIN image_hash hash ON hash.image_id = image.id AND hash.fingerprint = coalesce(image.fingerprint, ''::bytea)
  LEFT JOIN (SELECT image_id, array_agg(space_id) AS spaces FROM image_vector GROUP BY image_id) AS vectors
         ON vectors.image_id = image.id
  LEFT JOIN shared_vector shared ON shared.image_id = image.id
  LEFT JOIN image source ON source.id = shared.source_id
  LEFT JOIN job ON job.image_id = image.id AND job.kind = 2
 WHERE image.is_embedding_representative AND NOT image.unavailable AND hash.is_decodable AND hash.bits IS NOT NULL
   AND job.state IS DISTINCT FROM 'failed'
"""
_FORGET = "DELETE FROM shared_vector WHERE image_id = ANY (%s::bigint[])"
_LEAVE = "UPDATE shared_vector SET source_id = NULL WHERE image_id = ANY (%s::bigint[])"
_NOTE = """
INSERT INTO shared_vector (image_id, source_id)
SELECT shared.image_id, shared.source_id
  FROM unnest(%s::bigint[], %s::bigint[]) AS shared (image_id, source_id)
  JOIN image ON image.id = shared.image_id JOIN image source ON source.id = shared.source_id
 ORDER BY shared.image_id
    ON CONFLICT (image_id) DO UPDATE SET source_id = excluded.source_id
 WHERE shared_vector.source_id IS DISTINCT FROM excluded.source_id
"""
# As a worker that saves holds them, images first; whose content is another by now does not look like it did.
_HOLD = """
SELECT string_agg(int8send(id), ''::bytea)
  FROM (SELECT image.id FROM image
          JOIN image_hash hash ON hash.image_id = image.id AND hash.fingerprint = coalesce(image.fingerprint, ''::bytea)
         WHERE image.id = ANY (%s::bigint[]) AND image.is_embedding_representative AND NOT image.unavailable
         ORDER BY image.id FOR SHARE OF image) AS held
"""
_HOLD_JOBS = "SELECT FROM job WHERE kind = 2 AND image_id = ANY (%s::bigint[]) ORDER BY id FOR SHARE"
_SHARE = """
INSERT INTO image_vector (space_id, image_id, vec)
SELECT %(space)s, shared.image_id, source.vec
  FROM shared_vector shared
  JOIN image_vector source ON source.space_id = %(space)s AND source.image_id = shared.source_id
  JOIN image ON image.id = shared.image_id AND image.is_embedding_representative
 WHERE shared.source_id = ANY (%(sources)s::bigint[])
 ORDER BY shared.image_id
    ON CONFLICT (space_id, image_id) DO UPDATE SET vec = excluded.vec
 WHERE image_vector.vec IS DISTINCT FROM excluded.vec
"""
_SOURCES = """
SELECT string_agg(int8send(image_id) || int8send(source_id), ''::bytea)
  FROM shared_vector WHERE image_id = ANY (%s::bigint[]) AND source_id IS NOT NULL
"""
_COPY = """
INSERT INTO image_vector (space_id, image_id, vec)
SELECT %(space)s, shared.image_id, source.vec
  FROM unnest(%(ids)s::bigint[], %(sources)s::bigint[]) AS held (image_id, source_id)
  JOIN shared_vector shared USING (image_id, source_id)
  JOIN image_vector source ON source.space_id = %(space)s AND source.image_id = source_id
 ORDER BY shared.image_id
    ON CONFLICT (space_id, image_id) DO UPDATE SET vec = excluded.vec
 WHERE image_vector.vec IS DISTINCT FROM excluded.vec
"""
_WITHOUT_VECTORS = """
SELECT string_agg(int8send(shared.image_id), ''::bytea)
  FROM shared_vector shared
  JOIN image_vector source ON source.space_id = %(space)s AND source.image_id = shared.source_id
  LEFT JOIN image_vector own ON own.space_id = %(space)s AND own.image_id = shared.image_id
 WHERE own.image_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class HashedImages:
    """Representatives whose looks are known: id, hash, pixels (0: not known), int64 [n] each.

    ``is_embedded`` are those with vectors of their own in all spaces, ``has_own`` those with any; ``waits`` are those
    with a job that gives them one.
    """

    ids: Ids
    bits: Ids
    colours: Ids
    pixels: Ids
    is_embedded: npt.NDArray[np.bool_]
    has_own: npt.NDArray[np.bool_]
    waits: npt.NDArray[np.bool_]


def hashed_images(conn: Connection, spaces: Sequence[int]) -> HashedImages:
    """Return all representatives whose looks are known, and which of them are embedded in ``spaces``."""
    rows = ids_from(row_of(conn, _HASHES, {"spaces": list(spaces)})[0]).reshape(-1, 5)
    flags = rows[:, 4]
    return HashedImages(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], flags & 1 > 0, flags & 2 > 0, flags & 4 > 0)


def hold(conn: Connection, ids: Ids, sources: Ids) -> npt.NDArray[np.bool_]:
    """Return which pairs of images still are what their hashes say; till the transaction ends they stay so.

    Who saves a vector of one of ``sources`` comes before this or after the transaction.
    """
    import numpy as np

    held = ids_from(row_of(conn, _HOLD, (np.union1d(ids, sources).tolist(),))[0])
    conn.execute(_HOLD_JOBS, (np.unique(sources).tolist(),))
    there: npt.NDArray[np.bool_] = np.isin(ids, held) & np.isin(sources, held)
    return there


def note(conn: Connection, ids: Ids, sources: Ids, alone: Ids) -> None:
    """Note that images share the vectors of others, and that those ``alone`` share none any more."""
    conn.execute(_LEAVE, (alone.tolist(),))
    conn.execute(_NOTE, (ids.tolist(), sources.tolist()))


def without_vectors(conn: Connection, space: int) -> Ids:
    """Return the images that lack a vector in a space which those have whose vectors they share."""
    return ids_from(row_of(conn, _WITHOUT_VECTORS, {"space": space})[0])


def copy(conn: Connection, space: int, ids: Ids) -> None:
    """Copy vectors in a space to images that share them; till the transaction ends nobody changes one of these."""
    pairs = ids_from(row_of(conn, _SOURCES, (ids.tolist(),))[0]).reshape(-1, 2)
    pairs = pairs[hold(conn, pairs[:, 0], pairs[:, 1])]
    conn.execute(_COPY, {"space": space, "ids": pairs[:, 0].tolist(), "sources": pairs[:, 1].tolist()})


def share(conn: Connection, space: int, sources: Sequence[int]) -> None:
    """Copy the vectors of images in a space to those who share them."""
    conn.execute(_SHARE, {"space": space, "sources": list(sources)})


def settle(conn: Connection, space: int, ids: Sequence[int]) -> None:
    """Note that images have vectors of their own now, and copy those of a space to whoever shares them."""
    conn.execute(_FORGET, (list(ids),))
    share(conn, space, ids)

"""Images that are the same, and what is known of those that may be: copies, groups, perceptual hashes, vectors.

An image whose file is missing is in no set: of a copy that is there it would be no better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtk_tui.domain.duplicates import DuplicateImage
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from, join_path
from dtk_tui.store.text_codec import from_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

_SETTINGS = "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off"
_EXACT = """
SELECT string_agg(int8send(first) || int8send(id), ''::bytea ORDER BY first, id)
  FROM (SELECT id, min(id) OVER same AS first, count(*) OVER same AS copies
          FROM image WHERE fingerprint IS NOT NULL AND NOT unavailable
        WINDOW same AS (PARTITION BY fingerprint, file_size)) AS copy
 WHERE copies > 1
"""
_GROUPS = """
SELECT string_agg(int8send(source_id) || int8send(id), ''::bytea ORDER BY source_id, id)
  FROM (SELECT id, source_id, count(*) OVER (PARTITION BY source_id) AS members
          FROM (SELECT id, embedding_source_id AS source_id FROM image
                 WHERE embedding_source_id IS NOT NULL AND NOT unavailable
                UNION ALL
                SELECT id, id FROM image
                 WHERE NOT unavailable
                   AND id IN (SELECT embedding_source_id FROM image WHERE embedding_source_id IS NOT NULL)) AS member
       ) AS counted
 WHERE members > 1
"""
# What was seen of one content holds for its copies.
_HASHES = """
WITH seen AS MATERIALIZED (
    SELECT fingerprint, max(bits) AS bits, max(colours) AS colours FROM image_hash
     WHERE bits IS NOT NULL AND is_decodable AND fingerprint <> ''::bytea GROUP BY fingerprint
)
SELECT string_agg(int8send(image.id) || int8send(seen.bits) || int8send(seen.colours)
                  || int8send(coalesce(image.width::bigint * image.height, 0))
                  || int8send(coalesce(image.embedding_source_id, image.id)), ''::bytea)
  FROM seen JOIN image ON image.fingerprint = seen.fingerprint
 WHERE NOT image.unavailable
"""
_UNSEEN = """
SELECT count(*) FROM image
 WHERE NOT unavailable AND (fingerprint IS NULL OR fingerprint NOT IN (SELECT fingerprint FROM image_hash))
"""
_SIMILAR = """
SELECT string_agg(int8send(place), ''::bytea)
  FROM unnest(%(left)s::bigint[], %(right)s::bigint[]) WITH ORDINALITY AS pair (a_id, b_id, place)
  JOIN image_vector a ON a.space_id = %(space)s AND a.image_id = a_id
  JOIN image_vector b ON b.space_id = %(space)s AND b.image_id = b_id
 WHERE (a.vec <=> b.vec) <= 1 - %(least)s::float8
"""
_IMAGES = """
SELECT string_agg(int8send(id) || int8send(coalesce(embedding_source_id, id))
                  || int8send(coalesce(width::bigint * height, 0)), ''::bytea)
  FROM image WHERE NOT unavailable
"""
_FACTS = """
SELECT image.id, folder.path, image.file_name, image.file_size, image.created_at, image.width, image.height,
       image.rating, image.favorite, image.for_deletion,
       (SELECT array_agg(album.name ORDER BY album.position, album.name)
          FROM album_image JOIN album ON album.id = album_image.album_id WHERE album_image.image_id = image.id),
       (SELECT count(*) FROM current_caption WHERE current_caption.image_id = image.id),
       (SELECT count(DISTINCT tag_id) FROM image_tag WHERE image_tag.image_id = image.id)
  FROM image JOIN folder ON folder.id = image.folder_id
 WHERE image.id = ANY (%s::bigint[])
"""
#: So many pairs of vectors are compared in one statement.
_PAIRS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class SeenImages:
    """Images that were decoded: id, hash, pixels (0: not known), representative; int64 [n] each."""

    ids: Ids
    bits: Ids
    colours: Ids
    pixels: Ids
    sources: Ids


@dataclass(frozen=True, slots=True)
class VectorImages:
    """Images: id, representative, pixels (0: not known); int64 [n] each."""

    ids: Ids
    sources: Ids
    pixels: Ids


def exact(conn: Connection) -> tuple[Ids, Ids]:
    """Return the images that have copies: the first of its set, which names it, and the image; int64 [n] each."""
    return _pairs(conn, _EXACT)


def groups(conn: Connection) -> tuple[Ids, Ids]:
    """Return the images of groups of several: the representative, and the image; int64 [n] each."""
    return _pairs(conn, _GROUPS)


def _pairs(conn: Connection, sql: str) -> tuple[Ids, Ids]:
    conn.execute(_SETTINGS)
    row = conn.execute(sql).fetchone()
    rows = ids_from(row[0] if row else None).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def seen_images(conn: Connection) -> SeenImages:
    """Return all images whose looks are known, or those of a copy; what is too plain to be told apart is left out."""
    conn.execute(_SETTINGS)
    rows = ids_from(row_of(conn, _HASHES)[0]).reshape(-1, 5)
    return SeenImages(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4])


def count_unseen(conn: Connection) -> int:
    """Return how many images nobody has decoded yet, nor a copy of them."""
    conn.execute(_SETTINGS)
    return int(row_of(conn, _UNSEEN)[0])


def vector_images(conn: Connection) -> VectorImages:
    """Return all images whose files are there, whether they have vectors or not."""
    conn.execute(_SETTINGS)
    rows = ids_from(row_of(conn, _IMAGES)[0]).reshape(-1, 3)
    return VectorImages(rows[:, 0], rows[:, 1], rows[:, 2])


def similar(conn: Connection, space: int, left: Ids, right: Ids, least: float) -> Ids:
    """Return the places of the pairs whose vectors have a cosine similarity of at least ``least``; int64 [m].

    Of pairs without both vectors in the space none is among them.
    """
    import numpy as np

    found = [np.zeros(0, np.int64)]
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        values = {"left": left[part].tolist(), "right": right[part].tolist(), "space": space, "least": least}
        row = conn.execute(_SIMILAR, values, prepare=False).fetchone()
        found.append(ids_from(row[0] if row else None) - 1 + start)
    return np.concatenate(found)


def facts(conn: Connection, ids: Sequence[int]) -> dict[int, DuplicateImage]:
    """Return what a set tells of images, by id; those that are gone are left out."""
    return {
        v[0]: DuplicateImage(
            id=v[0],
            path=join_path(v[1], v[2]),
            file_size=v[3],
            created_at=v[4],
            width=v[5],
            height=v[6],
            rating=v[7],
            favorite=v[8],
            for_deletion=v[9],
            albums=tuple(from_db(name) for name in v[10] or ()),
            captions=v[11],
            tags=v[12],
        )
        for v in conn.execute(_FACTS, ([int(number) for number in ids],))
    }

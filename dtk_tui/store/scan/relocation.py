"""Relocation: known images whose files are elsewhere, as they were, get their new places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import errors as pg

from dtk_tui.store.database import Connection, row_of, skip_checks
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.scan.listings import as_array, look_up_one_by_one
from dtk_tui.store.text_codec import from_db, to_db

_HAS_IMAGES = "SELECT EXISTS (SELECT FROM image)"
# What a sidecar said of a picture is not in its file; that of a video may stand in folders above. CASE, here and below,
# hides from the planner how few such rows the statistics of a library that was just filled know of: it would look at
# all of them for each one.
_VANISHED = """
SELECT id, file_name, file_size, mtime_ns, fingerprint, dialect IS NULL FROM image
 WHERE id = ANY (%s::bigint[])
   AND CASE WHEN scan_phase = 1 AND fingerprint IS NOT NULL AND error IS NULL AND file_size > 0
            THEN NOT (is_video AND dialect IS NULL) AND NOT EXISTS (
                 SELECT 1 FROM image_raw WHERE image_id = image.id AND strpos(chunks, '"sidecar"') > 0 OFFSET 0)
            ELSE false END
 ORDER BY id
"""
_HOLD_FOLDERS = "SELECT FROM folder WHERE id = ANY (%s::bigint[]) ORDER BY id FOR KEY SHARE"
# Where the columns of an index are not named, PostgreSQL tries to remove old versions of the row from its full pages
# first, and looks at each in vain: all are in use. As listings.KEEP_STEPS, they also keep it from parsing an
# expression. A "/" is in no file name.
_RELOCATE = """
WITH moved AS (
    UPDATE image SET prompt_id = image.prompt_id, negative_prompt_id = image.negative_prompt_id,
                     fingerprint = image.fingerprint, created_at = image.created_at,
                     folder_id = place.folder_id, file_name = place.file_name, mtime_ns = place.mtime_ns,
                     unavailable = false,
                     first_name = nullif(coalesce(image.first_name, image.file_name), place.file_name)
      FROM unnest(%s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], string_to_array(%s, '/'))
           AS place (id, fingerprint, folder_id, mtime_ns, file_name)
     WHERE image.id = place.id
       AND CASE WHEN scan_phase = 1 THEN image.fingerprint = place.fingerprint ELSE false END
    RETURNING image.id)
SELECT string_agg(int8send(id), ''::bytea) FROM moved
"""


class VanishedImage(NamedTuple):
    """A known image whose file is not where it was; ``is_bare``: nothing is known of how it was made."""

    id: int
    file_name: str
    file_size: int
    mtime_ns: int
    fingerprint: bytes
    is_bare: bool


class Relocation(NamedTuple):
    """A known image and the place at which its file is now, where the library has no row."""

    image_id: int
    fingerprint: bytes
    folder_id: int
    file_name: str
    mtime_ns: int


def has_images(conn: Connection) -> bool:
    """Return whether the library has any images."""
    return bool(row_of(conn, _HAS_IMAGES)[0])


def vanished(conn: Connection, ids: Sequence[int]) -> list[VanishedImage]:
    """Return those of some images that may be relocated: all that is known of them is in their files."""
    look_up_one_by_one(conn)
    rows = conn.execute(_VANISHED, (as_array(ids),))
    return [VanishedImage(v[0], from_db(v[1]), v[2], v[3], v[4], v[5]) for v in rows]


def relocate(conn: Connection, places: Sequence[Relocation]) -> set[int]:
    """Give images their new places; return the ids of those that have them now.

    None has when another program has added a row for one of the files meanwhile.
    """
    look_up_one_by_one(conn)
    folder_ids = sorted({place.folder_id for place in places})
    are_held = conn.execute(_HOLD_FOLDERS, (folder_ids,)).rowcount == len(folder_ids)
    try:
        with conn.transaction():
            skip_checks(conn, are_held)
            moved = row_of(conn, _RELOCATE, _columns(places))[0]
            skip_checks(conn, False)
    except pg.UniqueViolation:
        return set()
    return set(ids_from(moved).tolist())


def _columns(places: Sequence[Relocation]) -> tuple[str, ...]:
    return (
        as_array([place.image_id for place in places]),
        f"{{{','.join([_bytes(place.fingerprint) for place in places])}}}",
        as_array([place.folder_id for place in places]),
        as_array([place.mtime_ns for place in places]),
        to_db("/".join([place.file_name for place in places])),
    )


def _bytes(value: bytes) -> str:
    return f'"\\\\x{value.hex()}"'

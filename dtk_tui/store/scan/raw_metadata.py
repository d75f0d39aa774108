"""Raw metadata, word for word as it stood in the files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg import errors as pg

from dtk_tui.domain.parameters import RawChunk
from dtk_tui.store.database import Connection, row_of, skip_checks
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.scan import staging
from dtk_tui.store.text_codec import from_db

if TYPE_CHECKING:
    from dtk_tui.store.library.images import Ids

_ADD = "COPY image_raw (image_id, chunks) FROM STDIN (FORMAT binary)"
_REPLACE = """
INSERT INTO image_raw (image_id, chunks)
SELECT image_id, chunks FROM scan_raw WHERE EXISTS (SELECT 1 FROM image WHERE image.id = image_id OFFSET 0)
    ON CONFLICT (image_id) DO UPDATE SET chunks = excluded.chunks WHERE image_raw.chunks <> excluded.chunks
"""
_REMOVE = """
DELETE FROM image_raw WHERE image_id = ANY (ARRAY(
    SELECT id FROM scan_reading WHERE id NOT IN (SELECT image_id FROM scan_raw) AND id <> ALL (%s::bigint[])))
"""
_IDS = """
SELECT string_agg(int8send(image_id), ''::bytea ORDER BY image_id) FROM image_raw
 WHERE %(all)s OR EXISTS (SELECT 1 FROM image WHERE image.id = image_id AND folder_id = ANY (%(folders)s::bigint[]))
"""
_CHUNKS = """
SELECT image_raw.image_id, image.width, image.height, image.file_size, coalesce(image.first_name, image.file_name),
       image_raw.chunks
  FROM image_raw JOIN image ON image.id = image_raw.image_id WHERE image_raw.image_id = ANY (%s)
"""


def add(conn: Connection, rows: Sequence[tuple[int, bytes]]) -> None:
    """Add the raw metadata of images that this transaction has written, given as (image id, ``copy.rows.raw_row``).

    Those that have none keep none of what an import brought.
    """
    without = [number for number, raw in rows if not raw]
    if without:
        conn.execute("DELETE FROM image_raw WHERE image_id = ANY (%s)", (without,))
    found = [raw for _, raw in rows if raw]
    try:
        with conn.transaction():
            skip_checks(conn, True)
            staging.copy(conn, _ADD, found)
            skip_checks(conn, False)
    except pg.UniqueViolation:
        # An import brought some of it.
        staging.restage_raw(conn, found)
        conn.execute(_REPLACE)


def replace(conn: Connection, kept: Sequence[int]) -> None:
    """Write the staged raw metadata in place of what the images had; those in ``kept`` may go on without new ones."""
    conn.execute(_REPLACE)
    conn.execute(_REMOVE, (kept,))


def image_ids(conn: Connection, folder_ids: Sequence[int] | None) -> Ids:
    """Return the ids of images with raw metadata, in folders or (None) everywhere; int64, shape [n]."""
    parameters = {"all": folder_ids is None, "folders": list(folder_ids or ())}
    return ids_from(row_of(conn, _IDS, parameters)[0])


def chunks(
    conn: Connection, ids: Sequence[int]
) -> list[tuple[int, int | None, int | None, int, str, tuple[RawChunk, ...]]]:
    """Return (id, width, height, file size, first name, raw metadata as read) of images."""
    return [
        (v[0], v[1], v[2], v[3], from_db(v[4]), tuple(RawChunk(*map(from_db, chunk)) for chunk in json.loads(v[5])))
        for v in conn.execute(_CHUNKS, (list(ids),))
    ]


def is_outdated(conn: Connection, version: int) -> bool:
    """Return whether an older version of the readers understood what the library keeps."""
    row = conn.execute("SELECT 1 FROM reader_version WHERE version < %s", (version,)).fetchone()
    return row is not None


def note_version(conn: Connection, version: int, *, if_empty: bool = False) -> None:
    """Note which version of the readers understood what the library keeps; ``if_empty``: only if that is nothing."""
    sql = "UPDATE reader_version SET version = %s WHERE NOT (%s AND EXISTS (SELECT 1 FROM image))"
    conn.execute(sql, (version, if_empty))

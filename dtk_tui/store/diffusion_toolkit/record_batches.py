"""Records of the images that an import read: those of a batch are one row, of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from xxhash import xxh3_128_digest

from dtk_tui.store.copy import columns as copy_columns
from dtk_tui.store.copy.binary import HEADER, TRAILER
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit.records import IMAGE_COLUMNS

_TYPES = {
    **dict.fromkeys(("marks", "batch_size", "batch_pos", "clip_skip", "ensd"), pa.int32()),
    **dict.fromkeys(("no_metadata", "has_error"), pa.bool_()),
    **dict.fromkeys(("workflow_id", "hash", "custom_tags"), pa.string()),
}
#: Columns of the records of a batch, each an array in the database; source_id has no NULL.
COLUMNS = pa.schema([(name, _TYPES.get(name, pa.int64())) for name in IMAGE_COLUMNS])
_KEY = ("migration_id", "first_id")
_NAMES = sql.SQL(", ").join(map(sql.Identifier, (*_KEY, "source_ids", *COLUMNS.names[1:])))
_COPY = sql.SQL("COPY migrated_batch ({}) FROM STDIN (FORMAT binary)").format(_NAMES)
_NOTHING = HEADER + TRAILER
#: The records of the images of the import ``id``, as rows; also those that were excluded.
RECORDS: LiteralString = """
SELECT one.* FROM migrated_batch, cardinality(source_ids) AS rows, unnest(source_ids, {spread}) AS one ({names})
 WHERE migration_id = %(id)s
""".replace("{spread}", ", ".join([f"dtk_spread({name}, rows)" for name in IMAGE_COLUMNS[1:]])).replace(
    "{names}", ", ".join(IMAGE_COLUMNS)
)
_EXCLUDE: LiteralString = """
UPDATE migrated_batch SET gone = gone || %(ids)s::bigint[]
 WHERE migration_id = %(id)s AND source_ids && %(ids)s::bigint[]
"""


def empty() -> pa.RecordBatch:
    """Return the records of no images."""
    return pa.RecordBatch.from_pylist([], COLUMNS)


def write(conn: Connection, records: pa.RecordBatch, migration_id: int, first_id: int) -> bytes:
    """Write the records of some images, where there are any; return their digest.

    Args:
        records: with the columns of ``COLUMNS``.
        first_id: under which they stand; no other batch of the import has it.
    """
    if not len(records):
        return xxh3_128_digest(_NOTHING)
    keys = [(8).to_bytes(4, "big") + number.to_bytes(8, "big", signed=True) for number in (migration_id, first_id)]
    ids, *columns = records.columns
    fields = [*keys, *(copy_columns.array(column) for column in (ids, *map(_collapse_constant, columns)))]
    block = b"".join((HEADER, len(fields).to_bytes(2, "big"), *fields, TRAILER))
    with conn.cursor().copy(_COPY) as sink:
        sink.write(block)
    return xxh3_128_digest(block)


def _collapse_constant(column: pa.Array) -> pa.Array:
    """Return a column that says the same of all images with one element."""
    is_constant = not column.null_count and pc.all(pc.equal(column, column[0])).as_py()
    return column[:1] if is_constant else column


def stored_digest(conn: Connection, migration_id: int, first_id: int) -> bytes:
    """Return the digest of the records that are there, as ``write`` returned it."""
    rows = sql.SQL("SELECT {} FROM migrated_batch WHERE migration_id = {} AND first_id = {}").format(
        _NAMES, migration_id, first_id
    )
    with conn.cursor().copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(rows)) as source:
        return xxh3_128_digest(b"".join(source))


def differing_images(conn: Connection, records: pa.RecordBatch, migration_id: int, first_id: int) -> list[int]:
    """Return the source ids whose records in a batch are not as they should be."""
    want = {row[0]: row for row in zip(*(column.to_pylist() for column in records.columns), strict=True)}
    query = RECORDS + " AND first_id = %(first)s"
    rows = conn.execute(query, {"id": migration_id, "first": first_id})
    have: dict[int, tuple[Any, ...]] = {row[0]: row for row in rows}
    return [number for number, row in want.items() if have.get(number) != row]


def count_unnoted(conn: Connection, values: dict[str, Any]) -> int:
    """Return how many images of an import have no note and are new in the library.

    Args:
        values: its id.
    """
    query: LiteralString = """
        SELECT count(*) FROM migrated_batch, unnest(source_ids) AS one (source_id)
         WHERE migration_id = %(id)s
           AND NOT EXISTS (SELECT 1 FROM migration_stage_note note
                            WHERE table_name = 'Image' AND note.source_id = one.source_id)
           AND NOT EXISTS (SELECT 1 FROM migration_target target WHERE target.source_id = one.source_id)"""
    return int(row_of(conn, query, values)[0])


def exclude(conn: Connection, migration_id: int, source_ids: Sequence[int]) -> None:
    """Exclude some images from the batches of an import: their records are written elsewhere."""
    conn.execute(_EXCLUDE, {"id": migration_id, "ids": list(source_ids)})


def delete(conn: Connection, migration_id: int) -> None:
    """Delete all batches of an import."""
    conn.execute("DELETE FROM migrated_batch WHERE migration_id = %s", (migration_id,))

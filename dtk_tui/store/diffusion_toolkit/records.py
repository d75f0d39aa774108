"""The records of imports: which there were, and which rows of the library each brought or met."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db, to_db

#: Ids are 64 bits; behind what an import sets aside there must be room for the rest of the library's life.
_LARGEST_ID = 2**63 - 2**48
#: What is recorded of each image that an import brought or met.
IMAGE_COLUMNS: tuple[LiteralString, ...] = (
    "source_id", "created_ticks", "modified_ticks", "viewed_ticks", "touched_ticks", "marks", "batch_size", "batch_pos",
    "clip_skip", "ensd", "no_metadata", "has_error", "root_folder_id", "workflow_id", "hash", "custom_tags",
)  # fmt: skip


def record_values(marks: LiteralString, custom_tags: LiteralString) -> LiteralString:
    """Return the expressions for ``IMAGE_COLUMNS`` over the record of an image, of which two are given."""
    given: dict[LiteralString, LiteralString] = {"marks": marks, "custom_tags": custom_tags}
    return ", ".join([given[name] if name in given else "record." + name for name in IMAGE_COLUMNS])


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """The record of one import. ``image_base`` + a source Id is the image's id; ``facts`` tell the source's content."""

    id: int
    image_base: int
    node_base: int
    state: str
    source: str
    zone: str
    policy: str
    maps: tuple[tuple[str, str], ...]
    facts: dict[str, Any]
    report: dict[str, Any] | None


_COLUMNS: LiteralString = (
    "SELECT id, image_base, node_base, state, source, zone, policy, maps, facts, report FROM migration"
)


def _row(v: tuple[Any, ...] | None) -> ImportRecord | None:
    if v is None:
        return None
    number, image_base, node_base, state, source, zone, policy, maps, facts, report = v
    pairs = tuple((from_db(old), from_db(new)) for old, new in maps)
    return ImportRecord(number, image_base, node_base, state, from_db(source), zone, policy, pairs, facts, report)


def unfinished(conn: Connection) -> ImportRecord | None:
    """Return the record of the unfinished import, if any."""
    return _row(conn.execute(_COLUMNS + " WHERE state = 'loading' ORDER BY id DESC LIMIT 1").fetchone())


def last_done(conn: Connection) -> ImportRecord | None:
    """Return the record of the latest import that is in the library, if any."""
    return _row(conn.execute(_COLUMNS + " WHERE state = 'done' ORDER BY id DESC LIMIT 1").fetchone())


def delete_unfinished(conn: Connection) -> None:
    """Delete the record of the unfinished import."""
    conn.execute("DELETE FROM migration WHERE state = 'loading'")


def begin(
    conn: Connection, source: str, zone: str, policy: str, maps: tuple[tuple[str, str], ...], facts: dict[str, Any],
    images: tuple[int, int], nodes: tuple[int, int],
) -> ImportRecord:  # fmt: skip
    """Write the record of a new import and reserve ids for it; that of an unfinished one is deleted.

    Args:
        images, nodes: first and last Id of the source.
    """
    delete_unfinished(conn)
    bases = [_reserve_ids(conn, table, *span) for table, span in (("image", images), ("node", nodes))]
    insert: LiteralString = """
        INSERT INTO migration (image_base, node_base, state, source, zone, policy, maps, facts)
        VALUES (%s, %s, 'loading', %s, %s, %s, %s::jsonb, %s::jsonb)"""
    pairs = json.dumps([(to_db(old), to_db(new)) for old, new in maps])
    conn.execute(insert, (*bases, to_db(source), zone, policy, pairs, json.dumps(facts)))
    row = unfinished(conn)
    assert row is not None
    return row


def _reserve_ids(conn: Connection, table: str, first: int, last: int) -> int:
    """Return the base of a range of ids that nobody else gets."""
    name = sql.Literal(table)
    query = sql.SQL(
        "SELECT greatest(0, (SELECT max(id) FROM {}),"
        " pg_sequence_last_value(pg_get_serial_sequence({}, 'id')::regclass))"
    ).format(sql.Identifier(table), name)
    base = int(conn.execute(query).fetchall()[0][0]) - min(first, 1) + 1
    if base + max(last, 1) > _LARGEST_ID:
        raise DtkError(
            f"The Ids of the source, from {first} to {last}, do not fit behind those of the library.",
            "The library is unchanged. An Id as large as this is damage: give that row another one.",
        )
    conn.execute(
        sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id')::regclass, {})").format(
            name, sql.Literal(max(base + max(last, 1), 1))
        )
    )
    return base


def written_counts(conn: Connection, migration_id: int, is_all: bool) -> dict[str, int]:
    """Return how many source rows of each table are in the library, counted there.

    Args:
        is_all: whether all images there are were brought by this import.
    """
    query: LiteralString = """
        SELECT initcap(kind), count(DISTINCT source_id) FROM migrated_row WHERE migration_id = %s GROUP BY kind"""
    kinds = dict.fromkeys(("Folder", "Album", "Tag", "Query"), 0)
    found: dict[str, int] = {**kinds, **dict(conn.execute(query, (migration_id,)).fetchall())}
    images: LiteralString = """
        SELECT count(*) FROM migration_beside.image staged JOIN migration_where spot
               ON spot.source_id = staged.id - (SELECT image_base FROM migration WHERE id = %(id)s)
          JOIN image ON image.id = spot.image_id"""
    (found["Image"],) = row_of(conn, "SELECT count(*) FROM image" if is_all else images, {"id": migration_id})
    return found


def finish(conn: Connection, migration_id: int, report: dict[str, Any]) -> None:
    """Mark an import as done, with its report."""
    conn.execute(
        "UPDATE migration SET state = 'done', finished_at = now(), report = %s::jsonb WHERE id = %s",
        (json.dumps(report), migration_id),
    )


def write_row_records(
    conn: Connection, migration_id: int, kind: str, rows: Sequence[tuple[int, int | None, bool, dict[str, Any]]]
) -> None:
    """Record rows that an import wrote or met, given as (row id, source id, is new, original)."""
    sql: LiteralString = """
        INSERT INTO migrated_row (migration_id, kind, row_id, source_id, is_new, original)
        SELECT %s, %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[], %s::jsonb[])"""
    columns = [[row[i] for row in rows] for i in range(3)]
    conn.execute(sql, (migration_id, kind, *columns, [json.dumps(row[3]) for row in rows]))


def staged_schema(conn: Connection) -> list[str]:
    """Return the names of the schema changes that Diffusion Toolkit had made to the source."""
    rows = conn.execute("SELECT name FROM migration_stage_migration WHERE name IS NOT NULL ORDER BY source_id")
    return [from_db(name) for (name,) in rows]

"""The books of migrations: which there were, what became of each row, and whether source and library agree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db, to_db

# Texts by the digest that the source's reader made of them (services.migration.image_lines), numbers by value.
_DIFFERING: LiteralString = r"""
SELECT stage.source_id
  FROM migration_stage_image stage
  JOIN migrated_image book ON book.source_id = stage.source_id AND book.migration_id = %(id)s AND book.is_new
  LEFT JOIN image ON image.id = book.image_id
  LEFT JOIN folder ON folder.id = image.folder_id
  LEFT JOIN (SELECT id, md5(text) AS md5 FROM prompt) AS positive ON positive.id = image.prompt_id
  LEFT JOIN (SELECT id, md5(text) AS md5 FROM prompt) AS negative ON negative.id = image.negative_prompt_id
  LEFT JOIN image_raw ON image_raw.image_id = image.id
 WHERE stage.digest IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM migration_note note WHERE note.migration_id = %(id)s AND note.table_name = 'Image'
                      AND note.source_id = stage.source_id)
   AND (stage.digest IS DISTINCT FROM md5(concat({texts}, E'\x1f', folder.path, E'\x1f', image.file_name, E'\x1f',
                                                 positive.md5, E'\x1f', negative.md5, E'\x1f',
                                                 md5(image_raw.chunks)))::uuid
        OR ({values}) IS DISTINCT FROM ({staged}))
 ORDER BY 1
"""
_VALUES: tuple[LiteralString, ...] = (
    "book.root_folder_id", "image.steps", "image.seed", "image.width", "image.height", "book.batch_size",
    "book.batch_pos", "book.created_ticks", "book.modified_ticks", "image.rating", "book.clip_skip", "book.ensd",
    "image.file_size", "book.viewed_ticks", "book.touched_ticks", "image.cfg_scale", "image.aesthetic_score",
    "image.hypernetwork_strength", "image.favorite", "image.for_deletion", "image.nsfw", "image.unavailable",
    "coalesce(book.no_metadata, false)", "coalesce(book.has_error, false)",
)  # fmt: skip
_STAGED: tuple[LiteralString, ...] = (
    "stage.root_folder_id", "stage.steps", "stage.seed", "stage.width", "stage.height", "stage.batch_size",
    "stage.batch_pos", "stage.created_ticks", "stage.modified_ticks", "stage.rating", "stage.clip_skip", "stage.ensd",
    "stage.file_size", "stage.viewed_ticks", "stage.touched_ticks", "stage.cfg_scale", "stage.aesthetic_score",
    "stage.hypernetwork_strength", "coalesce(stage.favorite = 1, false)", "coalesce(stage.for_deletion = 1, false)",
    "coalesce(stage.nsfw = 1, false)", "coalesce(stage.unavailable = 1, false)",
    "coalesce(stage.no_metadata = 1, false)", "coalesce(stage.has_error = 1, false)",
)  # fmt: skip
_TEXTS: tuple[LiteralString, ...] = (
    "image.sampler", "image.model_hash", "image.model", "image.custom_tags", "image.hypernetwork", "book.workflow_id",
    "book.hash",
)  # fmt: skip
_DIGESTS: LiteralString = (
    _DIFFERING.replace("{values}", ", ".join(_VALUES))
    .replace("{staged}", ", ".join(_STAGED))
    .replace("{texts}", ", ',', ".join([f"'''' || replace({name}, '''', '''''') || ''''" for name in _TEXTS]))
)
#: Ids are 64 bits; behind what a migration sets aside there must be room for the rest of the library's life.
_LARGEST_ID = 2**63 - 2**48
_PARALLEL: tuple[LiteralString, ...] = (
    "SET LOCAL parallel_setup_cost = 0",
    "SET LOCAL parallel_tuple_cost = 0",
    "SET LOCAL min_parallel_table_scan_size = '1MB'",
)


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """One migration. ``image_base`` + a source Id is the image's id; ``facts`` tell the source's content."""

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
    """Return the migration that is in the stage, if any."""
    return _row(conn.execute(_COLUMNS + " WHERE state = 'loading' ORDER BY id DESC LIMIT 1").fetchone())


def last_done(conn: Connection) -> ImportRecord | None:
    """Return the latest migration that is in the library, if any."""
    return _row(conn.execute(_COLUMNS + " WHERE state = 'done' ORDER BY id DESC LIMIT 1").fetchone())


def delete_unfinished(conn: Connection) -> None:
    """Throw away the books of an unfinished migration."""
    conn.execute("DELETE FROM migration WHERE state = 'loading'")


def delete_notes(conn: Connection, migration_id: int) -> None:
    """Remove the notes of an unfinished migration, which is read anew."""
    conn.execute("DELETE FROM migration_note WHERE migration_id = %s", (migration_id,))


def begin(
    conn: Connection, source: str, zone: str, policy: str, maps: tuple[tuple[str, str], ...], facts: dict[str, Any],
    images: tuple[int, int], nodes: tuple[int, int],
) -> ImportRecord:  # fmt: skip
    """Open the books of a new migration and set ids aside for it; an unfinished one is forgotten.

    Args:
        images, nodes: first and last Id of the source.
    """
    delete_unfinished(conn)
    bases = [_set_aside(conn, table, *span) for table, span in (("image", images), ("node", nodes))]
    insert: LiteralString = """
        INSERT INTO migration (image_base, node_base, state, source, zone, policy, maps, facts)
        VALUES (%s, %s, 'loading', %s, %s, %s, %s::jsonb, %s::jsonb)"""
    pairs = json.dumps([(to_db(old), to_db(new)) for old, new in maps])
    conn.execute(insert, (*bases, to_db(source), zone, policy, pairs, json.dumps(facts)))
    row = unfinished(conn)
    assert row is not None
    return row


def _set_aside(conn: Connection, table: str, first: int, last: int) -> int:
    """Return the base of a range of ids that nobody else gets."""
    name = sql.Literal(f"{table}")
    query = sql.SQL(
        "SELECT greatest((SELECT coalesce(max(id), 0) FROM {}),"
        " coalesce(pg_sequence_last_value(pg_get_serial_sequence({}, 'id')::regclass), 0))"
    ).format(sql.Identifier(table), name)
    row = conn.execute(query).fetchone()
    assert row is not None
    base = int(row[0]) - min(first, 1) + 1 if int(row[0]) else -min(first, 1) + 1
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


def utc_offsets(conn: Connection, zone: str) -> list[tuple[int, int]]:
    """Return (day since 1970, seconds east of UTC at its begin), day by day, from 2000 to 2037, in a time zone."""
    query: LiteralString = """
        SELECT (day::date - '1970-01-01'::date),
               (extract(epoch FROM day) - extract(epoch FROM timezone(%s, day)))::bigint
          FROM generate_series('2000-01-01'::timestamp, '2038-01-01', '1 day') AS day ORDER BY 1"""
    return conn.execute(query, (zone,)).fetchall()


def is_zone_known(conn: Connection, zone: str) -> bool:
    """Whether PostgreSQL knows a time zone by this name."""
    return bool(
        row_of(conn, "SELECT EXISTS (SELECT 1 FROM pg_timezone_names WHERE lower(name) = lower(%s))", (zone,))[0]
    )


def set_bulk_memory(conn: Connection, memory_mb: int) -> None:
    """Give this transaction the memory of a load."""
    conn.execute(sql.SQL("SET LOCAL maintenance_work_mem = {}").format(sql.Literal(f"{memory_mb}MB")))
    conn.execute(sql.SQL("SET LOCAL work_mem = {}").format(sql.Literal(f"{memory_mb // 2}MB")))
    conn.execute("SET LOCAL jit = off")


def differing_images(conn: Connection, migration_id: int) -> tuple[int, list[int]]:
    """Compare the digest of each row as it was read with the row as it is now; return (compared, differing ids).

    Rows with a note are left out: what became of them stands there.
    """
    # Every core compares: the planner thinks too much of what it costs to start workers and to send them rows.
    for setting in _PARALLEL:
        conn.execute(setting)
    found = conn.execute(_DIGESTS, {"id": migration_id})
    ids = [number for (number,) in found]
    compared: LiteralString = """
        SELECT count(*) FROM migration_stage_image stage
          JOIN migrated_image book ON book.source_id = stage.source_id AND book.migration_id = %(id)s AND book.is_new
         WHERE stage.digest IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM migration_note note WHERE note.migration_id = %(id)s
                              AND note.table_name = 'Image' AND note.source_id = stage.source_id)"""
    return row_of(conn, compared, {"id": migration_id})[0], ids


def note_counts(conn: Connection, migration_id: int) -> list[tuple[str, str, str, int]]:
    """Return (table, outcome, reason, rows), reasons without the numbers of rows in them."""
    query: LiteralString = """
        SELECT table_name, outcome, regexp_replace(regexp_replace(reason, 'rows? \\d+( to \\d+)?', 'other rows'),
                                                         'recovered from the indexes, without .*',
                                                         'recovered from the indexes, without the others'), count(*)
          FROM migration_note WHERE migration_id = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 4 DESC, 3"""
    return conn.execute(query, (migration_id,)).fetchall()


def noted_rows(conn: Connection, migration_id: int) -> dict[tuple[str, str], int]:
    """Return the number of rows with a note, by (table, outcome)."""
    query: LiteralString = """
        SELECT table_name, outcome, count(DISTINCT source_id)
          FROM migration_note WHERE migration_id = %s GROUP BY 1, 2"""
    return {(table, outcome): count for table, outcome, count in conn.execute(query, (migration_id,))}


def notes(conn: Connection, migration_id: int) -> Iterator[tuple[str, int | None, str, str, Any]]:
    """Return (table, source id, outcome, reason, original) of all notes."""
    query: LiteralString = """
        SELECT table_name, source_id, outcome, reason, original FROM migration_note WHERE migration_id = %s
         ORDER BY outcome DESC, table_name, source_id, reason"""
    with conn.cursor(name="notes") as cursor:
        cursor.itersize = 5000
        yield from cursor.execute(query, (migration_id,))


def written_counts(conn: Connection, migration_id: int, is_shadow: bool) -> dict[str, int]:
    """Return how many source rows of each table are in the library, counted there.

    Args:
        is_shadow: whether all images there are were brought by this migration.
    """
    query: LiteralString = """
        SELECT (SELECT count(*) FROM migrated_image WHERE migration_id = %(id)s AND NOT %(is_shadow)s),
               (SELECT count(DISTINCT source_id) FROM migrated_row WHERE migration_id = %(id)s AND kind = 'folder'),
               (SELECT count(*) FROM migrated_row WHERE migration_id = %(id)s AND kind = 'album'),
               (SELECT count(*) FROM migrated_row WHERE migration_id = %(id)s AND kind = 'tag'),
               (SELECT count(*) FROM migrated_row WHERE migration_id = %(id)s AND kind = 'query')"""
    values = {"id": migration_id, "is_shadow": is_shadow}
    found = dict(zip(("Image", "Folder", "Album", "Tag", "Query"), row_of(conn, query, values), strict=True))
    if is_shadow:
        (found["Image"],) = row_of(conn, "SELECT count(*) FROM image")
    return found


def finish(conn: Connection, migration_id: int, report: dict[str, Any]) -> None:
    """Close the books of a migration."""
    conn.execute(
        "UPDATE migration SET state = 'done', finished_at = now(), report = %s::jsonb WHERE id = %s",
        (json.dumps(report), migration_id),
    )


def choose_representatives(conn: Connection) -> None:
    """Choose the representative of every group."""
    _choose(conn, "SELECT metadata_hash FROM image WHERE metadata_hash IS NOT NULL", {})


def choose_some_representatives(conn: Connection, ids: Sequence[int], base: int) -> None:
    """Choose the representatives of the groups that some images, or staged ones, are in; others have but one image."""
    staged: LiteralString = "SELECT source_id + %(base)s FROM migration_stage_image"
    if ids or row_of(conn, "SELECT EXISTS (SELECT 1 FROM migration_stage_image)")[0]:
        among: LiteralString = """
            SELECT metadata_hash FROM image WHERE metadata_hash IN (
                SELECT metadata_hash FROM image WHERE id = ANY (%(ids)s) UNION
                SELECT metadata_hash FROM image WHERE id IN ({staged}))""".replace("{staged}", staged)
        _choose(conn, among, {"ids": list(ids), "base": base})


def _choose(conn: Connection, among: LiteralString, values: dict[str, Any]) -> None:
    groups: LiteralString = """
        SELECT array_agg(metadata_hash)
          FROM ({among} GROUP BY metadata_hash HAVING count(*) > 1 LIMIT 50001) AS several""".replace("{among}", among)
    (hashes,) = row_of(conn, groups, values)
    if hashes:
        conn.execute("SELECT dtk_choose_representatives(%s)", (hashes if len(hashes) <= 50000 else None,))


def count_representatives(conn: Connection) -> int:
    """Return how many images are embedded for their groups, single ones included."""
    return int(row_of(conn, "SELECT count(*) FROM image WHERE is_embedding_representative")[0])


def analyze(conn: Connection) -> None:
    """Let the planner look at what was written."""
    conn.execute("ANALYZE folder, prompt, image, image_raw, migrated_image, migration_note")

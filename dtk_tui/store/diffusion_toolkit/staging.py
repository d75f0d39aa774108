"""Staging tables: unlogged tables that take the source's rows batch by batch, out of sight.

A batch and its checkpoint are one transaction. When the server crashes, all of them are emptied run_parallel, so that a
checkpoint never speaks of rows that are gone; and whoever was reading into them then is shut out, because its next
batches would speak of texts and folders that it had sent before.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from dtk_tui.errors import DatabaseLostError
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit import session, shadow

if TYPE_CHECKING:
    # Rows need Arrow, which takes time to load and is needed only while an import reads.
    from dtk_tui.store.diffusion_toolkit.shadow_rows import Rows


_TABLES: dict[str, LiteralString] = {
    # The order of the columns is that of the lines that the services write.
    "image": """
        source_id bigint NOT NULL, root_folder_id bigint, folder_id bigint, steps bigint, seed numeric, width bigint,
        height bigint, batch_size bigint, batch_pos bigint, created_ticks bigint, modified_ticks bigint, rating bigint,
        favorite bigint, for_deletion bigint, nsfw bigint, unavailable bigint, clip_skip bigint, ensd bigint,
        file_size bigint, no_metadata bigint, has_error bigint, viewed_ticks bigint, touched_ticks bigint, type bigint,
        cfg_scale double precision, aesthetic_score double precision, hypernetwork_strength double precision,
        sampler text, model_hash text, model text, custom_tags text, hypernetwork text, workflow_id text, hash text,
        folder_key bigint NOT NULL, file_name text NOT NULL, prompt_key bigint, negative_key bigint,
        has_workflow boolean NOT NULL, digest uuid, dialect text, scheduler text""",
    "text": "key bigint NOT NULL, text text NOT NULL",
    "path": "key bigint NOT NULL, path text NOT NULL, source_path text NOT NULL",
    "raw": "source_id bigint NOT NULL, chunks text NOT NULL",
    # Of the images from low to high that went to shadow tables, as they were sent; ids of the library. ids, groups:
    # of those that can have a group, 64 bits each in the order of bytes of this machine.
    "digest": """low bigint NOT NULL, high bigint NOT NULL, rows bigint NOT NULL, digest bytea NOT NULL,
        ids bytea NOT NULL, groups bytea NOT NULL""",
    "note": "table_name text NOT NULL, source_id bigint, outcome text NOT NULL, reason text NOT NULL, original jsonb",
    "chunk": """table_name text NOT NULL, chunk bigint NOT NULL, rows bigint NOT NULL, lost bigint NOT NULL,
        PRIMARY KEY (table_name, chunk)""",
    "folder": """source_id bigint, parent_id bigint, path text, image_count bigint, scanned_ticks bigint,
        unavailable bigint, archived bigint, excluded bigint, is_root bigint, recursive bigint, watched bigint""",
    "album": "source_id bigint, name text, position bigint, updated_ticks bigint",
    "albumimage": "source_id bigint, album_id bigint, image_id bigint",
    "tag": "source_id bigint, name text",
    "imagetag": "source_id bigint, image_id bigint, tag_id bigint",
    "query": "source_id bigint, name text, query_json text, created_ticks bigint, modified_ticks bigint",
    "node": "source_id bigint, image_id bigint, node_id text, name text",
    "nodeproperty": "source_id bigint, node_id bigint, name text, value text",
    "migration": "source_id bigint, name text",
}
_COMPRESSION: LiteralString = """
SELECT CASE attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END FROM pg_attribute
 WHERE attrelid = 'image_raw'::regclass AND attname = 'chunks'
"""
_STARTED_ANEW = "The database was started anew in the middle of the migration."
_NAMES = {name: sql.Identifier(f"migration_stage_{name}") for name in _TABLES}


def create(conn: Connection) -> None:
    """Create empty staging and no shadow tables; what earlier ones held is thrown away."""
    drop(conn)
    for name, columns in _TABLES.items():
        conn.execute(sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(_NAMES[name], sql.SQL(columns)))
    # Compressed as in the library, so that a value is compressed once, by the readers' connections.
    for (method,) in conn.execute(_COMPRESSION).fetchall():
        conn.execute(sql.SQL("ALTER TABLE {} ALTER chunks SET COMPRESSION {}").format(_NAMES["raw"], sql.SQL(method)))
    # What hardly shrinks is not compressed.
    conn.execute(
        sql.SQL("ALTER TABLE {} ALTER ids SET STORAGE EXTERNAL, ALTER groups SET STORAGE EXTERNAL").format(
            _NAMES["digest"]
        )
    )


def drop(conn: Connection) -> None:
    """Drop the staging tables and the shadow tables."""
    conn.execute("DROP VIEW IF EXISTS pg_temp.migration_ready")
    conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(_NAMES.values())))
    shadow.drop(conn)


def exists(conn: Connection) -> bool:
    """Whether there are staging tables."""
    return bool(row_of(conn, "SELECT to_regclass('migration_stage_chunk') IS NOT NULL")[0])


def issue_ticket(conn: Connection) -> int:
    """Issue the ticket of a pass of reading, without which nothing is written, and which a crash takes away."""
    ticket = secrets.randbits(60)
    conn.execute("DELETE FROM migration_stage_chunk WHERE table_name = ''")
    conn.execute("INSERT INTO migration_stage_chunk (table_name, chunk, rows, lost) VALUES ('', %s, 0, 0)", (ticket,))
    return ticket


def require_ticket(conn: Connection, ticket: int) -> None:
    """Make sure that the staging tables are those that were read into; ``ticket`` as ``issue_ticket`` gave it.

    Raises:
        DatabaseLostError: the server crashed since, and the staging tables are empty.
    """
    query: LiteralString = "SELECT EXISTS (SELECT 1 FROM migration_stage_chunk WHERE table_name = '' AND chunk = %s)"
    if not row_of(conn, query, (ticket,))[0]:
        raise DatabaseLostError(_STARTED_ANEW)


def has_current_columns(conn: Connection) -> bool:
    """Whether the staging tables have the columns that are written to: not where an earlier release made them."""
    query: LiteralString = """
        SELECT EXISTS (SELECT 1 FROM pg_attribute
                        WHERE attrelid = to_regclass('migration_stage_digest') AND attname = 'groups')"""
    return bool(row_of(conn, query)[0])


def finished_chunks(conn: Connection) -> dict[tuple[str, int], tuple[int, int]]:
    """Return (rows, lost rows) of the batches that are staged, by (table, number of the batch)."""
    rows = conn.execute(
        "SELECT table_name, chunk, rows, lost FROM migration_stage_chunk WHERE chunk > 0 AND table_name <> ''"
    )
    return {(table, chunk): (count, lost) for table, chunk, count, lost in rows}


def write_chunks(
    conn: Connection,
    ticket: int,
    table: str,
    chunks: Sequence[tuple[int, int, int]],
    copies: Mapping[str, Sequence[bytes]],
    images: Rows | None = None,
    migration_id: int = 0,
    span: tuple[int, int] = (0, 0),
) -> None:
    """Write some batches of one table with their checkpoints.

    Args:
        ticket: as ``issue_ticket`` gave it.
        chunks: (number, rows, lost rows): how many rows the source has there, and how many of them cannot be read.
        copies: lines by staging table: CSV in UTF-8 with single quotes, NULL as nothing, without line ends.
        images: rows for the shadow tables, brought by the import ``migration_id``.
        span: first and last id that images of these batches can have.

    Raises:
        DatabaseLostError: the server crashed since ``issue_ticket``, and the staging tables are empty.
    """
    session.commit_asynchronously(conn)
    copy_lines(conn, copies)
    if images is not None:
        digest = images.write(conn, migration_id, span[0])
        insert: LiteralString = """
            INSERT INTO migration_stage_digest (low, high, rows, digest, ids, groups)
            VALUES (%s, %s, %s, %s, %b, %b)"""
        grouped = images.groups != 0
        groups = (images.ids[grouped].tobytes(), images.groups[grouped].tobytes())
        conn.execute(insert, (*span, len(images.ids), digest, *groups))
    written = conn.execute(
        """INSERT INTO migration_stage_chunk (table_name, chunk, rows, lost)
           SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
            WHERE EXISTS (SELECT 1 FROM migration_stage_chunk WHERE table_name = '' AND chunk = %s)""",
        (table, *([chunk[i] for chunk in chunks] for i in range(3)), ticket),
    )
    if not written.rowcount:
        raise DatabaseLostError(_STARTED_ANEW)


def copy_lines(conn: Connection, copies: Mapping[str, Sequence[bytes]]) -> None:
    """Write lines by staging table; as ``write_chunks``, but without a checkpoint."""
    for name, lines in copies.items():
        if lines:
            _copy(conn, sql.SQL("COPY {} FROM STDIN (FORMAT csv, QUOTE '''', NULL '')").format(_NAMES[name]), lines)


def add_prompts(conn: Connection, lines: Sequence[bytes]) -> None:
    """Write prompts into their shadow table, as lines of (id, text)."""
    if lines:
        statement = "COPY {} (id, text) FROM STDIN (FORMAT csv, QUOTE '''', NULL '')"
        _copy(conn, sql.SQL(statement).format(shadow.shadow_table("prompt")), lines)


def _copy(conn: Connection, statement: sql.Composed, lines: Sequence[bytes]) -> None:
    with conn.cursor().copy(statement) as copy:
        copy.write(b"\n".join(lines) + b"\n")


def largest_key(conn: Connection) -> int:
    """Return the largest key that a text or a folder was sent under."""
    return int(
        row_of(
            conn,
            """SELECT greatest((SELECT max(key) FROM migration_stage_text), (SELECT max(key) FROM migration_stage_path),
                               0)""",
        )[0]
    )


def digests(conn: Connection) -> list[tuple[int, int, int, bytes]]:
    """Return (first id, last id, rows, digest) of all images in the shadow tables."""
    return conn.execute("SELECT low, high, rows, digest FROM migration_stage_digest ORDER BY low").fetchall()


def group_keys(conn: Connection) -> tuple[bytes, bytes]:
    """Return the ids of all images in the shadow tables that can have a group, and their groups."""
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute("SELECT ids, groups FROM migration_stage_digest").fetchall()
    return b"".join(ids for ids, _ in rows), b"".join(groups for _, groups in rows)


def index_image_ids(conn: Connection) -> None:
    """Index the staged images by their ids."""
    conn.execute("CREATE INDEX IF NOT EXISTS migration_stage_image_source ON migration_stage_image (source_id)")


def staged_ids(conn: Connection, low: int, high: int) -> set[int]:
    """Return the source ids of the staged images between two, both included."""
    query: LiteralString = "SELECT source_id FROM migration_stage_image WHERE source_id BETWEEN %s AND %s"
    return {number for (number,) in conn.execute(query, (low, high))}


def is_part_done(conn: Connection, part: str) -> bool:
    """Whether a part of the writing is done and kept."""
    query: LiteralString = "SELECT EXISTS (SELECT 1 FROM migration_stage_chunk WHERE table_name = %s)"
    return bool(row_of(conn, query, (f"done: {part}",))[0])


def mark_part_done(conn: Connection, part: str) -> None:
    """Note that a part of the writing is done, in its transaction."""
    conn.execute(
        "INSERT INTO migration_stage_chunk (table_name, chunk, rows, lost) VALUES (%s, 0, 0, 0)", (f"done: {part}",)
    )


def row_counts(conn: Connection) -> dict[str, tuple[int, int]]:
    """Return (rows read, rows lost) by source table."""
    rows = conn.execute(
        "SELECT table_name, sum(rows)::bigint, sum(lost)::bigint FROM migration_stage_chunk"
        " WHERE chunk > 0 AND table_name <> '' GROUP BY 1"
    )
    return {table: (read, lost) for table, read, lost in rows}


def analyze(conn: Connection) -> None:
    """Analyze the staging tables: nobody else does, so soon after the load."""
    conn.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(_NAMES.values())))

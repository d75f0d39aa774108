"""Staging tables, which take the source's rows batch by batch, out of sight.

Images, their raw texts and prompts stand in tables of the very form of the library's own, in a schema of their own;
what else is read, and the checkpoints, in unlogged tables. A batch and its checkpoint are one transaction. When the
server crashes, all unlogged tables are emptied together, so that a checkpoint never speaks of rows that are gone; and
whoever was reading into them then is shut out, because its next batches would speak of texts and folders that it had
sent before.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import sql

from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.store.copy.binary import HEADER, TRAILER
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit import session

if TYPE_CHECKING:
    # Arrow takes time to load and is needed only while an import reads.
    import pyarrow as pa

SCHEMA: LiteralString = "migration_beside"
_COMMENT: LiteralString = "Made by dtk migrate, which removes it."
#: The tables of the library of which there are staged ones.
TABLES = ("prompt", "image", "image_raw")
_TABLES: dict[str, LiteralString] = {
    "path": "key bigint NOT NULL, path text NOT NULL, source_path text NOT NULL",
    # Images of a transaction, as they were sent: from low to high, or ids; ids of the library. unsaid: of each, in the
    # order of its record, the bits of its marks of which the source says nothing; NULL where it says all.
    "digest": """low bigint NOT NULL, high bigint NOT NULL, ids bigint[], digest bytea NOT NULL, unsaid bytea""",
    # Images with the path of another one, which is kept.
    "twin": "image_id bigint NOT NULL, kept_id bigint NOT NULL",
    "note": "table_name text NOT NULL, source_id bigint, outcome text NOT NULL, reason text NOT NULL, original jsonb",
    # Checkpoints: what was read of a table, by the first rowid of each range; and parts of the writing that are done.
    "chunk": """table_name text NOT NULL, first bigint NOT NULL, rows bigint NOT NULL, lost bigint NOT NULL,
        PRIMARY KEY (table_name, first)""",
    "ticket": "ticket bigint NOT NULL",
    # The order of the columns is that of the source, behind the rowid.
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
_NAMES = {name: sql.Identifier(f"migration_stage_{name}") for name in _TABLES}
#: Tables that an earlier release made besides.
_FORMER = [sql.Identifier(f"migration_stage_{name}") for name in ("image", "text", "raw")]
_HAS_FAST_COMPRESSION: LiteralString = """
SELECT attcompression = 'l' FROM pg_attribute WHERE attrelid = 'image_raw'::regclass AND attname = 'chunks'
"""


def staged(table: str) -> sql.Identifier:
    """Return the full name of the staged table of a table of the library."""
    return sql.Identifier(SCHEMA, table)


def create(conn: Connection) -> None:
    """Create empty staging tables, without indexes and keys; what earlier ones held is thrown away.

    Raises:
        DtkError: the name of their schema is taken.
    """
    drop(conn)
    if row_of(conn, "SELECT to_regnamespace(%s) IS NOT NULL", (SCHEMA,))[0]:
        raise DtkError(
            f"The database has a schema {SCHEMA} that this program did not make.",
            f"The migration needs that name for a while: ALTER SCHEMA {SCHEMA} RENAME TO another.",
        )
    for name, columns in _TABLES.items():
        conn.execute(sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(_NAMES[name], sql.SQL(columns)))
    conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
    conn.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(SCHEMA), _COMMENT))
    for table in TABLES:
        like = sql.SQL("LIKE {} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS").format(sql.Identifier(table))
        conn.execute(sql.SQL("CREATE TABLE {} ({}) WITH (autovacuum_enabled = off)").format(staged(table), like))
    # LIKE does not take the options of a table over.
    conn.execute(sql.SQL("ALTER TABLE {} SET (toast_tuple_target = 4080)").format(staged("prompt")))
    if not row_of(conn, _HAS_FAST_COMPRESSION)[0]:
        # pglz takes three times as long as all else that a workflow costs; a scan, which reads it again, compresses it.
        conn.execute(sql.SQL("ALTER TABLE {} ALTER chunks SET STORAGE EXTERNAL").format(staged("image_raw")))


def exists(conn: Connection) -> bool:
    """Whether there are staging tables."""
    return bool(row_of(conn, "SELECT to_regclass('migration_stage_chunk') IS NOT NULL")[0])


def _has_schema(conn: Connection) -> bool:
    """Whether there is a schema of ours; one of that name that somebody else made is none."""
    query: LiteralString = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace') IS NOT DISTINCT FROM %s"
    return bool(row_of(conn, query, (SCHEMA, _COMMENT))[0])


def drop(conn: Connection) -> None:
    """Drop the staging tables."""
    conn.execute("SET LOCAL client_min_messages = warning")
    conn.execute("DROP VIEW IF EXISTS pg_temp.migration_ready, pg_temp.migration_where")
    conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join([*_NAMES.values(), *_FORMER])))
    if _has_schema(conn):
        conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))


def set_search_path(conn: Connection) -> None:
    """Let the names of tables mean the staged ones, until the transaction ends."""
    conn.execute("SELECT set_config('search_path', %s || ', ' || current_setting('search_path'), true)", (SCHEMA,))


# -- checkpoints ------------------------------------------------------------------------------------------------------


def issue_ticket(conn: Connection) -> int:
    """Issue the ticket of a pass of reading, without which nothing is written, and which a crash takes away."""
    ticket = secrets.randbits(60)
    conn.execute("DELETE FROM migration_stage_ticket")
    conn.execute("INSERT INTO migration_stage_ticket VALUES (%s)", (ticket,))
    return ticket


def require_ticket(conn: Connection, ticket: int) -> None:
    """Make sure that the staging tables are those that were read into; ``ticket`` as ``issue_ticket`` gave it.

    Raises:
        DatabaseLostError: the server crashed since, and the staging tables are empty.
    """
    query: LiteralString = "SELECT EXISTS (SELECT 1 FROM migration_stage_ticket WHERE ticket = %s)"
    if not row_of(conn, query, (ticket,))[0]:
        raise DatabaseLostError("The database was started anew in the middle of the migration.")


def has_current_columns(conn: Connection) -> bool:
    """Whether the staging tables have the columns that are written to: not where an earlier release made them."""
    query: LiteralString = """
        SELECT count(*) = 2 FROM pg_attribute
         WHERE (attrelid, attname) IN ((to_regclass('migration_stage_digest'), 'unsaid'),
                                       (to_regclass('migration_stage_ticket'), 'ticket'))"""
    return bool(row_of(conn, query)[0])


def finished_chunks(conn: Connection) -> set[tuple[str, int]]:
    """Return the (table, first rowid) of the ranges that are staged."""
    return set(conn.execute("SELECT table_name, first FROM migration_stage_chunk"))


def row_counts(conn: Connection) -> dict[str, tuple[int, int]]:
    """Return (rows read, rows lost) by source table."""
    rows = conn.execute("SELECT table_name, sum(rows)::bigint, sum(lost)::bigint FROM migration_stage_chunk GROUP BY 1")
    return {table: (read, lost) for table, read, lost in rows}


def is_part_done(conn: Connection, part: str) -> bool:
    """Whether a part of the writing is done and kept."""
    return (f"done: {part}", 0) in finished_chunks(conn)


def mark_part_done(conn: Connection, part: str) -> None:
    """Note that a part of the writing is done, in its transaction."""
    conn.execute("INSERT INTO migration_stage_chunk VALUES (%s, 0, 0, 0)", (f"done: {part}",))


# -- rows -------------------------------------------------------------------------------------------------------------


def write_chunk(
    conn: Connection,
    ticket: int,
    chunk: tuple[str, int, int, int],
    rows: Sequence[Sequence[pa.Array]],
    notes: Sequence[tuple[Any, ...]],
) -> None:
    """Write the notes and the checkpoint of a range of one table, and its rows where they are not images.

    Args:
        ticket: as ``issue_ticket`` gave it.
        chunk: (table, first rowid, rows, lost rows): how many the source has there, and how many cannot be read.
        rows: columns of the table's staging table, in pieces.
        notes: (table, source id, outcome, reason, JSON of what the source said).

    Raises:
        DatabaseLostError: the server crashed since ``issue_ticket``, and the staging tables are empty.
    """
    session.commit_asynchronously(conn)
    require_ticket(conn, ticket)
    for columns in rows:
        _copy_columns(conn, _NAMES[chunk[0].lower()], columns)
    write_notes(conn, notes)
    conn.execute("INSERT INTO migration_stage_chunk VALUES (%s, %s, %s, %s)", chunk)


def write_notes(conn: Connection, notes: Sequence[tuple[Any, ...]]) -> None:
    """Write notes; as ``write_chunks``."""
    if notes:
        with conn.cursor().copy("COPY migration_stage_note FROM STDIN") as copy:
            for note in notes:
                copy.write_row(note)


def _copy_columns(conn: Connection, target: sql.Composable, columns: Sequence[pa.Array]) -> None:
    """Write columns of bigint and text into a table, which is named with its columns where these are not all."""
    from dtk_tui.store.copy import columns as copy_columns

    if columns and len(columns[0]):
        fields = [field for column in columns for field in copy_columns.fields(column)]
        rows = copy_columns.rows(fields, len(columns), len(columns[0]))
        with conn.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(target)) as copy:
            for block in (HEADER, copy_columns.payload(rows), TRAILER):
                copy.write(block)


def add_prompts(conn: Connection, prompts: Sequence[tuple[int, bytes]]) -> None:
    """Write prompts, given as (id, text)."""
    import pyarrow as pa

    columns = [pa.array([key for key, _ in prompts], pa.int64()), pa.array([text for _, text in prompts], pa.binary())]
    _copy_columns(conn, sql.SQL("{} (id, text)").format(staged("prompt")), columns)


def prompts(conn: Connection) -> Iterator[tuple[int, str]]:
    """Yield (id, text) of all prompts that were read."""
    with conn.cursor(name="prompts") as cursor:
        cursor.itersize = 5000
        yield from cursor.execute(sql.SQL("SELECT id, text FROM {}").format(staged("prompt")))


def images_with_prompts(conn: Connection, prompts: Sequence[int]) -> list[int]:
    """Return the images that have one of these prompts."""
    query = sql.SQL("SELECT id FROM {} WHERE prompt_id = ANY (%(ids)s) OR negative_prompt_id = ANY (%(ids)s)")
    return [number for (number,) in conn.execute(query.format(staged("image")), {"ids": list(prompts)})]


def largest_prompt_id(conn: Connection) -> int:
    """Return the largest id of a prompt that was given out, here or in the library."""
    query = sql.SQL("""
        SELECT greatest((SELECT max(id) FROM {}), 0,
                        pg_sequence_last_value(pg_get_serial_sequence('prompt', 'id')::regclass))""")
    return int(conn.execute(query.format(staged("prompt"))).fetchall()[0][0])


def digests(conn: Connection) -> list[tuple[int, int, list[int] | None, bytes]]:
    """Return (first id, last id, ids, digest) of all images, as ``ImageRows.write`` noted them."""
    return conn.execute("SELECT low, high, ids, digest FROM migration_stage_digest ORDER BY low").fetchall()


def analyze(conn: Connection, tables: Sequence[str]) -> None:
    """Analyze the staging tables, and some staged ones: nobody else does, so soon after the load."""
    names = sql.SQL(", ").join([*_NAMES.values(), *map(staged, tables)])
    conn.execute(sql.SQL("ANALYZE {}").format(names))

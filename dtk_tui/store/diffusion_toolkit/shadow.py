"""Shadow tables: copies of the library's tables in a schema of their own, that an import into an empty library fills.

What is written there is seen by nobody; in the end the tables take the places of the library's own at once. With that
schema first in the search path the same statements write into them that otherwise write into the library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import LiteralString

from psycopg import errors, sql

from dtk_tui.store.database import Connection, row_of

SCHEMA: LiteralString = "migration_beside"
_COMMENT: LiteralString = "Made by dtk migrate, which removes it."
#: The tables that are filled while the source is read; rows of the others are made of theirs.
READ = ("prompt", "image", "image_raw", "migrated_image")
TABLES = (*READ, "album_image", "image_tag", "node", "node_property")

# What somebody else hung on a table would be lost with it; and the schema needs a right that not everybody has.
_IS_REPLACEABLE: LiteralString = """
SELECT bool_and(relacl IS NULL AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                AND coalesce(reloptions, '{}') <@ '{toast_tuple_target=4080}'
                AND NOT relrowsecurity AND NOT relhassubclass AND NOT relispartition
                AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal
                                   AND (tgname <> 'image_promote_representatives' OR tgenabled <> 'O'))
                AND NOT EXISTS (SELECT 1 FROM pg_rewrite rule JOIN pg_depend ON pg_depend.objid = rule.oid
                                 WHERE refobjid = pg_class.oid AND classid = 'pg_rewrite'::regclass)
                AND NOT EXISTS (SELECT 1 FROM pg_publication_rel WHERE prrelid = pg_class.oid)
                AND NOT EXISTS (SELECT 1 FROM pg_statistic_ext WHERE stxrelid = pg_class.oid)
                AND NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid AND attacl IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid)
                AND obj_description(pg_class.oid, 'pg_class') IS NULL)
   AND has_database_privilege(current_database(), 'CREATE')
   AND has_schema_privilege(max(relnamespace), 'CREATE') AND count(DISTINCT relnamespace) = 1
  FROM pg_class WHERE oid = ANY (%s::regclass[])
"""
_HAS_FAST_COMPRESSION: LiteralString = """
SELECT attcompression = 'l' FROM pg_attribute WHERE attrelid = 'image_raw'::regclass AND attname = 'chunks'
"""
#: Shorter than the time after which PostgreSQL looks for a deadlock (deadlock_timeout, a second).
_LOCK_TIMEOUT = "400ms"
_IS_EMPTY: LiteralString = """
SELECT NOT (EXISTS (SELECT 1 FROM image) OR EXISTS (SELECT 1 FROM prompt))
"""


def is_possible(conn: Connection) -> bool:
    """Whether the library is empty, its tables may be replaced, and nobody else has a schema of that name."""
    is_free = exists(conn) or row_of(conn, "SELECT to_regnamespace(%s) IS NULL", (SCHEMA,))[0]
    return bool(is_free and row_of(conn, _IS_EMPTY)[0] and row_of(conn, _IS_REPLACEABLE, (list(TABLES),))[0])


def lock_tables(conn: Connection, others: Sequence[sql.Identifier]) -> bool:
    """Keep everybody else from the library's tables, and some others, until the transaction ends.

    Whoever holds one of them may wait for another of them: then all are let go before PostgreSQL ends one of the two.

    Returns:
        Whether that succeeded; if not, it is to be tried again.
    """
    statement = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE")
    try:
        with conn.transaction():
            conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_TIMEOUT))
            conn.execute(statement.format(sql.SQL(", ").join([*others, *map(library_table, TABLES)])))
    except errors.LockNotAvailable:
        return False
    conn.execute("SET LOCAL lock_timeout = 0")
    return True


def is_library_empty(conn: Connection) -> bool:
    """Whether the library, which is locked, is empty."""
    return bool(row_of(conn, _IS_EMPTY)[0])


def library_table(table: str) -> sql.Composable:
    """Return the name of a table of the library."""
    return sql.Identifier(table)


def shadow_table(table: str) -> sql.Identifier:
    """Return the full name of the shadow table of a table."""
    return sql.Identifier(SCHEMA, table)


def create(conn: Connection) -> None:
    """Create the empty shadow tables, without indexes and keys."""
    drop(conn)
    conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
    conn.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(SCHEMA), _COMMENT))
    for table in TABLES:
        make = "CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES) WITH (autovacuum_enabled = off)"
        conn.execute(sql.SQL(make).format(shadow_table(table), library_table(table)))
    # LIKE does not take the options of a table over.
    conn.execute(sql.SQL("ALTER TABLE {} SET (toast_tuple_target = 4080)").format(shadow_table("prompt")))
    if not row_of(conn, _HAS_FAST_COMPRESSION)[0]:
        # pglz takes three times as long as all else that a workflow costs; a scan, which reads it again, compresses it.
        _set_storage(conn, "EXTERNAL")


def _set_storage(conn: Connection, how: LiteralString) -> None:
    conn.execute(sql.SQL("ALTER TABLE {} ALTER chunks SET STORAGE " + how).format(shadow_table("image_raw")))


def restore_compression(conn: Connection) -> None:
    """Let workflows that are written from now on be compressed."""
    _set_storage(conn, "EXTENDED")


def exists(conn: Connection) -> bool:
    """Whether there are shadow tables; a schema of that name that somebody else made is none of ours."""
    query: LiteralString = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace') IS NOT DISTINCT FROM %s"
    return bool(row_of(conn, query, (SCHEMA, _COMMENT))[0])


def drop(conn: Connection) -> None:
    """Drop the shadow tables."""
    if exists(conn):
        conn.execute("SET LOCAL client_min_messages = warning")
        conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))


def set_search_path(conn: Connection) -> None:
    """Let the names of tables mean the shadow tables, until the transaction ends."""
    conn.execute("SELECT set_config('search_path', %s || ', ' || current_setting('search_path'), true)", (SCHEMA,))


# -- texts ------------------------------------------------------------------------------------------------------------


def prompts(conn: Connection) -> Iterator[tuple[int, str]]:
    """Yield (id, text) of all prompts that were read."""
    with conn.cursor(name="prompts") as cursor:
        cursor.itersize = 5000
        yield from cursor.execute(sql.SQL("SELECT id, text FROM {}").format(shadow_table("prompt")))


def images_with_prompts(conn: Connection, prompts: Sequence[int]) -> list[int]:
    """Return the images that have one of these prompts."""
    query = sql.SQL("SELECT id FROM {} WHERE prompt_id = ANY (%(ids)s) OR negative_prompt_id = ANY (%(ids)s)")
    return [number for (number,) in conn.execute(query.format(shadow_table("image")), {"ids": list(prompts)})]


def largest_prompt_id(conn: Connection) -> int:
    """Return the largest id of a prompt that was given out, here or in the library."""
    query = sql.SQL("""
        SELECT greatest((SELECT max(id) FROM {}), 0,
                        pg_sequence_last_value(pg_get_serial_sequence('prompt', 'id')::regclass))""")
    return int(conn.execute(query.format(shadow_table("prompt"))).fetchall()[0][0])


def reserve_folder_ids(conn: Connection, count: int) -> list[int]:
    """Return ids for folders that nobody else gets."""
    rows = conn.execute(
        "SELECT nextval(pg_get_serial_sequence('folder', 'id')::regclass) FROM generate_series(1, %s)", (count,)
    )
    return [number for (number,) in rows]


def delete_images(conn: Connection, ids: Sequence[int]) -> None:
    """Delete some images from the shadow tables."""
    for table, key in (("image", "id"), ("image_raw", "image_id")):
        statement = sql.SQL("DELETE FROM {} WHERE {} = ANY (%s)").format(shadow_table(table), sql.Identifier(key))
        conn.execute(statement, (list(ids),))

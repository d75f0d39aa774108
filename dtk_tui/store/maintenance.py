"""Maintenance of the database: versions and sizes, psql, reindex, vacuum."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import LiteralString

from psycopg import sql

from dtk_tui.store.database import Connection, Database, row_of
from dtk_tui.store.library import embedding_spaces, postings
from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.programs import environment


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Versions of the server and the schema; ``size_bytes`` is the size of this database on disk."""

    version: str
    pgvector: str
    size_bytes: int
    schema: str


def server_info(conn: Connection) -> ServerInfo:
    """Return the versions of the server and the schema, and the size of the database."""
    sql = """
        SELECT current_setting('server_version'),
               (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
               pg_database_size(current_database()),
               (SELECT max(migration_id) FROM _yoyo_migration)"""
    return ServerInfo(*row_of(conn, sql))


def identity(conn: Connection) -> str:
    """Return what tells this library from all others, whatever name its server is reached by."""
    sql = "SELECT md5(concat_ws(' ', (SELECT system_identifier FROM pg_control_system()), current_database()))"
    return str(row_of(conn, sql)[0])


def is_for_this_machine(conn: Connection) -> bool:
    """Say whether a connection is one that no other machine can make: by a socket, or by the loopback interface."""
    host, address = conn.info.host, conn.info.hostaddr
    return host.startswith(("/", "@")) or (bool(address) and ip_address(address).is_loopback)


def psql(db: Database, arguments: Sequence[str] = ()) -> int:
    """Open psql on the library, with further arguments, and return its exit status."""
    return subprocess.run([str(program("psql")), *arguments], env=environment(db.conninfo()), check=False).returncode


def reindex(db: Database) -> None:
    """Build every index of the library anew, also those of vectors that a bulk run took away; others wait meanwhile.

    The lists of words, which others need not wait for, are written anew after that.
    """
    with db.listener() as conn:  # REINDEX SCHEMA runs outside a transaction
        (name,) = row_of(conn, "SELECT quote_ident(current_schema())")
        conn.execute(f"REINDEX SCHEMA {name}".encode())
        for number in embedding_spaces.all_ids(conn):
            embedding_spaces.build_index(conn, number)
    with db.connection() as conn:
        postings.forget(conn)
    list_words(db)


def list_words(db: Database) -> None:
    """Put all prompts into the lists of words that searches read, but for those that are written meanwhile."""
    is_more = True
    while is_more:
        with db.connection() as conn:
            is_more = postings.list_some(conn, least=1)


_TABLES: LiteralString = """
SELECT c.relname, greatest(c.reltuples, 0)::bigint, pg_relation_size(c.oid), pg_indexes_size(c.oid),
       pg_total_relation_size(c.oid) - pg_relation_size(c.oid) - pg_indexes_size(c.oid),
       coalesce(s.n_dead_tup, 0), greatest(s.last_vacuum, s.last_autovacuum)
  FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
 ORDER BY pg_total_relation_size(c.oid) DESC, c.relname
"""


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table on disk: rows as last counted by the server, and bytes; ``other_bytes`` are of long values and maps."""

    name: str
    rows: int
    bytes: int
    index_bytes: int
    other_bytes: int
    dead_rows: int
    vacuumed_at: datetime | None

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return self.bytes + self.index_bytes + self.other_bytes


def table_sizes(conn: Connection) -> list[TableSize]:
    """Return the tables of the library, the largest first."""
    return [TableSize(*row) for row in conn.execute(_TABLES)]


def vacuum(db: Database, on_progress: Callable[[int, int], None]) -> tuple[int, int]:
    """Give the room of deleted rows free for others and count all tables anew, while others work on.

    Args:
        on_progress: told how many tables are done, and of how many.

    Returns:
        The size of the database before and after, in bytes.
    """
    size: LiteralString = "SELECT pg_database_size(current_database())"
    with db.listener() as conn:  # VACUUM runs outside a transaction
        (before,) = row_of(conn, size)
        names = [one.name for one in table_sizes(conn)]
        for number, name in enumerate(names):
            on_progress(number, len(names))
            conn.execute(sql.SQL("VACUUM (ANALYZE) public.{}").format(sql.Identifier(name)))
        (after,) = row_of(conn, size)
    return int(before), int(after)

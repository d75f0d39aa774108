"""Maintenance of the database: version and size, psql, backup, restore, reindex."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from dtk_tui.errors import DtkError
from dtk_tui.store import schema
from dtk_tui.store.database import Connection, Database, row_of
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.server.cluster import program


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


def environment(conninfo: str) -> dict[str, str]:
    """Return the environment for PostgreSQL's own programs: a password never stands on a command line."""
    names = {
        "host": "PGHOST",
        "hostaddr": "PGHOSTADDR",
        "port": "PGPORT",
        "dbname": "PGDATABASE",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "sslmode": "PGSSLMODE",
        "sslrootcert": "PGSSLROOTCERT",
        "service": "PGSERVICE",
        "passfile": "PGPASSFILE",
    }
    parts = conninfo_to_dict(conninfo)
    settings = {names[key]: str(value) for key, value in parts.items() if key in names and value is not None}
    return {**os.environ, **settings}


def psql(db: Database, arguments: Sequence[str] = ()) -> int:
    """Open psql on the library, with further arguments, and return its exit status."""
    return subprocess.run([str(program("psql")), *arguments], env=environment(db.conninfo()), check=False).returncode


def backup(db: Database, target: Path) -> int:
    """Write a dump of the whole library (pg_dump's custom format) and return its size in bytes.

    Raises:
        DtkError: the file exists already, or the dump failed; then no file is left.
    """
    if target.exists():
        raise DtkError(f"{target} exists already.", "Name a file that does not exist: a backup never overwrites one.")
    part = target.with_name(target.name + ".part")
    command = [str(program("pg_dump")), "--format=custom", "--compress=zstd:3", f"--file={part}"]
    if not _has_zstd():
        command[2] = "--compress=gzip:3"
    try:
        _run(command, db, "The backup failed.")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def _has_zstd() -> bool:
    done = subprocess.run([str(program("pg_config")), "--configure"], capture_output=True, text=True, check=False)
    return "--with-zstd" in done.stdout


def restore(db: Database, source: Path) -> None:
    """Replace the library by a backup, in one transaction: either all of it or nothing.

    Raises:
        DtkError: the file is not there, is no backup of a library, or one of a newer program; the library is unchanged
            then.
    """
    title = "The backup could not be restored; the library is unchanged."
    require_backup(source)
    dumped = _run(
        [str(program("pg_restore")), "--data-only", "--table=_yoyo_migration", "--file=-", str(source)], db, title
    )
    applied = {line.split("\t")[1] for line in dumped.splitlines() if line.count("\t") == 2}
    if not applied:
        raise DtkError(title, f"{source} holds another database, not a library.")
    schema.missing(applied)
    with tempfile.TemporaryDirectory(prefix="dtk-restore-") as folder:
        # Written out first: a backup that breaks off must not leave half a library behind.
        script = str(Path(folder) / "restore.sql")
        _run([str(program("pg_restore")), "--no-owner", f"--file={script}", str(source)], db, title)
        # pg_restore --clean cannot drop what partitions inherit: the schema goes and comes as a whole.
        fresh = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        psql_once = [str(program("psql")), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        _run([*psql_once, f"--command={fresh}", f"--file={script}"], db, title)
    schema.upgrade(db.conninfo())


def require_backup(source: Path) -> None:
    """Raise DtkError when there is no such file."""
    if not source.is_file():
        raise DtkError(f"There is no backup {source}.", "Check the spelling.")


def reindex(db: Database) -> None:
    """Build every index of the library anew, also those of vectors that a bulk run took away; others wait meanwhile."""
    with db.listener() as conn:  # REINDEX SCHEMA runs outside a transaction
        (name,) = row_of(conn, "SELECT quote_ident(current_schema())")
        conn.execute(f"REINDEX SCHEMA {name}".encode())
        for number in embedding_spaces.all_ids(conn):
            embedding_spaces.build_index(conn, number)


def _run(command: list[str], db: Database, title: str) -> str:
    done = subprocess.run(
        command, env=environment(db.conninfo()), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DtkError(title, done.stderr.strip()[-2000:])
    return done.stdout

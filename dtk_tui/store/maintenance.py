"""Maintenance of the database: version and size, psql, backup, restore, reindex."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from psycopg.conninfo import conninfo_to_dict

from dtk_tui.errors import DtkError
from dtk_tui.store import schema
from dtk_tui.store.database import Connection, Database, row_of
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.server import files
from dtk_tui.store.server.cluster import program

_NOT_RESTORED = "The backup could not be restored; the library is unchanged."
_LOCK_TIMEOUT_S = 60
_PSQL = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
# pg_restore --clean cannot drop what partitions inherit: the schema goes and comes as a whole.
_BEGIN = """\
BEGIN;
SET LOCAL client_min_messages = error;
SET LOCAL lock_timeout = '{lock_timeout_ms}ms';
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
"""
# What its server had beside it, such as rights of users whom this one does not know, would make the whole fail.
_ONLY_THE_LIBRARY = ("--no-owner", "--no-privileges", "--no-comments", "--no-publications", "--no-subscriptions")
_SILENT: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
_WAITED = "canceling statement due to lock timeout"
_WAITED_FOR = "Another program works in this library: end it, a scan or an import, and try again."
_ERROR = re.compile(r"\b(ERROR|FATAL|PANIC|error):")
_PLACE = re.compile(r"^psql:<stdin>:\d+: ")
_SAID_BYTES = _PIECE_BYTES = 1 << 20
_HEAD_BYTES = 1 << 13
_KNOWS_TRANSACTION_TIMEOUT = 170_000
_REASON_CHARACTERS = 2000


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
    """Write a dump of the whole library (pg_dump's custom format, mode 0600) and return its size in bytes.

    Raises:
        DtkError: the file exists already, or the dump failed; then no file is left.
    """
    if target.exists() or target.is_symlink():
        raise DtkError(f"{target} exists already.", "Name a file that does not exist: a backup never overwrites one.")
    part = target.with_name(target.name + ".part")
    command = [str(program("pg_dump")), "--format=custom", f"--compress={'zstd' if _has_zstd() else 'gzip'}:3"]
    try:
        file = files.create(part)
        try:
            # By its descriptor: the name may lead elsewhere by now, and to its standard output pg_dump writes the table
            # of contents twice, so that a dump whose end is cut off restores as if nothing was missing.
            _run([*command, "--no-sync", f"--file=/dev/fd/{file}"], db, "The backup failed.", (file,))
            os.fsync(file)
            part.replace(target)
            return os.fstat(file).st_size
        finally:
            os.close(file)
            part.unlink(missing_ok=True)
    except OSError as error:
        raise DtkError(f"The backup cannot be written to {target}.", f"{error.strerror or error}.") from error


def _has_zstd() -> bool:
    done = subprocess.run([str(program("pg_config")), "--configure"], capture_output=True, text=True, check=False)
    return "--with-zstd" in done.stdout


def restore(db: Database, source: Path) -> None:
    """Replace the library by a backup, in one transaction: either all of it or nothing.

    Raises:
        DtkError: the file is not there, is no backup of a library, or one of a newer program; the library is unchanged
            then.
    """
    require_backup(source)
    dumped = _run(
        [str(program("pg_restore")), "--data-only", "--table=_yoyo_migration", "--file=-", str(source)],
        db,
        _NOT_RESTORED,
    )
    applied = {line.split("\t")[1] for line in dumped.splitlines() if line.count("\t") == 2}
    if not applied:
        raise DtkError(_NOT_RESTORED, f"{source} holds another database, not a library.")
    schema.missing(applied)
    _replace(db, source)
    schema.upgrade(db.conninfo())


def _replace(db: Database, source: Path) -> None:
    """Send a backup as SQL to the server; it is committed only when all of it has arrived, and never lies on a disk."""
    with db.connection() as conn:
        (server,) = row_of(conn, "SELECT current_setting('server_version_num')::int")
    begin = _BEGIN.format(lock_timeout_ms=round(1000 * _LOCK_TIMEOUT_S)).encode()
    with tempfile.TemporaryFile() as sql_said, tempfile.TemporaryFile() as backup_said, ExitStack() as ends:
        psql = _start([str(program("psql")), *_PSQL, "--file=-"], db, ends, stdin=subprocess.PIPE, stderr=sql_said)
        command = [str(program("pg_restore")), *_ONLY_THE_LIBRARY, "--file=-", str(source)]
        reader = _start(command, db, ends, stdout=subprocess.PIPE, stderr=backup_said)
        script, lines = cast("IO[bytes]", psql.stdin), cast("IO[bytes]", reader.stdout)
        # psql ends first where it meets an error; that the rest cannot be sent then is no reason.
        with suppress(BrokenPipeError), script, lines:
            script.write(begin + understood_by(server, lines.read(_HEAD_BYTES)))
            shutil.copyfileobj(lines, script, _PIECE_BYTES)
            if reader.wait() == 0:
                script.write(b"\nCOMMIT;\n")
        if psql.wait() != 0:
            raise DtkError(_NOT_RESTORED, _reason(sql_said).replace(_WAITED, f"{_WAITED}. {_WAITED_FOR}"))
        if reader.wait() != 0:
            raise DtkError(_NOT_RESTORED, _reason(backup_said))


def understood_by(server: int, head: bytes) -> bytes:
    """Return the head of a dump without what a server of this version does not know: pg_restore never asks."""
    return head if server >= _KNOWS_TRANSACTION_TIMEOUT else head.replace(b"SET transaction_timeout = 0;\n", b"")


def _start(command: list[str], db: Database, ends: ExitStack, **streams: Any) -> subprocess.Popen[bytes]:
    """Start one of PostgreSQL's programs, which is ended with ``ends`` if it has not by then."""
    process = subprocess.Popen(command, env=environment(db.conninfo()), **_SILENT | streams)

    def end() -> None:
        if process.poll() is None:
            process.kill()
        process.wait()

    ends.callback(end)
    return process


def _reason(said: IO[bytes]) -> str:
    """Return what a program of PostgreSQL wrote to a file, from its first error on."""
    said.seek(0)
    return failure(said.read(_SAID_BYTES).decode(errors="replace"))


def failure(output: str) -> str:
    """Return the end of what a program of PostgreSQL wrote, from its first error on: notices before it say nothing."""
    lines = output.strip().splitlines()
    first = next((number for number, line in enumerate(lines) if _ERROR.search(line)), 0)
    return "\n".join(_PLACE.sub("", line) for line in lines[first:])[:_REASON_CHARACTERS]


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


def _run(command: list[str], db: Database, title: str, open_files: tuple[int, ...] = ()) -> str:
    done = subprocess.run(
        command,
        env=environment(db.conninfo()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        pass_fds=open_files,
    )
    if done.returncode != 0:
        raise DtkError(title, failure(done.stderr.decode(errors="replace")))
    return done.stdout.decode(errors="replace")

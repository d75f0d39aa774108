"""Replacing a library by a backup, and showing that a backup can be restored."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from dtk_tui.errors import DtkError
from dtk_tui.store import schema
from dtk_tui.store.backup.digests import Digests, check_script, digests, read_manifest
from dtk_tui.store.backup.dump import ignore
from dtk_tui.store.database import Database, row_of
from dtk_tui.store.server import locks, programs
from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.embedded import EmbeddedServer

_NOT_RESTORED = "The backup could not be restored; the library is unchanged."
_LOCK_TIMEOUT_S = 60
_VERIFY_TIMEOUT_S = 3600.0
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
ONLY_THE_LIBRARY = ("--no-owner", "--no-privileges", "--no-comments", "--no-publications", "--no-subscriptions")
_WAITED = "canceling statement due to lock timeout"
_WAITED_FOR = "Another program works in this library: end it, a scan or an import, and try again."
_PIECE_BYTES = 1 << 20
_HEAD_BYTES = 1 << 13
_KNOWS_TRANSACTION_TIMEOUT = 170_000


@dataclass(frozen=True, slots=True)
class Verified:
    """What was restored: its schema, tables and rows; ``is_compared`` where digests stood beside the backup."""

    schema: str
    tables: Digests
    is_compared: bool


def restore(db: Database, source: Path) -> int:
    """Replace the library by a backup, in one transaction: either all of it or nothing.

    Returns:
        How many tables were compared with the digests beside the backup; 0 where none stand there.

    Raises:
        DtkError: the file is not there, is no backup of a library, is not what its digests say, or is one of a newer
            program; the library is unchanged then.
    """
    schema.missing(_applied(db.conninfo(), source))
    compared = _replace(db, source)
    schema.upgrade(db.conninfo())
    return compared


def _applied(conninfo: str, source: Path) -> set[str]:
    """Return the migrations of a backup."""
    require_backup(source)
    command = [str(program("pg_restore")), "--data-only", "--table=_yoyo_migration", "--file=-", str(source)]
    dumped = programs.run(command, conninfo, _NOT_RESTORED)
    applied = {line.split("\t")[1] for line in dumped.splitlines() if line.count("\t") == 2}
    if not applied:
        raise DtkError(_NOT_RESTORED, f"{source} holds another database, not a library.")
    return applied


def _replace(db: Database, source: Path) -> int:
    """Send a backup as SQL to the server; it is committed only when all of it has arrived, and never lies on a disk."""
    manifest = read_manifest(source)
    with db.connection() as conn:
        (server,) = row_of(conn, "SELECT current_setting('server_version_num')::int")
    begin = _BEGIN.format(lock_timeout_ms=round(1000 * _LOCK_TIMEOUT_S)).encode()
    with tempfile.TemporaryFile() as sql_said, tempfile.TemporaryFile() as backup_said, ExitStack() as ends:
        psql = start_psql(db.conninfo(), ends, sql_said)
        command = [str(program("pg_restore")), *ONLY_THE_LIBRARY, "--file=-", str(source)]
        reader = programs.start(command, db.conninfo(), ends, stdout=subprocess.PIPE, stderr=backup_said)
        script, lines = cast("IO[bytes]", psql.stdin), cast("IO[bytes]", reader.stdout)
        # psql ends first where it meets an error; that the rest cannot be sent then is no reason.
        with suppress(BrokenPipeError), script, lines:
            script.write(begin + understood_by(server, lines.read(_HEAD_BYTES)))
            shutil.copyfileobj(lines, script, _PIECE_BYTES)
            if reader.wait() == 0:
                if manifest is not None:
                    script.write(check_script(manifest.tables))
                script.write(b"\nCOMMIT;\n")
        if psql.wait() != 0:
            raise DtkError(_NOT_RESTORED, programs.reason(sql_said).replace(_WAITED, f"{_WAITED}. {_WAITED_FOR}"))
        if reader.wait() != 0:
            raise DtkError(_NOT_RESTORED, programs.reason(backup_said))
    return len(manifest.tables) if manifest is not None else 0


def start_psql(conninfo: str, ends: ExitStack, said: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start psql, which does what is written to its standard input and ends at the first error."""
    command = [*programs.client("psql", conninfo), *_PSQL, "--file=-"]
    return programs.start(command, conninfo, ends, stdin=subprocess.PIPE, stderr=said)


def understood_by(server: int, head: bytes) -> bytes:
    """Return the head of a dump without what a server of this version does not know: pg_restore never asks."""
    return head if server >= _KNOWS_TRANSACTION_TIMEOUT else head.replace(b"SET transaction_timeout = 0;\n", b"")


def require_backup(source: Path) -> None:
    """Raise DtkError when there is no such file."""
    if not source.is_file():
        raise DtkError(f"There is no backup {source}.", "Check the spelling.")


def verify(source: Path, workplace: Path) -> Verified:
    """Restore a backup into a server of its own, which is removed afterwards, and compare it with its digests.

    Args:
        workplace: a folder in which that server may lie, on a disk that has room for the library.

    Raises:
        DtkError: the backup cannot be restored, or is not what its digests say.
    """
    require_backup(source)
    workplace.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(workplace / "verify.lock", _VERIFY_TIMEOUT_S):
        folder = workplace / "verify"
        server = EmbeddedServer(folder / "postgres")
        try:
            # One whose process was killed lies there still, and may even run.
            _remove(server, folder)
            db = Database(server.join(), None)
            try:
                applied = _applied(db.conninfo(), source)
                compared = _replace(db, source)
                with db.connection() as conn:
                    return Verified(max(applied), digests(conn, ignore), compared > 0)
            finally:
                db.close()
        except DtkError as error:
            if error.title != _NOT_RESTORED:
                raise
            raise DtkError(f"{source} is no good backup.", error.detail) from error
        finally:
            _remove(server, folder)


def _remove(server: EmbeddedServer, folder: Path) -> None:
    with suppress(OSError):
        server.stop()
    shutil.rmtree(folder, ignore_errors=True)

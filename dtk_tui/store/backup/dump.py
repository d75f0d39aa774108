"""Writing a library to a file, with the digests of what it holds beside it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from dtk_tui.atomic_file import write_whole
from dtk_tui.errors import DtkError, os_reason
from dtk_tui.store.backup.digests import Manifest, Progress, digests, manifest_of
from dtk_tui.store.database import Connection, Database, row_of
from dtk_tui.store.server import files, programs
from dtk_tui.store.server.cluster import program

# First statement of its transaction: what follows, and the dump, see the library as it is at this moment.
_AT_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_WHAT = """
SELECT (SELECT max(migration_id) FROM _yoyo_migration), to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
"""
_POLL_S = 0.2


def ignore(done: int, total: int) -> None:
    """Do nothing: for those who show no progress."""


def backup(db: Database, target: Path, on_progress: Progress = ignore) -> int:
    """Write a dump of the whole library (pg_dump's custom format, mode 0600) and return its size in bytes.

    Beside it stands a file with the digests of all tables. Both are of one moment, whoever writes meanwhile.

    Raises:
        DtkError: the file exists already, or the dump failed; then no file is left.
    """
    if target.exists() or target.is_symlink():
        raise DtkError(f"{target} exists already.", "Name a file that does not exist: a backup never overwrites one.")
    part = target.with_name(target.name + ".part")
    try:
        file = files.create(part)
        try:
            manifest = at_one_moment(db, file, f"{'zstd' if _has_zstd() else 'gzip'}:3", on_progress)
            os.fsync(file)
            # First the digests: a dump beside which none stand would count as one of an earlier version.
            write_whole(manifest_of(target), manifest.to_json())
            part.replace(target)
            return os.fstat(file).st_size
        finally:
            os.close(file)
            part.unlink(missing_ok=True)
    except OSError as error:
        raise DtkError(f"The backup cannot be written to {target}.", os_reason(error)) from error


def at_one_moment(db: Database, file: int, compression: str, on_progress: Progress) -> Manifest:
    """Have pg_dump write the library to a descriptor, and return the digests of its tables, both as of this moment.

    Args:
        compression: as pg_dump names it.
    """
    with db.listener() as conn, conn.transaction():
        conn.execute(_AT_ONE_MOMENT)
        return _dump(conn, db.conninfo(), file, compression, on_progress)


def _dump(conn: Connection, conninfo: str, file: int, compression: str, on_progress: Progress) -> Manifest:
    """Have pg_dump write what this transaction sees, and compute its digests meanwhile."""
    (snapshot,) = row_of(conn, "SELECT pg_export_snapshot()")
    # By its descriptor: the name may lead elsewhere by now, and to its standard output pg_dump writes the table
    # of contents twice, so that a dump whose end is cut off restores as if nothing was missing.
    command = [
        *programs.client("pg_dump", conninfo), "--format=custom", f"--compress={compression}", "--no-sync",
        f"--snapshot={snapshot}", f"--file=/dev/fd/{file}",
    ]  # fmt: skip
    with tempfile.TemporaryFile() as said, ExitStack() as ends:
        dumping = programs.start(command, conninfo, ends, stderr=said, pass_fds=(file,))
        schema, made_at = row_of(conn, _WHAT)

        def progress(done: int, total: int) -> None:
            if dumping.poll():
                raise DtkError("The backup failed.", programs.reason(said))
            on_progress(done, total)

        found = digests(conn, progress)
        _wait(dumping, lambda: on_progress(len(found), len(found)))
        if dumping.returncode != 0:
            raise DtkError("The backup failed.", programs.reason(said))
    return Manifest(str(schema), str(made_at), found)


def _wait(process: subprocess.Popen[bytes], each: Callable[[], None]) -> None:
    while True:
        each()
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue
        return


def _has_zstd() -> bool:
    done = subprocess.run([str(program("pg_config")), "--configure"], capture_output=True, text=True, check=False)
    return "--with-zstd" in done.stdout

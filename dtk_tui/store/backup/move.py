"""Moving a library to another server: table by table, each compared by its digest, going on where it was interrupted.

Three acts on the target, each whole or not at all: the empty tables, with a table ``dtk_move`` that keeps how far the
move came; each table with all its rows; indexes, keys and triggers, with which ``dtk_move`` goes. The source is only
read, and nobody can write to it meanwhile.
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import IO, LiteralString, cast

from psycopg import errors, sql

from dtk_tui.errors import DtkError
from dtk_tui.store.backup.digests import Progress, TableDigest, digest, digests, tables, write_plainly
from dtk_tui.store.backup.dump import ignore
from dtk_tui.store.backup.restore import ONLY_THE_LIBRARY, start_psql, understood_by
from dtk_tui.store.database import Connection, Database, row_of
from dtk_tui.store.diffusion_toolkit import staging
from dtk_tui.store.server import programs
from dtk_tui.text import counted

_NOT_MOVED = "The library could not be moved; it is unchanged where it was."
_LOCK_TIMEOUT: LiteralString = "60s"
# Held by who makes a part of the schema over there: psql goes on with what it was sent when its move was killed.
_ONE_AT_A_TIME: LiteralString = "SELECT pg_advisory_xact_lock(6583659)"
_HAS_MOVE: LiteralString = "SELECT to_regclass('public.dtk_move') IS NOT NULL"
_EMPTY: LiteralString = """
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
"""
_CREATE_MOVE: LiteralString = """
CREATE TABLE public.dtk_move (name text PRIMARY KEY, rows bigint NOT NULL, digest text NOT NULL);
"""
_NOTE: LiteralString = """
INSERT INTO dtk_move VALUES (%(name)s, %(rows)s, %(digest)s)
ON CONFLICT (name) DO UPDATE SET rows = excluded.rows, digest = excluded.digest
"""
_COLUMNS: LiteralString = """
SELECT attname FROM pg_attribute
 WHERE attrelid = to_regclass('public.' || quote_ident(%s)) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
 ORDER BY attnum
"""
_SEQUENCES: LiteralString = """
SELECT format('SELECT pg_catalog.setval(%L, %s, true);', format('%I.%I', schemaname, sequencename), last_value)
  FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL ORDER BY sequencename
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did: tables that were copied, those that an earlier try had copied, and the rows of the copied."""

    copied: int
    found: int
    rows: int


def _is_there(reading: Connection, target: Database) -> bool:
    """Return whether the target has all of this very library already; DtkError unless it has, or can take it."""
    with target.connection() as conn:
        there = tables(conn)
        if row_of(conn, _HAS_MOVE)[0] or not there:
            return False
        if not {"image", "_yoyo_migration"} <= there.keys():
            raise DtkError("The target holds tables of another program.", "Name an empty database.")
        (images,) = row_of(conn, "SELECT count(*) FROM image")
        if images == 0:
            return False
        if digests(conn, ignore) == digests(reading, ignore):
            return True
    raise DtkError(
        f"The target has another library, with {counted(images, 'image')}.",
        "A move goes into an empty database. Name another one, or take that library away.",
    )


def move(source: Database, target: Database, on_progress: Progress) -> Moved:
    """Copy the library into an empty database, or go on with that; the source stays as it is.

    Args:
        source: an open library that no worker uses.
        target: not opened: it has no library yet.

    Raises:
        DtkError: the target is not empty, something writes to the source, or a server failed; calling it again goes on.
    """
    with source.connection() as reading:
        if staging.exists(reading):
            raise DtkError("An import is unfinished.", "Finish it with dtk migrate --resume, or end it with --undo.")
        known = tables(reading)
        names = sql.SQL(", ").join(sql.Identifier("public", name) for name in known)
        reading.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
        try:
            reading.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))
        except errors.LockNotAvailable as error:
            raise DtkError("Another program writes to this library.", "End it, a scan or an import, first.") from error
        write_plainly(reading)
        with target.connection() as conn:
            conn.execute(_ONE_AT_A_TIME)
        if _is_there(reading, target):
            return Moved(0, len(known), 0)
        if not _is_begun(reading, target):
            _run_section(source, target, "pre-data", _EMPTY, _CREATE_MOVE)
        moved = _copy_all(reading, target, known, on_progress)
        sequences = [str(statement) for (statement,) in reading.execute(_SEQUENCES)]
        _run_section(source, target, "post-data", "", "\n".join([*sequences, "DROP TABLE public.dtk_move;"]))
    with target.listener() as conn:
        conn.execute("ANALYZE")
    return moved


def _is_begun(reading: Connection, target: Database) -> bool:
    """Tell whether an earlier try made the empty tables, and the library still has the same ones."""
    with target.connection() as conn:
        return bool(row_of(conn, _HAS_MOVE)[0]) and tables(reading) == tables(conn)


def _copy_all(reading: Connection, target: Database, known: dict[str, LiteralString], on_progress: Progress) -> Moved:
    with target.connection() as conn:
        done = {str(name): TableDigest(rows, of) for name, rows, of in conn.execute("SELECT * FROM dtk_move")}
    copied = found = rows = 0
    for number, (name, statement) in enumerate(known.items()):
        on_progress(number, len(known))
        wanted = digest(reading, statement)
        if done.get(name) == wanted:
            found += 1
            continue
        with target.connection() as writing:
            _copy(reading, writing, name)
            write_plainly(writing)
            if digest(writing, statement) != wanted:
                raise DtkError(_NOT_MOVED, f"The table {name} is not the same over there.")
            writing.execute(_NOTE, {"name": name, "rows": wanted.rows, "digest": wanted.digest})
        copied, rows = copied + 1, rows + wanted.rows
    on_progress(len(known), len(known))
    return Moved(copied, found, rows)


def _copy(reading: Connection, writing: Connection, name: str) -> None:
    """Put the rows of a table in the place of those that are there."""
    table = sql.Identifier("public", name)
    columns = sql.SQL(", ").join(sql.Identifier(column) for (column,) in reading.execute(_COLUMNS, (name,)))
    writing.execute(sql.SQL("TRUNCATE {}").format(table))
    with (
        reading.cursor().copy(sql.SQL("COPY {} ({}) TO STDOUT (FORMAT binary)").format(table, columns)) as out,
        writing.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, columns)) as into,
    ):
        for piece in out:
            into.write(piece)


def _run_section(source: Database, target: Database, section: str, before: str, after: str) -> None:
    """Have the target do what makes a part of the schema, with SQL before and after it, in one transaction."""
    with target.connection() as conn:
        (version,) = row_of(conn, "SELECT current_setting('server_version_num')::int")
    with tempfile.TemporaryFile() as sql_said, tempfile.TemporaryFile() as dump_said, ExitStack() as ends:
        psql = start_psql(target.conninfo(), ends, sql_said)
        conninfo = source.conninfo()
        command = [*programs.client("pg_dump", conninfo), *ONLY_THE_LIBRARY, f"--section={section}"]
        dumping = programs.start(command, conninfo, ends, stdout=subprocess.PIPE, stderr=dump_said)
        script, lines = cast("IO[bytes]", psql.stdin), cast("IO[bytes]", dumping.stdout)
        with suppress(BrokenPipeError), script, lines:
            head = understood_by(version, lines.read())
            if dumping.wait() == 0:
                begin = f"BEGIN;\nSET LOCAL client_min_messages = error;\n{_ONE_AT_A_TIME};\n{before}"
                script.write(begin.encode() + head + f"\n{after}\nCOMMIT;\n".encode())
        if dumping.wait() != 0:
            raise DtkError(_NOT_MOVED, programs.reason(dump_said))
        if psql.wait() != 0:
            raise DtkError(_NOT_MOVED, programs.reason(sql_said))

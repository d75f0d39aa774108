"""Session settings of an import: its advisory lock, memory, asynchronous commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psycopg import Error, sql

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection, Database, row_of

#: One import at a time in one database; held by a session, so it ends with its process.
_LOCK = 0x64746B6D


@contextmanager
def hold_import_lock(db: Database) -> Iterator[None]:
    """Hold the lock of imports into this database.

    Raises:
        DtkError: another import into this library is under way.
    """
    with db.listener() as conn:
        if not row_of(conn, "SELECT pg_try_advisory_lock(%s)", (_LOCK,))[0]:
            raise DtkError("Another migration into this library is under way.", "Wait for its end.")
        try:
            yield
        finally:
            # The server may see late that a connection is closed; who resumes at once must not meet its lock.
            with suppress(Error):
                conn.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def set_bulk_memory(conn: Connection, memory_mb: int) -> None:
    """Give this transaction the memory of a bulk load."""
    conn.execute(sql.SQL("SET LOCAL maintenance_work_mem = {}").format(sql.Literal(f"{memory_mb}MB")))
    conn.execute(sql.SQL("SET LOCAL work_mem = {}").format(sql.Literal(f"{memory_mb // 2}MB")))
    conn.execute("SET LOCAL jit = off")


def commit_asynchronously(conn: Connection) -> None:
    """Let the end of the transaction not wait for the disk; what follows is never kept without it."""
    conn.execute("SET LOCAL synchronous_commit = off")

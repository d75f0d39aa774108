"""Connections to PostgreSQL, the embedded server or any other: a pool, and listeners of their own."""

from __future__ import annotations

import os
import select
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, cast

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dtk_tui.config import Config
from dtk_tui.errors import DatabaseLostError, DtkError, ServerAwayError
from dtk_tui.store import arrays, schema
from dtk_tui.store.keepalives import with_keepalives
from dtk_tui.store.password import PasswordCommand
from dtk_tui.store.server.embedded import EmbeddedServer

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

arrays.register()

Connection = psycopg.Connection[tuple[Any, ...]]

#: How long a caller waits for a connection before it is told that the database is away.
_WAIT_S = 8.0
_POOL_SIZE = 12
#: How long a server has to answer who only asks whether it does.
_ASK_S = 2
#: A connection that worked so long ago works still.
_FRESH_S = 1.0
_OPEN_TRIES = 3
_READ_ONLY = "-c default_transaction_read_only=on"
#: A refused connection has no SQLSTATE for its client, only a text.
_NO_SERVICE = ("definition of service", "service file")
_REFUSALS = ("password authentication failed", "no password supplied", "no pg_hba.conf entry", 'role "')


def translate(error: psycopg.Error) -> DtkError:
    """Return the error for a person that an error of PostgreSQL stands for."""
    reason = str(error).strip() or type(error).__name__
    if isinstance(error, pg.DiskFull):
        return DatabaseLostError("The disk of the database is full.", f"{reason} Free some space; nothing is lost.")
    if isinstance(error, pg.InvalidPassword | pg.InvalidAuthorizationSpecification) or (
        error.sqlstate is None and any(words in reason for words in _REFUSALS)
    ):
        return DtkError(
            "PostgreSQL refused the user or the password.",
            f"{reason} Check DTK_DATABASE_URL or --dest; a password may also stand in ~/.pgpass, PGPASSWORD, a service "
            "file, or behind [database] password_command.",
        )
    if error.sqlstate is None and any(words in reason for words in _NO_SERVICE):
        return DtkError("The service that the connection string names is not known.", f"{reason} See: pg_service.conf.")
    if isinstance(error, pg.InsufficientPrivilege):
        return DtkError("PostgreSQL did not allow this.", f"{reason} The user needs rights on this database.")
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return DtkError(
            "Nothing was changed: this library only shows a database that Diffusion Toolkit goes on using.",
            "Make it your own library with: dtk db move --to embedded",
        )
    if isinstance(error, pg.DeadlockDetected):
        return DatabaseLostError("Another program held what this one needed, and the other way round.", "Try again.")
    if isinstance(error, pg.QueryCanceled) and "statement timeout" in reason:
        return DtkError(
            "The search took longer than it may, and was ended.",
            "Ask for fewer terms, or for longer words; [search] timeout_s in config.toml is the limit.",
        )
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ServerAwayError("The database cannot be reached.", reason)
    return DtkError("PostgreSQL refused a statement.", reason)


_SKIP_CHECKS = """
SELECT set_config('session_replication_role', %s, true)
 WHERE has_parameter_privilege('session_replication_role', 'SET')
"""


def skip_checks(conn: Connection, skip: bool) -> None:
    """Leave out, where the server allows it, to look up foreign keys whose targets this transaction has locked.

    Those look-ups cost as much as the rest of a bulk insert. Triggers rest as well: call it again with False.
    """
    conn.execute(_SKIP_CHECKS, ("replica" if skip else "origin",))


def limit_time(conn: Connection, seconds: float) -> None:
    """End every statement of this transaction that takes longer, with a DtkError."""
    conn.execute("SELECT set_config('statement_timeout', %s, true)", (f"{max(1, round(seconds * 1000))}ms",))


def cancel_statement(conn: Connection) -> None:
    """Cancel what another thread's connection is doing; nothing happens to one that does nothing."""
    with suppress(psycopg.Error):
        conn.cancel_safe(timeout=5.0)


def row_of(conn: Connection, sql: LiteralString, parameters: Any = None, *, binary: bool = False) -> tuple[Any, ...]:
    """Return the one row of a statement that always has one; ``binary``: sent as it is, which halves what is large."""
    row = conn.execute(sql, parameters, binary=binary).fetchone()
    if row is None:
        raise DtkError("The database answered nothing where it always answers.", sql)
    return row


def require_conninfo(url: str) -> None:
    """Refuse what is no connection string, without quoting it: it may hold a password."""
    try:
        conninfo_to_dict(url)
    except psycopg.Error:
        raise DtkError(
            "The database's connection string is not understood.",
            "DTK_DATABASE_URL or [database] url must be like postgresql://user:password@host:5432/dbname",
        ) from None


def _remove_old_scripts() -> None:
    """Remove what a restore that was killed left in versions up to schema V011: the library as SQL."""
    for folder in Path(tempfile.gettempdir()).glob("dtk-restore-*"):
        with suppress(OSError):
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                shutil.rmtree(folder)


def holds_password(url: str) -> bool:
    """Tell whether a connection string has a password in it; one that is not understood has none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return False
    return any(parts.get(key) for key in ("password", "sslpassword"))


def _is_ended(conn: Connection) -> bool:
    """Say whether the server ended a connection that rests: its last words, or the end, wait to be read."""
    poll = select.poll()
    poll.register(conn, select.POLLIN)
    return bool(poll.poll(0))


class Database:
    """A library's database: connections, and the end of using it.

    Use ``open`` and, at the end, ``close``; every thread takes a connection of its own with ``connection``.
    """

    def __init__(
        self,
        url: str | None,
        server: EmbeddedServer | None,
        password_command: PasswordCommand | None = None,
        *,
        is_read_only: bool = False,
    ) -> None:
        self._url = url
        self.server = server
        self.is_read_only = is_read_only
        self._password_command = password_command
        self._pool: ConnectionPool[Connection] | None = None
        #: The one that the library was opened with, and when it was last used: it is enough for a short command.
        self._first: tuple[Connection, float] | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, config: Config, before_upgrade: Callable[[Database], None] | None = None) -> Database:
        """Start or join the embedded server (or reach the configured one) and bring its schema up to date.

        Args:
            before_upgrade: called with a library that has images before its schema is changed; what it raises
                leaves the library as it is.

        Raises:
            DtkError: the server cannot be started or reached; says why and what to do.
        """
        database = cls._of(config)
        try:
            database._prepare(before_upgrade)
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def _of(cls, config: Config) -> Database:
        url = config.database_url
        if url is not None:
            require_conninfo(url)
        command = config.settings.database.password_command
        return cls(
            url,
            None if url else EmbeddedServer(config.paths.database),
            PasswordCommand(command) if command and url else None,
        )

    @classmethod
    def require_server(cls, config: Config) -> None:
        """Connect to the server and leave.

        Raises:
            ServerAwayError: it is away.
            DtkError: it does not let this user in.
        """
        try:
            psycopg.connect(cls._of(config).conninfo(), connect_timeout=10).close()
        except psycopg.Error as error:
            raise translate(error) from error

    @classmethod
    def open_embedded(cls, folder: Path, *, is_read_only: bool = False) -> Database:
        """Start or join the embedded server of a data folder; as ``open``.

        Args:
            is_read_only: refuse whatever writes.
        """
        database = cls(None, EmbeddedServer(folder), is_read_only=is_read_only)
        try:
            database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    def conninfo(self) -> str:
        """Return the libpq connection string; the embedded server is started again if it is gone."""
        if self.server is not None:
            conninfo = self.server.join()
            return make_conninfo(conninfo, options=_READ_ONLY) if self.is_read_only else conninfo
        url = cast("str", self._url)
        return with_keepalives(url if self._password_command is None else self._password_command.added_to(url))

    def _connecting_failed(self, pool: ConnectionPool[Connection]) -> None:
        """Let a password that may have been replaced be asked for again."""
        if self._password_command is not None:
            self._password_command.forget()

    def _prepare(self, before_upgrade: Callable[[Database], None] | None = None) -> None:
        for left in range(_OPEN_TRIES, 0, -1):
            try:
                self._bring_up_to_date(before_upgrade)
            except DatabaseLostError:
                # The embedded server may end between the answer that it is ready and the first question: the next
                # try starts it again. A server elsewhere is away, and its user hears of it at once.
                if self.server is None or left == 1:
                    raise
            else:
                return

    def _bring_up_to_date(self, before_upgrade: Callable[[Database], None] | None) -> None:
        conninfo = self.conninfo()
        try:
            conn = psycopg.connect(conninfo, connect_timeout=10)
            try:
                missing = schema.pending(conn)
                is_upgrade = bool(missing) and schema.has_images(conn)
                conn.commit()
            except BaseException:
                conn.close()
                raise
            if not missing:
                self._keep_first(conn)
            else:
                conn.close()
                if is_upgrade and before_upgrade is not None:
                    before_upgrade(self)
                schema.upgrade(conninfo)
                _remove_old_scripts()
        except psycopg.Error as error:
            raise translate(error) from error

    def _keep_first(self, conn: Connection) -> None:
        """Keep the first connection for its next user, unless there is a pool by now."""
        with self._lock:
            is_kept = self._pool is None
            if is_kept:
                self._first = conn, time.monotonic()
        if not is_kept:
            conn.close()

    def _take_first(self) -> Connection | None:
        """Return the first connection, where nobody uses it and it is sure to work."""
        with self._lock:
            first, self._first = self._first, None
        if first is None:
            return None
        conn, used_at = first
        if self._pool is None and time.monotonic() - used_at < _FRESH_S and not _is_ended(conn):
            return conn
        conn.close()
        return None

    def _connections(self) -> ConnectionPool[Connection]:
        from psycopg_pool import ConnectionPool

        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self.conninfo,
                    min_size=0,
                    max_size=_POOL_SIZE,
                    open=True,
                    timeout=_WAIT_S,
                    max_idle=60.0,
                    reconnect_timeout=5.0,
                    reconnect_failed=self._connecting_failed,
                    check=ConnectionPool.check_connection,
                    kwargs={"connect_timeout": 10},
                )
            return self._pool

    def answers(self) -> bool:
        """Say within seconds whether the server answers now; one that does not run is not started."""
        try:
            if self.server is not None:
                return self.server.answers()
            psycopg.connect(self.conninfo(), connect_timeout=_ASK_S).close()
        except (psycopg.Error, DtkError):
            return False
        return True

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Give a connection in a transaction: committed at the end, rolled back on an error.

        Raises:
            DatabaseLostError: no connection can be had, or it broke; what was not committed did not happen.
            DtkError: PostgreSQL refused something.
        """
        conn = self._take_first()
        try:
            if conn is None:
                with self._pooled() as pooled:
                    yield pooled
                return
            try:
                yield conn
                conn.commit()
            except BaseException:
                conn.close()
                raise
            self._keep_first(conn)
        except psycopg.Error as error:
            raise translate(error) from error

    @contextmanager
    def _pooled(self) -> Iterator[Connection]:
        from psycopg_pool import PoolClosed, PoolTimeout

        try:
            with self._connections().connection() as conn:
                yield conn
        except PoolTimeout as error:
            raise DatabaseLostError("The database cannot be reached.", "It is tried again.") from error
        except PoolClosed as error:
            raise DatabaseLostError("The database was closed.", "") from error

    @contextmanager
    def listener(self, *channels: LiteralString) -> Iterator[Connection]:
        """Give a connection of its own, outside the pool, that hears NOTIFY on ``channels``.

        Raises:
            DatabaseLostError: as ``connection``.
        """
        try:
            with psycopg.connect(self.conninfo(), autocommit=True, connect_timeout=10) as conn:
                for channel in channels:
                    conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
                yield conn
        except psycopg.Error as error:
            raise translate(error) from error

    def close(self) -> None:
        """Give everything back; the embedded server stops when its last user leaves."""
        with self._lock:
            pool, self._pool = self._pool, None
            first, self._first = self._first, None
        if first is not None:
            first[0].close()
        if pool is not None:
            pool.close(timeout=2.0)
        if self.server is not None:
            self.server.leave()

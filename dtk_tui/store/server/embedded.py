"""The embedded PostgreSQL: started on demand, shared by every dtk process, stopped when the last one leaves.

Beside the data folder ``postgres`` lie

- ``postgres.users``: every process that uses the server holds a shared lock on it, which the kernel releases when the
  process ends, however it ends. Who can lock it alone is the last one.
- ``postgres.lock``: locked alone by whoever decides about starting and stopping.
- ``postgres.server``: locked by the server's own processes, which inherit the lock, as long as one of them lives. So a
  process id that is used again, a zombie, or another process id namespace deceives nobody.
- ``postgres.keep``: exists when the server shall go on after the last one has left.
- ``postgres.log``, ``postgres.log.1``: what the server wrote.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.store.server import files, locks
from dtk_tui.store.server.cluster import DATABASE, PORT, USER, check_socket_folder, folder_error
from dtk_tui.store.server.process import START_TIMEOUT_S, STOP_TIMEOUT_S, ServerProcess

#: Others decide within milliseconds, or wait for a server that does not answer; they are its users, and stop it.
_LEAVE_S = 5.0


class EmbeddedServer:
    """One process's share in the server of a data folder; safe to use from several threads and after a fork."""

    def __init__(self, data: Path) -> None:
        """Name the server; nothing is started or made.

        Args:
            data: its data folder, made at the first ``join``.
        """
        # Two names of one folder must lead to the same locks.
        self._data = Path(os.path.realpath(data))
        self._users_file = self._sibling("users")
        self._decision_file = self._sibling("lock")
        self._keep_file = self._sibling("keep")
        self.log_file = self._sibling("log")
        self._process = ServerProcess(self._data, self._sibling("server"), self.log_file)
        self._forget()

    def _sibling(self, suffix: str) -> Path:
        return self._data.with_name(f"{self._data.name}.{suffix}")

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._users: int | None = None
        self._mutex = threading.RLock()
        self._leaving = threading.Event()

    def _after_fork(self) -> None:
        """A forked child has no share in the server: its parent's is not its own."""
        if self._pid != os.getpid():
            self._forget()

    def join(self) -> str:
        """Register this process as a user, start the server if it does not run, and return how to connect to it.

        May be called again, and must be when a connection is lost: it then waits for a recovery or starts the server
        anew. Takes a few milliseconds when the server runs. A server that is started has the priority (nice value) of
        the calling thread.

        Returns:
            A libpq connection string.

        Raises:
            DtkError: the server cannot be started or the folder cannot be used; says why and what to do.
        """
        self._after_fork()
        with self._mutex:
            self._require_use()
            try:
                self._data.parent.mkdir(parents=True, exist_ok=True)
                with locks.exclusive(self._decision_file, START_TIMEOUT_S + STOP_TIMEOUT_S, self._require_use):
                    return self._join()
            except OSError as error:
                raise folder_error(self._data, error) from error

    def leave(self) -> None:
        """End this process's use of the server; the last one to leave stops it and waits until it has ended.

        Who waits in ``join`` meanwhile, perhaps for minutes, is told that it is over.
        """
        self._after_fork()
        self._leaving.set()
        try:
            with self._mutex:
                self._leave()
        finally:
            self._leaving.clear()

    def _leave(self) -> None:
        if self._users is None:
            return
        try:
            with locks.exclusive(self._decision_file, _LEAVE_S):
                self._release_users_lock()
                self._stop_if_unused()
        except (DtkError, OSError):
            # Somebody else decides at this moment, or the folder is gone: nothing is left to do for this process.
            self._release_users_lock()

    def _require_use(self) -> None:
        if self._leaving.is_set():
            raise DatabaseLostError("The database was closed.", "")

    def is_running(self) -> bool:
        """Tell whether a server takes connections, or will again after its recovery from a crash."""
        return self._process.is_running()

    def answers(self) -> bool:
        """Tell whether a server takes connections at this moment."""
        return self._process.answers()

    def pid(self) -> int | None:
        """Return the process id of the server, or None when none runs."""
        return self._process.pid()

    @property
    def opened_folders(self) -> list[Path]:
        """Folders that everybody may pass through since this object started the server: its account has to."""
        return self._process.opened_folders

    def keep(self, on: bool) -> None:
        """Keep the server running after the last one has left, until this is switched off or ``stop`` is called.

        Raises:
            DtkError: the folder cannot be written to.
        """
        self._after_fork()
        with self._mutex:
            try:
                self._data.parent.mkdir(parents=True, exist_ok=True)
                with locks.exclusive(self._decision_file, START_TIMEOUT_S + STOP_TIMEOUT_S):
                    if on:
                        os.close(files.append(self._keep_file))
                    else:
                        self._keep_file.unlink(missing_ok=True)
                        self._stop_if_unused()
            except OSError as error:
                raise folder_error(self._data, error) from error

    def stop(self) -> None:
        """Stop the server now, whoever uses it, and end ``keep``; their connections are closed, nothing is lost.

        Raises:
            DtkError: it did not stop in time, or may not be stopped by this user.
        """
        self._after_fork()
        with self._mutex:
            if not self._data.exists():
                return
            try:
                with locks.exclusive(self._decision_file, START_TIMEOUT_S + STOP_TIMEOUT_S):
                    self._keep_file.unlink(missing_ok=True)
                    stopped = self._process.shut_down()
            except OSError as error:
                raise folder_error(self._data, error) from error
            if not stopped:
                raise DtkError("The database has not stopped yet.", f"It is still busy; its log is {self.log_file}.")

    def _join(self) -> str:
        newly = self._acquire_users_lock()
        try:
            self._process.shorten_log()
            folder = self._process.ensure_running(self._require_use)
        except BaseException as error:
            if newly:
                self._release_users_lock()
                if not isinstance(error, Exception):
                    # Ctrl-C while waiting: nobody would stop what was just started.
                    self._stop_if_unused()
            raise
        if folder != self._data:
            check_socket_folder(folder, self._data.stat().st_uid)
        host = str(folder).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port={PORT} dbname={DATABASE} user={USER} application_name=dtk"

    def _acquire_users_lock(self) -> bool:
        """Take part in the users' lock; return whether this process did not yet."""
        if self._users is not None and locks.is_lock_of(self._users, self._users_file):
            return False
        self._release_users_lock()
        # Nobody holds it alone but under the lock on decisions, which is ours now.
        self._users = locks.try_lock(self._users_file, exclusive=False)
        return True

    def _release_users_lock(self) -> None:
        if self._users is not None:
            locks.unlock(self._users)
            self._users = None

    def _stop_if_unused(self) -> None:
        if self._keep_file.exists():
            return
        alone = locks.try_lock(self._users_file, exclusive=True)
        if alone is not None:
            try:
                self._process.shut_down()
            finally:
                locks.unlock(alone)

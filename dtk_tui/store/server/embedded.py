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
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from dtk_tui.errors import DtkError
from dtk_tui.store.server import locks
from dtk_tui.store.server.cluster import (
    DATABASE,
    PORT,
    USER,
    Postmaster,
    check_socket_folder,
    environment,
    explained,
    prepare,
    processes,
    program,
    read_postmaster,
    refusal,
    send,
    socket_folder,
)
from dtk_tui.store.server.probe import Answer, ask

__all__ = ["EmbeddedServer", "program"]

_START_TIMEOUT_S = 300.0
"""Recovery after a crash replays up to max_wal_size of WAL."""
_STOP_TIMEOUT_S = 60.0
_ORPHANS_S = 1.0
_LOST_SOCKET_S = 2.0
_UNSEEN_S = 3.0
_POLL_S = 0.01
_LONGEST_POLL_S = 0.2
_LOG_BYTES = 8 * 1024 * 1024
# The shell ends at once, so that the server is nobody's child: it leaves no zombie behind, and no signal of the
# terminal reaches it. Its arguments are never read as shell text.
_DETACH = '"$@" &'


class EmbeddedServer:
    """One process's share in the server of a data folder; safe to use from several threads and after a fork."""

    def __init__(self, data: Path) -> None:
        """Name the server; nothing is started or made.

        Args:
            data: its data folder, made at the first ``join``.
        """
        # Two names of one folder must lead to the same locks.
        self._data = Path(os.path.realpath(data))
        self._users_file = self._beside("users")
        self._decision_file = self._beside("lock")
        self._server_file = self._beside("server")
        self._keep_file = self._beside("keep")
        self.log_file = self._beside("log")
        self._forget()

    def _beside(self, suffix: str) -> Path:
        return self._data.with_name(f"{self._data.name}.{suffix}")

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._users: int | None = None
        self._mutex = threading.RLock()

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
            try:
                self._data.parent.mkdir(parents=True, exist_ok=True)
                with locks.exclusive(self._decision_file, _START_TIMEOUT_S + _STOP_TIMEOUT_S):
                    return self._join()
            except OSError as error:
                raise refusal(self._data, error) from error

    def leave(self) -> None:
        """End this process's use of the server; the last one to leave stops it and waits until it has ended."""
        self._after_fork()
        with self._mutex:
            if self._users is None:
                return
            try:
                with locks.exclusive(self._decision_file, _STOP_TIMEOUT_S):
                    self._strike_off()
                    self._stop_if_unused()
            except (DtkError, OSError):
                # Somebody else decides at this moment, or the folder is gone: nothing is left to do for this process.
                self._strike_off()

    def is_running(self) -> bool:
        """Tell whether a server takes connections, or will again after its recovery from a crash."""
        return self._ask(read_postmaster(self._data)) is not Answer.NONE

    def pid(self) -> int | None:
        """Return the process id of the server, or None when none runs."""
        postmaster = read_postmaster(self._data)
        return postmaster.pid if postmaster and self._alive(postmaster) else None

    def keep(self, on: bool) -> None:
        """Keep the server running after the last one has left, until this is switched off or ``stop`` is called.

        Raises:
            DtkError: the folder cannot be written to.
        """
        self._after_fork()
        with self._mutex:
            try:
                self._data.parent.mkdir(parents=True, exist_ok=True)
                with locks.exclusive(self._decision_file, _START_TIMEOUT_S + _STOP_TIMEOUT_S):
                    if on:
                        self._keep_file.touch(mode=0o600)
                    else:
                        self._keep_file.unlink(missing_ok=True)
                        self._stop_if_unused()
            except OSError as error:
                raise refusal(self._data, error) from error

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
                with locks.exclusive(self._decision_file, _START_TIMEOUT_S + _STOP_TIMEOUT_S):
                    self._keep_file.unlink(missing_ok=True)
                    stopped = self._shut_down()
            except OSError as error:
                raise refusal(self._data, error) from error
            if not stopped:
                raise DtkError("The database has not stopped yet.", f"It is still busy; its log is {self.log_file}.")

    def _join(self) -> str:
        newly = self._enlist()
        try:
            self._shorten_log()
            folder = self._ensure_running()
        except BaseException as error:
            if newly:
                self._strike_off()
                if not isinstance(error, Exception):
                    # Ctrl-C while waiting: nobody would stop what was just started.
                    self._stop_if_unused()
            raise
        if folder != self._data:
            check_socket_folder(folder, self._data.stat().st_uid)
        host = str(folder).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port={PORT} dbname={DATABASE} user={USER} application_name=dtk"

    def _enlist(self) -> bool:
        """Take part in the users' lock; return whether this process did not yet."""
        if self._users is not None and locks.is_lock_of(self._users, self._users_file):
            return False
        self._strike_off()
        # Nobody holds it alone but under the lock on decisions, which is ours now.
        self._users = locks.try_lock(self._users_file, exclusive=False)
        return True

    def _strike_off(self) -> None:
        if self._users is not None:
            locks.unlock(self._users)
            self._users = None

    def _stop_if_unused(self) -> None:
        if self._keep_file.exists():
            return
        alone = locks.try_lock(self._users_file, exclusive=True)
        if alone is not None:
            try:
                self._shut_down()
            finally:
                locks.unlock(alone)

    def _ask(self, postmaster: Postmaster | None) -> Answer:
        # A server that starts or stops says so in its file; each refused connection would be a line in its log.
        if postmaster is None or postmaster.socket_folder is None or postmaster.status not in ("ready", "standby"):
            return Answer.NONE
        return ask(postmaster.socket_folder / f".s.PGSQL.{PORT}", USER, DATABASE)

    def _alive(self, postmaster: Postmaster | None) -> bool:
        """Tell whether any process of the server lives, also one that was started by hand and holds no lock."""
        if locks.is_locked(self._server_file):
            return True
        return self._first(postmaster)

    def _ensure_running(self) -> Path:
        """Start the server unless it runs, wait until it is ready, and return the folder of its socket."""
        begin = time.monotonic()
        log_begin: int | None = None
        deaf_since: float | None = None
        pause = _POLL_S
        while True:
            postmaster = read_postmaster(self._data)
            answer = self._ask(postmaster)
            if answer is Answer.READY and postmaster and postmaster.socket_folder:
                return postmaster.socket_folder
            now = time.monotonic()
            if answer is Answer.NOT_YET:
                deaf_since = None
            elif self._alive(postmaster):
                deaf_since = deaf_since or now
                if log_begin is None:
                    self._end_silence(postmaster, now - deaf_since)
            elif log_begin is None:
                log_begin = self._log_size()
                self._start()
            else:
                raise self._start_failure("The database could not be started.", log_begin)
            if now - begin > _START_TIMEOUT_S:
                raise self._start_failure("The database does not become ready.", log_begin or 0)
            time.sleep(pause)
            pause = min(pause * 1.1, _LONGEST_POLL_S)

    def _end_silence(self, postmaster: Postmaster | None, silent_s: float) -> None:
        """End a server that lives but cannot be reached: one without its first process, or one without its socket.

        Raises:
            DtkError: its processes cannot be seen from here.
        """
        if not self._first(postmaster):
            if silent_s > _ORPHANS_S and not self._end_orphans() and silent_s > _UNSEEN_S:
                raise DtkError(
                    "The database is in use on another machine or in another container.",
                    f"A server that this process cannot reach works in {self._data}. Stop it there with `dtk db stop`, "
                    "or choose another folder with DTK_HOME.",
                )
        elif postmaster and silent_s > _LOST_SOCKET_S and postmaster.status == "ready":
            send(postmaster.pid, signal.SIGINT)

    def _first(self, postmaster: Postmaster | None) -> bool:
        """Tell whether the server's first process lives and can be seen from here."""
        return postmaster is not None and bool(processes(self._data, only=postmaster.pid))

    def _end_orphans(self) -> bool:
        """End the processes of a server whose first process was killed, and return whether there were any.

        They end by themselves except in a long computation; what they have not committed is undone by the recovery.
        """
        orphans = processes(self._data)
        for pid in orphans:
            send(pid, signal.SIGKILL)
        return bool(orphans)

    def _start(self) -> None:
        account = prepare(self._data)
        folder = socket_folder(self._data, account)
        # No process of the server lives. PostgreSQL would refuse to start if the id in a file that a killed one left is
        # now another process's, or still a zombie's.
        for stale in (self._data / "postmaster.pid", folder / f".s.PGSQL.{PORT}.lock"):
            stale.unlink(missing_ok=True)
        quoted = '"' + str(folder).replace('"', '""') + '"'
        command = [str(program("postgres")), "-D", str(self._data), "-k", quoted]
        log = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        server = self._lock_for_server()
        try:
            subprocess.run(
                ["/bin/sh", "-c", _DETACH, "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                check=True,
                start_new_session=True,
                cwd="/",
                env=environment(),
                pass_fds=(server,),
                **account.popen_arguments(),
            )
        finally:
            # Closed, not unlocked: it stays locked by the server.
            locks.close(server)
            os.close(log)

    def _lock_for_server(self) -> int:
        deadline = time.monotonic() + _LOST_SOCKET_S
        while (fd := locks.try_lock(self._server_file, exclusive=True)) is None:
            # Somebody who asks whether the server lives holds it for an instant.
            if time.monotonic() > deadline:
                raise DtkError("The database is still in use by another process.", f"It holds {self._server_file}.")
            time.sleep(_POLL_S)
        return fd

    def _shut_down(self) -> bool:
        """Stop the server and return whether it has ended."""
        begin = seen = time.monotonic()
        asked: int | None = None
        folder: Path | None = None
        while self._alive(postmaster := read_postmaster(self._data)):
            now = time.monotonic()
            if postmaster and self._first(postmaster):
                seen = now
                folder = postmaster.socket_folder or folder
                if asked != postmaster.pid:
                    # In the recovery after a crash PostgreSQL 18 never ends on SIGINT; there is nothing to save either.
                    recovers = self._ask(postmaster) is Answer.NOT_YET
                    send(postmaster.pid, signal.SIGQUIT if recovers else signal.SIGINT)
                    asked = postmaster.pid
            if (now - seen > _ORPHANS_S and not self._end_orphans()) or now - begin > _STOP_TIMEOUT_S:
                return False
            time.sleep(_POLL_S)
        if folder not in (None, self._data):
            with suppress(OSError):
                folder.rmdir()
        return True

    def _log_size(self) -> int:
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def _shorten_log(self) -> None:
        """Bound the log: the server appends to the file, so it goes on at the new end."""
        if self._log_size() > _LOG_BYTES:
            try:
                shutil.copyfile(self.log_file, self.log_file.with_name(f"{self.log_file.name}.1"))
            finally:
                os.truncate(self.log_file, 0)

    def _start_failure(self, title: str, log_begin: int) -> DtkError:
        end = ""
        if self.log_file.exists():
            with self.log_file.open("rb") as file:
                file.seek(log_begin)
                end = explained(file.read(_LOG_BYTES).decode(errors="replace"))
        return DtkError(title, f"{end}\nThe whole log: {self.log_file}")

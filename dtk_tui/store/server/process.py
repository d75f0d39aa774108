"""The process of the embedded PostgreSQL: whether it runs, how it is started and stopped, and its log.

Whoever starts or stops it holds the lock on decisions (see ``embedded``).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dtk_tui.errors import DtkError
from dtk_tui.store.server import files, locks
from dtk_tui.store.server.cluster import (
    DATABASE,
    PORT,
    USER,
    Postmaster,
    environment,
    failure_excerpt,
    prepare,
    processes,
    program,
    read_postmaster,
    send_signal,
    socket_folder,
)
from dtk_tui.store.server.probe import Answer, ask

START_TIMEOUT_S = 300.0
"""Recovery after a crash replays up to max_wal_size of WAL."""
STOP_TIMEOUT_S = 60.0
#: SIGQUIT ends a server at once, unless it is frozen.
_QUIT_S = 5.0
_ORPHANS_S = 1.0
_LOST_SOCKET_S = 2.0
#: One that ends while it starts may have been killed, by a user or for memory: it is started once more.
_STARTS = 2
_UNSEEN_S = 3.0
_POLL_S = 0.01
_LONGEST_POLL_S = 0.2
_LOG_BYTES = 8 * 1024 * 1024
# The shell ends at once, so that the server is nobody's child: it leaves no zombie behind, and no signal of the
# terminal reaches it. Its arguments are never read as shell text.
_DETACH = '"$@" &'


class ServerProcess:
    """The server of a data folder.

    Args:
        data: its data folder.
        lock_file: what its processes keep locked as long as one of them lives.
        log_file: what it writes to.
    """

    def __init__(self, data: Path, lock_file: Path, log_file: Path) -> None:
        self._data = data
        self._lock_file = lock_file
        self._log_file = log_file
        #: Folders that everybody may pass through since this object started the server.
        self.opened_folders: list[Path] = []

    def is_running(self) -> bool:
        """Tell whether it takes connections, or will again after its recovery from a crash."""
        return self._ask(read_postmaster(self._data)) is not Answer.NONE

    def answers(self) -> bool:
        """Tell whether it takes connections now."""
        return self._ask(read_postmaster(self._data)) is Answer.READY

    def pid(self) -> int | None:
        """Return its process id, or None when it does not run."""
        postmaster = read_postmaster(self._data)
        return postmaster.pid if postmaster and self._alive(postmaster) else None

    def _ask(self, postmaster: Postmaster | None) -> Answer:
        # A server that starts or stops says so in its file; each refused connection would be a line in its log.
        if postmaster is None or postmaster.socket_folder is None or postmaster.status not in ("ready", "standby"):
            return Answer.NONE
        return ask(postmaster.socket_folder / f".s.PGSQL.{PORT}", USER, DATABASE)

    def _alive(self, postmaster: Postmaster | None) -> bool:
        """Tell whether any process of the server lives, also one that was started by hand and holds no lock."""
        if locks.is_locked(self._lock_file):
            return True
        return self._postmaster_lives(postmaster)

    def ensure_running(self, go_on: Callable[[], None]) -> Path:
        """Start the server unless it runs, wait until it is ready, and return the folder of its socket.

        Args:
            go_on: called again and again meanwhile; raises what ends the wait.
        """
        begin = time.monotonic()
        log_begin: int | None = None
        starts = 0
        unreachable_since: float | None = None
        pause = _POLL_S
        while True:
            postmaster = read_postmaster(self._data)
            answer = self._ask(postmaster)
            if answer is Answer.READY and postmaster and postmaster.socket_folder:
                return postmaster.socket_folder
            now = time.monotonic()
            if answer is Answer.NOT_YET:
                unreachable_since = None
            elif self._alive(postmaster):
                unreachable_since = unreachable_since or now
                if log_begin is None:
                    self._end_unreachable(postmaster, now - unreachable_since)
            elif starts < _STARTS:
                log_begin = self._log_size()
                self._start()
                starts += 1
            else:
                raise self._start_failure("The database could not be started.", log_begin or 0)
            if now - begin > START_TIMEOUT_S:
                raise self._start_failure("The database does not become ready.", log_begin or 0)
            go_on()
            time.sleep(pause)
            pause = min(pause * 1.1, _LONGEST_POLL_S)

    def _end_unreachable(self, postmaster: Postmaster | None, unreachable_s: float) -> None:
        """End a server that lives but cannot be reached: one without its first process, or one without its socket.

        Raises:
            DtkError: its processes cannot be seen from here.
        """
        if not self._postmaster_lives(postmaster):
            if unreachable_s > _ORPHANS_S and not self._end_orphans() and unreachable_s > _UNSEEN_S:
                raise DtkError(
                    "The database is in use on another machine or in another container.",
                    f"A server that this process cannot reach works in {self._data}. Stop it there with `dtk db stop`, "
                    "or choose another folder with DTK_HOME.",
                )
        elif postmaster and unreachable_s > _LOST_SOCKET_S and postmaster.status == "ready":
            send_signal(postmaster.pid, signal.SIGINT)

    def _postmaster_lives(self, postmaster: Postmaster | None) -> bool:
        """Tell whether the server's first process lives and can be seen from here."""
        return postmaster is not None and bool(processes(self._data, only=postmaster.pid))

    def _end_orphans(self) -> bool:
        """End the processes of a server whose first process was killed, and return whether there were any.

        They end by themselves except in a long computation; what they have not committed is undone by the recovery.
        """
        orphans = processes(self._data)
        for pid in orphans:
            send_signal(pid, signal.SIGKILL)
        return bool(orphans)

    def _start(self) -> None:
        account, opened = prepare(self._data)
        self.opened_folders += opened
        folder = socket_folder(self._data, account)
        # No process of the server lives. PostgreSQL would refuse to start if the id in a file that a killed one left is
        # now another process's, or still a zombie's.
        for stale in (self._data / "postmaster.pid", folder / f".s.PGSQL.{PORT}.lock"):
            stale.unlink(missing_ok=True)
        quoted = '"' + str(folder).replace('"', '""') + '"'
        command = [str(program("postgres")), "-D", str(self._data), "-k", quoted]
        log = files.append(self._log_file)
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
        while (fd := locks.try_lock(self._lock_file, exclusive=True)) is None:
            # Somebody who asks whether the server lives holds it for an instant.
            if time.monotonic() > deadline:
                raise DtkError("The database is still in use by another process.", f"It holds {self._lock_file}.")
            time.sleep(_POLL_S)
        return fd

    def shut_down(self) -> bool:
        """Stop the server and return whether it has ended."""
        begin = seen = time.monotonic()
        asked: int | None = None
        folder: Path | None = None
        patience_s = STOP_TIMEOUT_S
        while self._alive(postmaster := read_postmaster(self._data)):
            now = time.monotonic()
            if postmaster and self._postmaster_lives(postmaster):
                seen = now
                folder = postmaster.socket_folder or folder
                if asked != postmaster.pid:
                    # In the recovery after a crash PostgreSQL 18 never ends on SIGINT; there is nothing to save either.
                    recovers = self._ask(postmaster) is Answer.NOT_YET
                    send_signal(postmaster.pid, signal.SIGQUIT if recovers else signal.SIGINT)
                    asked = postmaster.pid
                    if recovers:  # or is frozen, and ends when it goes on
                        patience_s = now - begin + _QUIT_S
            if (now - seen > _ORPHANS_S and not self._end_orphans()) or now - begin > patience_s:
                return False
            time.sleep(_POLL_S)
        if folder not in (None, self._data):
            with suppress(OSError):
                folder.rmdir()
        return True

    def _log_size(self) -> int:
        return self._log_file.stat().st_size if self._log_file.exists() else 0

    def shorten_log(self) -> None:
        """Bound the log: the server appends to the file, so it goes on at the new end."""
        if self._log_size() <= _LOG_BYTES:
            return
        older = self._log_file.with_name(f"{self._log_file.name}.1")
        with os.fdopen(files.append(self._log_file), "wb") as log:
            try:
                with self._log_file.open("rb") as source, os.fdopen(files.create(older), "wb") as target:
                    shutil.copyfileobj(source, target)
            finally:
                log.truncate(0)

    def _start_failure(self, title: str, log_begin: int) -> DtkError:
        end = ""
        if self._log_file.exists():
            with self._log_file.open("rb") as file:
                file.seek(log_begin)
                end = failure_excerpt(file.read(_LOG_BYTES).decode(errors="replace"))
        return DtkError(title, f"{end}\nThe whole log: {self._log_file}")

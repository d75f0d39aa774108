"""The password of a server, which a command of the config prints: a password store, a keyring, a cloud's tool."""

from __future__ import annotations

import subprocess
import threading

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dtk_tui.errors import DtkError

#: Somebody may have to confirm it.
_COMMAND_S = 60.0
_LONGEST = 10_000


class PasswordCommand:
    """A command that prints a password in its first line; asked once, and again when the server refused what it said.

    Args:
        command: for ``/bin/sh``.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._password: str | None = None

    def added_to(self, url: str) -> str:
        """Return a connection string with the password, unless it has one; raises DtkError where none is to be had.

        What the command says on its standard output stands in no error.
        """
        if conninfo_to_dict(url).get("password"):
            return url
        with self._lock:
            if self._password is None:
                self._password = self._ask()
            return make_conninfo(url, password=self._password)

    def forget(self) -> None:
        """Ask again the next time."""
        with self._lock:
            self._password = None

    def _ask(self) -> str:
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", self._command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_COMMAND_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            title = "The password_command of [database] cannot be run."
            raise DtkError(title, f"It did not end within {_COMMAND_S:.0f} s, or has no shell.") from None
        first = done.stdout[:_LONGEST].decode("utf-8", "replace").partition("\n")[0].rstrip("\r")
        if done.returncode or not first or "\x00" in first:
            words = " ".join(done.stderr[:_LONGEST].decode("utf-8", "replace").split())[:300]
            raise DtkError(
                f"The password_command of [database] gives no password (status {done.returncode}).",
                words or "It says nothing. Try it in a shell: its first line has to be the password.",
            )
        return first

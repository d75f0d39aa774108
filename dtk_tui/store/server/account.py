"""Which system account the embedded PostgreSQL runs as.

PostgreSQL refuses to run as root. When dtk runs as root, the server runs as the owner of the data folder; a new data
folder is given to the system account ``embedded_postgres``, which is made when absent, else to ``nobody``. That account
must reach the data folder and the programs, so every folder above them that lacks it gets the right to pass through for
others (o+x). Reading or listing such a folder (o+r) is never allowed to others.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dtk_tui.errors import DtkError

_NAME = "embedded_postgres"


@dataclass(frozen=True)
class Account:
    """A system account; ``switch`` tells whether a process must change to it."""

    uid: int
    gid: int
    switch: bool

    def popen_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of ``subprocess.Popen`` that run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def change_owner(self, path: Path) -> None:
        """Make this account the owner of a file or folder that this process has just made."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def change_owner_of_tree(self, folder: Path) -> None:
        """Make this account the owner of a whole database folder, which root may have copied back from a backup."""
        if self.switch and folder.stat().st_uid != self.uid:
            for parent, folders, files in os.walk(folder):
                for name in (*folders, *files):
                    self.change_owner(Path(parent, name))
            self.change_owner(folder)

    def give(self, fd: int) -> None:
        """Make this account the owner of an open file that this process has just made."""
        if self.switch:
            os.fchown(fd, self.uid, self.gid)

    def allow_traversal(self, path: Path) -> list[Path]:
        """Let this account pass through every folder above ``path``, and return those that had to be opened (o+x)."""
        opened: list[Path] = []
        for folder in path.resolve().parents if self.switch else ():
            status = folder.stat()
            if status.st_uid == self.uid or (status.st_gid == self.gid and status.st_mode & stat.S_IXGRP):
                continue
            if not status.st_mode & stat.S_IXOTH:
                folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
                opened.append(folder)
        return opened


def account_for(data: Path) -> Account:
    """Return the account that runs the server of this data folder, which may not exist yet.

    Raises:
        DtkError: the folder belongs to another user.
    """
    me = os.geteuid()
    owner = data.stat().st_uid if data.exists() else me
    if me != 0:
        if owner != me:
            raise DtkError(
                f"The database folder {data} belongs to the user {_name_of(owner)}.",
                "Run dtk as the same user as before, or choose another folder with DTK_HOME.",
            )
        return Account(me, os.getegid(), switch=False)
    if owner != 0:
        return Account(owner, data.stat().st_gid, switch=True)
    entry = _system_account()
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def _system_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_NAME)
    except KeyError:
        pass
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false", _NAME]
    try:
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=30)
    except (OSError, subprocess.SubprocessError):
        # No useradd, a read-only account list, or another process was quicker: what there is decides.
        pass
    for name in (_NAME, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DtkError(
        "PostgreSQL does not run as root, and no other account could be found.",
        f"Make the system account {_NAME}, or run dtk as an ordinary user.",
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

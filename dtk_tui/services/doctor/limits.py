"""Limits of the system: watches of folders, open files, shared memory."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.doctor.finding import Finding, Verdict
from dtk_tui.store.server.settings import needed_shared_memory, shared_memory_size
from dtk_tui.text import counted, file_size

_INOTIFY = Path("/proc/sys/fs/inotify")
#: Connections, a file a decoding thread, sessions of models with files beside them: so many are far more than enough.
_FILES = 1024
_MANY_WATCHES = 524_288


def limits(config: Config, folders: int | None) -> Iterator[Finding]:
    """Look at inotify, open files and /dev/shm, as far as the system has them.

    Args:
        folders: how many the library has; None when that is not known.
    """
    if config.settings.scan.watch and _INOTIFY.is_dir():
        yield watches(_number(_INOTIFY / "max_user_watches"), folders)
        yield instances(_number(_INOTIFY / "max_user_instances"), try_inotify())
    yield open_files(*resource.getrlimit(resource.RLIMIT_NOFILE))
    if config.database_url is None and sys.platform == "linux":
        yield shared_memory(shared_memory_size(), needed_shared_memory())


def watches(most: int | None, folders: int | None) -> Finding:
    """Say whether each folder of the library can be watched."""
    detail = f"inotify: {'?' if most is None else f'{most:,}'} watches for a user"
    if folders is not None:
        detail += f", the library has {counted(folders, 'folder')}"
    if most is not None and folders is not None and most < folders:
        number = max(_MANY_WATCHES, 2 * folders)
        advice = f"Else folders are looked at every few seconds: sudo sysctl fs.inotify.max_user_watches={number}"
        return Finding("limits", Verdict.NOTE, detail, advice)
    return Finding("limits", Verdict.OK, detail)


def instances(most: int | None, error: int) -> Finding:
    """Say whether another program may still watch.

    Args:
        error: the system's number of the error when that was tried, 0 where it worked.
    """
    detail = f"inotify: {'?' if most is None else f'{most:,}'} instances for a user"
    if error == errno.EMFILE:
        advice = "Folders are looked at every few seconds until: sudo sysctl fs.inotify.max_user_instances=512"
        return Finding("limits", Verdict.NOTE, f"{detail}, and all are taken", advice)
    if error:
        advice = "Folders are looked at every few seconds instead."
        return Finding("limits", Verdict.NOTE, f"{detail}: {os.strerror(error)}", advice)
    return Finding("limits", Verdict.OK, detail)


def try_inotify() -> int:
    """Ask for an inotify instance and give it back; return the system's number of the error, 0 when it works."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_CLOEXEC)
    if descriptor < 0:
        return ctypes.get_errno()
    os.close(descriptor)
    return 0


def open_files(soft: int, hard: int) -> Finding:
    """Say whether enough files may be open at once."""
    if soft == resource.RLIM_INFINITY:
        return Finding("limits", Verdict.OK, "open files: as many as there are")
    if soft >= _FILES:
        return Finding("limits", Verdict.OK, f"open files: {soft:,}")
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    advice = f"Before dtk: ulimit -n {wanted}"
    if wanted < _FILES:
        advice += f"; more than {hard:,} needs a line in /etc/security/limits.conf, or LimitNOFILE= of a service"
    return Finding("limits", Verdict.NOTE, f"open files: {soft:,}, {_FILES:,} are better", advice)


def shared_memory(size: int, needed: int) -> Finding:
    """Say whether the embedded server can share memory between its processes, in bytes."""
    detail = f"/dev/shm: {file_size(size)}"  # noqa: S108 - it is only named
    if size >= needed:
        return Finding("limits", Verdict.OK, detail)
    advice = "Indexes are built by way of files until it is larger; in a container: --shm-size=2g"
    return Finding("limits", Verdict.NOTE, f"{detail}, {file_size(needed)} are better", advice)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None

"""Locks on files that the kernel releases when their process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dtk_tui.errors import DtkError

_POLL_S = 0.01

_held: set[int] = set()


def _close_in_child() -> None:
    """Close the locks that a forked child inherits, so that it does not hold them when its parent has died."""
    for fd in _held:
        try:
            os.close(fd)
        except OSError:
            # The parent was just about to close it.
            continue
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)


def try_lock(path: Path, exclusive: bool) -> int | None:
    """Lock a file, which is made if need be, and return its descriptor, or None while others hold it.

    Raises:
        OSError: the file cannot be made, opened or locked.
    """
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        _held.add(fd)
        try:
            fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            if is_lock_of(fd, path):
                _give_to_folder_owner(fd, path)
                return fd
        except BlockingIOError:
            close(fd)
            return None
        except BaseException:
            close(fd)
            raise
        close(fd)


def is_lock_of(fd: int, path: Path) -> bool:
    """Tell whether the locked file still is the one of that name, which somebody may have removed or replaced."""
    mine = os.fstat(fd)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def unlock(fd: int) -> None:
    """Release the lock, for every process that shares the descriptor, and close it."""
    fcntl.flock(fd, fcntl.LOCK_UN)
    close(fd)


def close(fd: int) -> None:
    """Close the descriptor; the lock stays with the processes that inherited it."""
    _held.discard(fd)
    os.close(fd)


def is_locked(path: Path) -> bool:
    """Tell whether any process holds the lock; False where there is no such file."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    _held.add(fd)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        fcntl.flock(fd, fcntl.LOCK_UN)
        return False
    finally:
        close(fd)


@contextmanager
def exclusive(path: Path, timeout_s: float, go_on: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock alone.

    Args:
        go_on: called again and again while others hold it; raises what ends the wait.

    Raises:
        DtkError: others still hold it after ``timeout_s`` seconds.
        OSError: as ``try_lock``.
    """
    deadline = time.monotonic() + timeout_s
    while (fd := try_lock(path, exclusive=True)) is None:
        if time.monotonic() > deadline:
            raise DtkError(
                "The database is busy starting or stopping.",
                f"Another dtk process holds {path} for {timeout_s:.0f} s. Wait for it, or end it, and try again.",
            )
        go_on()
        time.sleep(_POLL_S)
    try:
        yield
    finally:
        unlock(fd)


def _give_to_folder_owner(fd: int, path: Path) -> None:
    """Let the user whose folder it is use the lock as well, when root has made it there."""
    if os.geteuid() != 0:
        return
    owner, mine = path.parent.stat(), os.fstat(fd)
    # A file of several names may be one that the folder's owner must not have.
    if mine.st_uid != owner.st_uid and mine.st_nlink == 1:
        os.fchown(fd, owner.st_uid, owner.st_gid)

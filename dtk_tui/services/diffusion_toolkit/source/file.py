"""The source as a file: its header, its locks, and the copy that is read where SQLite would write beside it."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from dtk_tui.errors import DtkError

MAGIC = b"SQLite format 3\x00"

#: SQLite's shared lock: 510 bytes from here on (os_unix.c).
_SHARED_FIRST = 0x40000002

_SHARED_BYTES = 510


def stamp(path: Path) -> dict[str, Any]:
    """Return sizes and times of a file and its write-ahead log, which differ when the content does."""
    status = path.stat()
    wal = path.with_name(path.name + "-wal")
    wal_status = wal.stat() if wal.exists() else None
    return {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "wal_size": wal_status.st_size if wal_status else 0,
        "wal_mtime_ns": wal_status.st_mtime_ns if wal_status and wal_status.st_size else 0,
    }


def read_header(file: Path) -> bytes:
    """Return the header of a SQLite file.

    Raises:
        DtkError: it is not there, cannot be read, or is no SQLite database.
    """
    try:
        if file.exists() and not file.is_file():
            raise DtkError(f"{file} is not a file.", "Name Diffusion Toolkit's diffusion-toolkit.db.")
        with file.open("rb") as stream:
            head = stream.read(100)
    except FileNotFoundError as error:
        raise DtkError(f"There is no file {file}.", "Check the spelling.") from error
    except OSError as error:
        raise DtkError(f"The file {file} cannot be read.", error.strerror or str(error)) from error
    if not head.startswith(MAGIC) or len(head) < 100:
        raise DtkError(f"{file} is not a SQLite database.", "Name Diffusion Toolkit's diffusion-toolkit.db.")
    return head


def stated_size(head: bytes) -> int:
    """Return the file size that a header states; 0 where that is not valid (file format, section 1.3.7)."""
    page = int.from_bytes(head[16:18], "big")
    if head[24:28] != head[92:96]:
        return 0
    return int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page)


def size_beside(file: Path, suffix: str) -> int:
    """Return the size of the log or journal beside a file; 0 where there is none."""
    other = file.with_name(file.name + suffix)
    return other.stat().st_size if other.exists() else 0


def require_unlocked(file: Path) -> None:
    """Make sure that SQLite's shared lock is free: a writer at work or an exclusive user does not grant it.

    Raises:
        DtkError: another program holds the file.
    """
    with file.open("rb") as stream:
        try:
            fcntl.lockf(stream, fcntl.LOCK_SH | fcntl.LOCK_NB, _SHARED_BYTES, _SHARED_FIRST)
        except (BlockingIOError, PermissionError) as error:
            raise DtkError(f"{file} is locked by another program.", "Close Diffusion Toolkit and try again.") from error
        except OSError:
            # A file system without locks: SQLite itself says when it cannot read.
            return


def copy_file(file: Path, suffixes: list[str], workplace: Path) -> tuple[Path, int]:
    """Copy a file with its logs; return the copy, and the lock by which others know that it is in use.

    Raises:
        DtkError: it cannot be copied.
    """
    folder, lock = workplace, -1
    try:
        workplace.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(workplace)
        folder = Path(tempfile.mkdtemp(prefix="source-", dir=workplace))
        lock = os.open(folder, os.O_RDONLY)
        with suppress(OSError):
            # A file system without locks: then others remove no copies either.
            fcntl.flock(lock, fcntl.LOCK_SH)
        target = folder / "source.db"
        shutil.copyfile(file, target)
        for suffix in suffixes:
            shutil.copyfile(file.with_name(file.name + suffix), target.with_name(target.name + suffix))
    except OSError as error:
        if folder != workplace:
            shutil.rmtree(folder, ignore_errors=True)
        if lock >= 0:
            os.close(lock)
        raise DtkError("The source has to be copied first and cannot be.", f"{error.strerror}: {folder}") from error
    return target, lock


def _remove_abandoned(workplace: Path) -> None:
    """Remove the copies of programs that were killed: nobody holds their folders."""
    for folder in workplace.glob("source-*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def apply_log(copy: Path) -> bool:
    """Write the log of a copy into the copy itself; False where that fails, as in a damaged one."""
    conn = sqlite3.connect(copy, isolation_level=None)
    try:
        return bool(conn.execute("PRAGMA journal_mode = delete").fetchone()[0] == "delete")
    except sqlite3.DatabaseError:
        return False
    finally:
        conn.close()

"""Connections to SQLite files that are only read, and what their errors mean to a person."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path

from dtk_tui.errors import DtkError
from dtk_tui.text import one_line

_BUSY_MS = 2000

#: SQLITE_CONFIG_MEMSTATUS (sqlite3.h).
_MEMORY_STATISTICS = 9


def _disable_memory_statistics() -> None:
    """Turn off SQLite's memory statistics, where nothing in the process uses SQLite yet.

    For them every allocation of the process waits at one lock, so that two readers together are slower than one.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(getattr(sys.modules["_sqlite3"], "__file__", None))
        library.sqlite3_memory_used.restype = ctypes.c_int64
        if library.sqlite3_memory_used() == 0 and library.sqlite3_shutdown() == 0:
            library.sqlite3_config(_MEMORY_STATISTICS, 0)
            library.sqlite3_initialize()


if sys.platform == "linux":
    _disable_memory_statistics()


def quoted(name: str) -> str:
    """Return an SQL identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def explain_error(error: Exception) -> DtkError:
    """Return an error of SQLite or of the file system as a sentence for a person."""
    reason = one_line(str(error), 300)
    if "locked" in reason or "busy" in reason:
        return DtkError("The database is locked by another program.", "Close Diffusion Toolkit and try again.")
    if "not a database" in reason:
        return DtkError("The file is not a SQLite database.", "Name Diffusion Toolkit's diffusion-toolkit.db.")
    if isinstance(error, OSError):
        return DtkError("The source cannot be read.", error.strerror or reason)
    return DtkError("The source cannot be read.", reason)


def file_uri(file: Path, how: str) -> str:
    """Return the URI by which SQLite opens a file, with its parameters ``how``."""
    name = os.fsencode(file).decode("latin-1")
    quoted_name = "".join(c if (c.isalnum() and c.isascii()) or c in "/._-" else f"%{ord(c):02X}" for c in name)
    return f"file:{quoted_name}?{how}"


def connect(uri: str) -> sqlite3.Connection:
    """Return a connection that only reads; texts come as bytes, because they need not be UTF-8."""
    conn = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000)
    conn.text_factory = bytes
    conn.execute("PRAGMA query_only = on")
    conn.execute("PRAGMA cache_size = -65536")
    conn.execute("PRAGMA mmap_size = 0")
    return conn

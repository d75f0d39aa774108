"""Diffusion Toolkit's SQLite file, opened without ever writing to it.

A file with a hot write-ahead log or journal is read from a copy, because SQLite would write beside it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dtk_tui.errors import DtkError
from dtk_tui.text import one_line

_MAGIC = b"SQLite format 3\x00"
#: SQLite's shared lock: 510 bytes from here on (os_unix.c).
_SHARED_FIRST = 0x40000002
_SHARED_BYTES = 510
_BUSY_MS = 2000

#: Tables of Diffusion Toolkit, in the order in which they are read.
TABLES = ("Folder", "Image", "Album", "AlbumImage", "Tag", "ImageTag", "Query", "Node", "NodeProperty", "Migration")

#: SQLITE_CONFIG_MEMSTATUS (sqlite3.h).
_MEMORY_STATISTICS = 9


def _count_no_memory() -> None:
    """Let SQLite not count its memory: for that every allocation of the process waits at one lock, so that two readers
    together are slower than one. Possible only while nothing in the process uses it, which is what the count tells.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(getattr(sys.modules["_sqlite3"], "__file__", None))
        library.sqlite3_memory_used.restype = ctypes.c_int64
        if library.sqlite3_memory_used() == 0 and library.sqlite3_shutdown() == 0:
            library.sqlite3_config(_MEMORY_STATISTICS, 0)
            library.sqlite3_initialize()


if sys.platform == "linux":
    _count_no_memory()


def quoted(name: str) -> str:
    """Return an SQL identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def readable(error: Exception) -> DtkError:
    """Return the sentence for a person that belongs to an error of SQLite or of the file system."""
    reason = one_line(str(error), 300)
    if "locked" in reason or "busy" in reason:
        return DtkError("The database is locked by another program.", "Close Diffusion Toolkit and try again.")
    if "not a database" in reason:
        return DtkError("The file is not a SQLite database.", "Name Diffusion Toolkit's diffusion-toolkit.db.")
    if isinstance(error, OSError):
        return DtkError("The source cannot be read.", error.strerror or reason)
    return DtkError("The source cannot be read.", reason)


@dataclass(frozen=True, slots=True)
class Source:
    """An open source.

    Attributes:
        path: as named by the user; ``file`` is what is read, perhaps a copy.
        columns: names of the columns by table; only tables that exist.
        plain_uri: for a reader that takes no locks and knows no log; None where the file is not whole without one.
        id_is_rowid: whether an image's Id is its rowid, as in every table that Diffusion Toolkit makes.
        facts: what tells this content from another, for a resume.
        known_bounds: what ``bounds`` found, by table: counting rows takes as long as reading all their keys.
    """

    path: str
    file: Path
    uri: str
    plain_uri: str | None
    columns: dict[str, tuple[str, ...]]
    id_is_rowid: bool
    facts: dict[str, Any]
    known_bounds: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def bounds(self, table: str) -> tuple[int, int, int]:
        """Return (first rowid, last rowid, rows) of a table; see ``bounds``."""
        if table not in self.known_bounds:
            conn = self.connect()
            try:
                self.known_bounds[table] = bounds(conn, table)
            finally:
                conn.close()
        return self.known_bounds[table]

    def connect(self) -> sqlite3.Connection:
        """Return a new connection for one thread; texts come as bytes, because they need not be UTF-8."""
        return _connect(self.uri)

    def has_changed(self) -> bool:
        """Whether the file is another than when it was opened."""
        try:
            now = _stamp(Path(os.path.realpath(self.path)))
        except OSError:
            return True
        return any(self.facts[key] != value for key, value in now.items())


def _connect(uri: str) -> sqlite3.Connection:
    conn = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000)
    conn.text_factory = bytes
    conn.execute("PRAGMA query_only = on")
    conn.execute("PRAGMA cache_size = -65536")
    conn.execute("PRAGMA mmap_size = 0")
    return conn


def _stamp(path: Path) -> dict[str, Any]:
    status = path.stat()
    wal = path.with_name(path.name + "-wal")
    wal_status = wal.stat() if wal.exists() else None
    return {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "wal_size": wal_status.st_size if wal_status else 0,
        "wal_mtime_ns": wal_status.st_mtime_ns if wal_status and wal_status.st_size else 0,
    }


@contextmanager
def open_source(path: str, workplace: Path) -> Iterator[Source]:
    """Open the file at ``path``; a copy, where one is needed, lies in ``workplace`` until the end.

    Raises:
        DtkError: it is not there, locked, not a database, not Diffusion Toolkit's, or cannot be read.
    """
    named = os.path.abspath(path)  # noqa: PTH100 (surrogates must survive)
    # The log lies beside the file itself, not beside a link to it.
    file = Path(os.path.realpath(named))
    copy: Path | None = None
    held = -1
    try:
        head = _head(file)
        stamp = _stamp(file)
        _require_unlocked(file)
        hot = [suffix for suffix in ("-wal", "-journal") if _size(file, suffix) > 0]
        whole = _whole_size(head)
        if hot or whole > stamp["size"]:
            copy, held = _copy(file, hot, workplace)
            if not hot:
                # SQLite refuses a file that was cut off; with its length restored, what is there can be read.
                os.truncate(copy, whole)
            if _stamp(file) != stamp:
                raise DtkError("The source changes while it is read.", "Close Diffusion Toolkit and try again.")
        uri = _uri(copy or file, "mode=rw" if copy else "mode=ro" if head[18] < 2 else "immutable=1")
        try:
            is_plain = copy is None or _settle(copy)
            yield _open(named, copy or file, uri, is_plain, stamp)
        except sqlite3.DatabaseError as error:
            raise readable(error) from error
    except OSError as error:
        raise readable(error) from error
    finally:
        if copy is not None:
            shutil.rmtree(copy.parent, ignore_errors=True)
            os.close(held)


def _head(file: Path) -> bytes:
    try:
        if file.exists() and not file.is_file():
            raise DtkError(f"{file} is not a file.", "Name Diffusion Toolkit's diffusion-toolkit.db.")
        with file.open("rb") as stream:
            head = stream.read(100)
    except FileNotFoundError as error:
        raise DtkError(f"There is no file {file}.", "Check the spelling.") from error
    except OSError as error:
        raise DtkError(f"The file {file} cannot be read.", error.strerror or str(error)) from error
    if not head.startswith(_MAGIC) or len(head) < 100:
        raise DtkError(f"{file} is not a SQLite database.", "Name Diffusion Toolkit's diffusion-toolkit.db.")
    return head


def _whole_size(head: bytes) -> int:
    """Return the size that the header promises, 0 where it makes no valid promise (file format, section 1.3.7)."""
    page = int.from_bytes(head[16:18], "big")
    if head[24:28] != head[92:96]:
        return 0
    return int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page)


def _size(file: Path, suffix: str) -> int:
    other = file.with_name(file.name + suffix)
    return other.stat().st_size if other.exists() else 0


def _require_unlocked(file: Path) -> None:
    """Try SQLite's shared lock, which a writer at work or an exclusive user does not grant."""
    with file.open("rb") as stream:
        try:
            fcntl.lockf(stream, fcntl.LOCK_SH | fcntl.LOCK_NB, _SHARED_BYTES, _SHARED_FIRST)
        except (BlockingIOError, PermissionError) as error:
            raise DtkError(f"{file} is locked by another program.", "Close Diffusion Toolkit and try again.") from error
        except OSError:
            # A file system without locks: SQLite itself says when it cannot read.
            return


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


def _copy(file: Path, suffixes: list[str], workplace: Path) -> tuple[Path, int]:
    """Return a copy of the file with what belongs to it, and the lock by which others know that it is in use."""
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


def _uri(file: Path, how: str) -> str:
    name = os.fsencode(file).decode("latin-1")
    quoted_name = "".join(c if (c.isalnum() and c.isascii()) or c in "/._-" else f"%{ord(c):02X}" for c in name)
    return f"file:{quoted_name}?{how}"


def _settle(copy: Path) -> bool:
    """Bring what a log holds into the copy; False where that fails, as in a damaged one."""
    conn = sqlite3.connect(copy, isolation_level=None)
    try:
        return bool(conn.execute("PRAGMA journal_mode = delete").fetchone()[0] == "delete")
    except sqlite3.DatabaseError:
        return False
    finally:
        conn.close()


def _open(path: str, file: Path, uri: str, is_plain: bool, stamp: dict[str, Any]) -> Source:
    conn = _connect(uri)
    try:
        conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        columns: dict[str, tuple[str, ...]] = {}
        keys: set[tuple[str, str, int]] = set()
        for table in TABLES:
            found = conn.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
            if found:
                columns[table] = tuple(row[1].decode() for row in found)
                keys |= {(table, row[2].decode().upper(), row[5]) for row in found if row[1] == b"Id"}
        for table in columns:
            _require_rowids(conn, table)
    finally:
        conn.close()
    if "Image" not in columns or "Path" not in columns["Image"]:
        raise DtkError("This is no database of Diffusion Toolkit.", "It has no table of images.")
    plain_uri = _uri(file, "immutable=1") if is_plain else None
    return Source(path, file, uri, plain_uri, columns, ("Image", "INTEGER", 1) in keys, stamp)


def unknown(conn: sqlite3.Connection, columns: Mapping[str, Sequence[str]]) -> list[tuple[str, str, dict[str, int]]]:
    """Return (table, reason, numbers) of tables and columns with values that nothing here knows.

    Args:
        columns: the columns that are known, by table.
    """
    found: list[tuple[str, str, dict[str, int]]] = []
    tables = conn.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    for table in sorted(name.decode("utf-8", "replace") for (name,) in tables):
        try:
            found += _unknown(conn, table, columns.get(table))
        except sqlite3.DatabaseError as error:
            if table not in columns:
                found.append((table, f"a table that is not known here and cannot be read: {one_line(str(error))}", {}))
    return found


def _unknown(
    conn: sqlite3.Connection, table: str, known: Sequence[str] | None
) -> Iterator[tuple[str, str, dict[str, int]]]:
    name = quoted(table)
    if known is None:
        rows = conn.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
        if rows:
            yield table, "a table that is not known here, left out", {"rows": rows}
        return
    for row in conn.execute(f"PRAGMA table_info({name})").fetchall():
        column = row[1].decode("utf-8", "replace")
        if column not in known:
            values = conn.execute(f"SELECT count({quoted(column)}) FROM {name}").fetchone()[0]  # noqa: S608
            if values:
                yield table, f"{column}: a column that is not known here, left out", {"values": values}


def _require_rowids(conn: sqlite3.Connection, table: str) -> None:
    try:
        conn.execute(f"SELECT rowid FROM {quoted(table)} LIMIT 0")  # noqa: S608 (names of our own list)
    except sqlite3.OperationalError as error:
        if "no such column" not in str(error):
            raise
        raise DtkError(
            "This is no database of Diffusion Toolkit.", f"Its table {table} is made WITHOUT ROWID, and cannot be read."
        ) from error


def bounds(conn: sqlite3.Connection, table: str) -> tuple[int, int, int]:
    """Return (first rowid, last rowid, rows) of a table, from what is readable; (1, 0, 0) when it is empty.

    A damaged table is walked up to the largest id that SQLite ever gave out, or that an index knows, or that it
    can have.
    """
    name = quoted(table)
    try:
        first, last = conn.execute(f"SELECT min(rowid), max(rowid) FROM {name}").fetchone()  # noqa: S608
        if first is None:
            return 1, 0, 0
        count = conn.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
    except sqlite3.DatabaseError:
        return _bounds_of_damaged(conn, table)
    return first, last, count


def id_bounds(conn: sqlite3.Connection) -> tuple[int, int]:
    """Return the first and last Id of images whose Ids are not their rowids, which may stand in for them."""
    first, last, _ = bounds(conn, "Image")
    try:
        low, high = conn.execute(
            'SELECT min(CAST("Id" AS INTEGER)), max(CAST("Id" AS INTEGER)) FROM "Image"'
        ).fetchone()
    except sqlite3.DatabaseError:
        return first, last
    return min(first, low or first), max(last, high or last)


def _bounds_of_damaged(conn: sqlite3.Connection, table: str) -> tuple[int, int, int]:
    found = largest_given(conn, table)
    for index in indexes(conn, table):
        try:
            row = conn.execute(
                f"SELECT max(rowid), count(*) FROM {quoted(table)} INDEXED BY {quoted(index)}"  # noqa: S608
            ).fetchone()
        except sqlite3.DatabaseError:
            continue
        return 1, max(found, row[0] or 0), row[1]
    last = found or _last_by_probing(conn, table)
    return 1, last, last


def largest_given(conn: sqlite3.Connection, table: str) -> int:
    """Return the largest id that SQLite ever gave out for a table with an autoincrement key; 0 for others."""
    try:
        row = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    except sqlite3.DatabaseError:
        return 0
    return int(row[0]) if row else 0


def _last_by_probing(conn: sqlite3.Connection, table: str) -> int:
    """Return a rowid behind which there is nothing, within a factor of two; bounded by what a file can hold."""
    pages = conn.execute("PRAGMA page_count").fetchone()[0] * conn.execute("PRAGMA page_size").fetchone()[0]
    last = 1
    while last < pages // 32:
        try:
            sql = f"SELECT rowid FROM {quoted(table)} WHERE rowid >= ? ORDER BY rowid LIMIT 1"  # noqa: S608
            if conn.execute(sql, (last,)).fetchone() is None:
                break
        except sqlite3.DatabaseError:
            pass
        last *= 2
    return int(last)


def indexes(conn: sqlite3.Connection, table: str) -> list[str]:
    """Return the names of the indexes of a table, as far as they can be read."""
    try:
        return [row[1].decode() for row in conn.execute(f"PRAGMA index_list({quoted(table)})")]
    except sqlite3.DatabaseError:
        return []

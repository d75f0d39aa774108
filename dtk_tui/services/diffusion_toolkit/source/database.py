"""The open source: which tables and columns it has, and connections to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit.source import file, rowids
from dtk_tui.services.diffusion_toolkit.source.sqlite import connect, explain_error, file_uri, quoted

#: Tables of Diffusion Toolkit, in the order in which they are read.
TABLES = ("Folder", "Image", "Album", "AlbumImage", "Tag", "ImageTag", "Query", "Node", "NodeProperty", "Migration")


@dataclass(frozen=True, slots=True)
class Source:
    """A database of Diffusion Toolkit that is open for reading.

    Attributes:
        path: as named by the user; ``file`` is what is read, perhaps a copy.
        columns: names of the columns by table; only tables that exist.
        plain_uri: for a reader that takes no locks and knows no log; None where the file is not whole without one.
        id_is_rowid: whether an image's Id is its rowid, as in every table that Diffusion Toolkit makes.
        untyped: (table, column) of those that keep a number as a number, whatever text it was meant to be.
        facts: what tells this content from another, for a resume.
        known_bounds: what ``bounds`` found, by table: counting rows takes as long as reading all their keys.
    """

    path: str
    file: Path
    uri: str
    plain_uri: str | None
    columns: dict[str, tuple[str, ...]]
    id_is_rowid: bool
    untyped: frozenset[tuple[str, str]]
    facts: dict[str, Any]
    known_bounds: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def bounds(self, table: str) -> tuple[int, int, int]:
        """Return (first rowid, last rowid, rows) of a table; see ``bounds``."""
        if table not in self.known_bounds:
            with closing(self.connect()) as conn:
                self.known_bounds[table] = rowids.bounds(conn, table)
        return self.known_bounds[table]

    def id_span(self, table: str) -> tuple[int, int]:
        """Return the first and last Id of a table; (1, 0) where it is empty or not there."""
        if table not in self.columns:
            return 1, 0
        if table != "Image" or self.id_is_rowid:
            return self.bounds(table)[:2]
        with closing(self.connect()) as conn:
            return rowids.id_bounds(conn)

    def connect(self) -> sqlite3.Connection:
        """Return a new connection for one thread; texts come as bytes, because they need not be UTF-8."""
        return connect(self.uri)

    def has_changed(self) -> bool:
        """Whether the file is another than when it was opened."""
        try:
            now = file.stamp(Path(os.path.realpath(self.path)))
        except OSError:
            return True
        return any(self.facts[key] != value for key, value in now.items())


@contextmanager
def open_source(path: str, workplace: Path) -> Iterator[Source]:
    """Open the file at ``path``; a copy, where one is needed, lies in ``workplace`` until the end.

    Raises:
        DtkError: it is not there, locked, not a database, not Diffusion Toolkit's, or cannot be read.
    """
    named = os.path.abspath(path)  # noqa: PTH100 (surrogates must survive)
    # The log lies beside the file itself, not beside a link to it.
    original = Path(os.path.realpath(named))
    copy: Path | None = None
    held = -1
    try:
        header = file.read_header(original)
        facts = file.stamp(original)
        file.require_unlocked(original)
        hot = [suffix for suffix in ("-wal", "-journal") if file.size_beside(original, suffix) > 0]
        whole = file.stated_size(header)
        if hot or whole > facts["size"]:
            copy, held = file.copy_file(original, hot, workplace)
            if not hot:
                # SQLite refuses a file that was cut off; with its length restored, what is there can be read.
                os.truncate(copy, whole)
            if file.stamp(original) != facts:
                raise DtkError("The source changes while it is read.", "Close Diffusion Toolkit and try again.")
        uri = file_uri(copy or original, "mode=rw" if copy else "mode=ro" if header[18] < 2 else "immutable=1")
        try:
            is_plain = copy is None or file.apply_log(copy)
            yield _read_schema(named, copy or original, uri, is_plain, facts)
        except sqlite3.DatabaseError as error:
            raise explain_error(error) from error
    except OSError as error:
        raise explain_error(error) from error
    finally:
        if copy is not None:
            shutil.rmtree(copy.parent, ignore_errors=True)
            os.close(held)


def _read_schema(named: str, path: Path, uri: str, is_plain: bool, facts: dict[str, Any]) -> Source:
    """Return the source with its tables and columns.

    Args:
        is_plain: whether the file is whole without a log beside it.
    """
    columns: dict[str, tuple[str, ...]] = {}
    keys: set[tuple[str, str, int]] = set()
    untyped: set[tuple[str, str]] = set()
    with closing(connect(uri)) as conn:
        conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        for table in TABLES:
            found = conn.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
            if found:
                _require_rowids(conn, table)
                columns[table] = tuple(row[1].decode() for row in found)
                keys |= {(table, row[2].decode().upper(), row[5]) for row in found if row[1] == b"Id"}
            untyped |= {
                (table, row[1].decode()) for row in found if not _has_text_affinity(row[2].decode(errors="replace"))
            }
    if "Image" not in columns or "Path" not in columns["Image"]:
        raise DtkError("This is no database of Diffusion Toolkit.", "It has no table of images.")
    plain_uri = file_uri(path, "immutable=1") if is_plain else None
    return Source(named, path, uri, plain_uri, columns, ("Image", "INTEGER", 1) in keys, frozenset(untyped), facts)


def _has_text_affinity(declared: str) -> bool:
    """Whether SQLite keeps every number in a column of this type as text (sqlite.org/datatype3.html, 3.1)."""
    kind = declared.upper()
    return "INT" not in kind and any(word in kind for word in ("CHAR", "CLOB", "TEXT"))


def _require_rowids(conn: sqlite3.Connection, table: str) -> None:
    try:
        conn.execute(f"SELECT rowid FROM {quoted(table)} LIMIT 0")  # noqa: S608 (names of our own list)
    except sqlite3.OperationalError as error:
        if "no such column" not in str(error):
            raise
        raise DtkError(
            "This is no database of Diffusion Toolkit.", f"Its table {table} is made WITHOUT ROWID, and cannot be read."
        ) from error

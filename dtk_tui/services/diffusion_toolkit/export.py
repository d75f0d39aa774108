"""Exporting the library as a SQLite database that Diffusion Toolkit v1.10 opens."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit import paths, schema
from dtk_tui.services.diffusion_toolkit.timezone import host_zone
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import export as store
from dtk_tui.store.text_codec import from_db

_BATCH = 2000


def export(db: Database, target: Path, zone: str | None = None) -> dict[str, int]:
    """Write the library to ``target`` and return the rows by table.

    Args:
        zone: time zone for dates that did not come from Diffusion Toolkit; None is that of the import, else of
            this host.

    Raises:
        DtkError: the file exists already, or cannot be written; then no file is left.
    """
    if target.exists():
        raise DtkError(f"{target} exists already.", "Name a file that does not exist: an export never overwrites one.")
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        part.touch(exist_ok=False)  # ours alone: SQLite would make its file through a link as well
        counts = _write(db, part, zone)
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise DtkError(f"{target} cannot be written.", str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    return counts


def _write(db: Database, part: Path, zone: str | None) -> dict[str, int]:
    out = sqlite3.connect(part, isolation_level=None)
    try:
        out.execute("PRAGMA journal_mode = off")
        out.execute("PRAGMA synchronous = off")
        out.execute("BEGIN")
        for statement in schema.TABLES:
            out.execute(statement)
        with db.connection() as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            known = store.prepare(conn)
            tables = store.Tables(conn, zone or known or host_zone())
            counts = {table: _copy(out, table, tables.rows(table)) for table in schema.COLUMNS}
        out.executemany("INSERT INTO Migration (Name) VALUES (?)", [(name,) for name in schema.MIGRATIONS])
        for index in schema.indexes():
            _create_index(out, index)
        out.execute("COMMIT")
        out.execute("PRAGMA synchronous = full")
        out.execute("PRAGMA journal_mode = wal")
    finally:
        out.close()
    return counts


def _create_index(out: sqlite3.Connection, index: schema.Index) -> None:
    """Make an index; where rows are alike that Diffusion Toolkit would not have twice, one that lets them be."""
    is_unique = index.is_unique and out.execute(index.alike()).fetchone() is None
    out.execute(index.statement(is_unique))


def _copy(out: sqlite3.Connection, table: str, rows: Iterator[tuple[Any, ...]]) -> int:
    """Insert all rows of a table; text is bound as bytes, because it need not be Unicode."""
    columns = schema.COLUMNS[table]
    marks = ", ".join("CAST(? AS TEXT)" if kind == "varchar" else "?" for _, kind in columns)
    names = ", ".join(f'"{name}"' for name, _ in columns)
    sql = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 (names of our own list)
    form = {"Image": _image, "Folder": _folder, "Query": _query}.get(table, tuple)
    count = 0
    while batch := list(islice(rows, _BATCH)):
        out.executemany(sql, [tuple(map(_sqlite_value, form(row))) for row in batch])
        count += len(batch)
    return count


def _sqlite_value(value: Any) -> Any:
    if isinstance(value, str):
        return from_db(value).encode("utf-8", "surrogateescape")
    return value


def _original(hexed: str | None, path: str) -> str:
    """Return a folder's path as Diffusion Toolkit had it, else as the library has it."""
    return paths.strip_separators(_text(hexed) if hexed else from_db(path))


def _text(hexed: str) -> str:
    return bytes.fromhex(hexed).decode("utf-8", "surrogateescape")


def _image(row: tuple[Any, ...]) -> tuple[Any, ...]:
    number, root, folder_id, old_folder, start, folder, name, prompt, *rest, blank = row
    path = _text(start) + from_db(name) if start else paths.join(_original(old_folder, folder), from_db(name))
    at = schema.IMAGE_NAMES.index("Workflow") - schema.IMAGE_NAMES.index("NegativePrompt")
    rest[at] = _workflow(rest[at])
    return (number, root, folder_id, path, name, prompt if prompt is not None else blank, *rest)


def _workflow(chunks: str | None) -> str | None:
    """Return the ComfyUI graph of an image, as Diffusion Toolkit keeps it."""
    if chunks is None:
        return None
    by_key = {key: text for _, key, text in reversed(json.loads(chunks))}
    found = by_key.get("prompt", by_key.get("workflow"))
    return found if found is not None and found.lstrip()[:1] in {"{", "["} else _imported_workflow(chunks)


def _imported_workflow(chunks: str) -> str | None:
    return next((text for source, _, text in json.loads(chunks) if source == "diffusion-toolkit"), None)


def _folder(row: tuple[Any, ...]) -> tuple[Any, ...]:
    number, parent, old, path, *rest = row
    # With the separator at its end, where Diffusion Toolkit had one.
    return (number, parent, _text(old) if old else paths.strip_separators(from_db(path)), *rest)


def _query(row: tuple[Any, ...]) -> tuple[Any, ...]:
    number, name, query, original, created, modified = row
    text = original if original is not None or query is None else json.dumps({"Query": query})
    return number, name, text, created, modified

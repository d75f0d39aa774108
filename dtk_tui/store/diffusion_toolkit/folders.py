"""Folders of an import: what the source says of them, and the tree in the library."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit.dates import TICKS_RANGE
from dtk_tui.store.text_codec import from_db, to_db

#: Columns of the source's Folder table, as they are staged.
COLUMNS = (
    "Id", "ParentId", "Path", "ImageCount", "ScannedDate", "Unavailable", "Archived", "Excluded", "IsRoot", "Recursive",
    "Watched",
)  # fmt: skip
FLAGS = COLUMNS[5:]


def staged_folders(conn: Connection) -> list[dict[str, Any]]:
    """Return the source's folders in their order, by ``COLUMNS``; a value is None where the source does not know it."""
    rows = conn.execute("SELECT * FROM migration_stage_folder ORDER BY source_id")
    found = [dict(zip(COLUMNS, values, strict=True)) for values in rows]
    return [{**row, "Path": None if row["Path"] is None else from_db(row["Path"])} for row in found]


def staged_paths(conn: Connection) -> list[tuple[int, str, str]]:
    """Return (key, path, what stands before a file's name in the source) of the folders that images lie in."""
    rows = conn.execute('SELECT key, path, source_path FROM migration_stage_path ORDER BY key, source_path COLLATE "C"')
    return [(key, from_db(path), from_db(source)) for key, path, source in rows]


def stage_paths(conn: Connection, folders: Sequence[tuple[int, str, str]]) -> None:
    """Stage folders that images lie in, given as ``staged_paths`` returns them."""
    with conn.cursor().copy("COPY migration_stage_path FROM STDIN") as copy:
        for key, path, source in folders:
            copy.write_row((key, to_db(path), to_db(source)))


def reserve_ids(conn: Connection, count: int) -> list[int]:
    """Return ids for folders that nobody else gets."""
    rows = conn.execute(
        "SELECT nextval(pg_get_serial_sequence('folder', 'id')::regclass) FROM generate_series(1, %s)", (count,)
    )
    return [number for (number,) in rows]


def library_folders(conn: Connection) -> dict[str, tuple[int, int | None]]:
    """Return (id, parent id) of every folder of the library, by path."""
    return {
        from_db(path): (number, parent)
        for number, parent, path in conn.execute("SELECT id, parent_id, path FROM folder")
    }


def add_folders(conn: Connection, folders: Sequence[tuple[str, str, int | None, int | None]]) -> dict[str, int]:
    """Insert folders given as (path, name, parent id, own id or None) and return their ids by path."""
    sql: LiteralString = """
        INSERT INTO folder (id, path, name, parent_id) OVERRIDING SYSTEM VALUE
        SELECT coalesce(id, nextval(pg_get_serial_sequence('folder', 'id')::regclass)), path, name, parent_id
          FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS new (path, name, parent_id, id)
        RETURNING id, path"""
    paths, names = [to_db(f[0]) for f in folders], [to_db(f[1]) for f in folders]
    rows = conn.execute(sql, (paths, names, [f[2] for f in folders], [f[3] for f in folders]))
    return {from_db(path): number for number, path in rows}


def reparent_folders(conn: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Put folders, given as (id, parent id), below a folder that is new above them."""
    sql: LiteralString = """
        UPDATE folder SET parent_id = new.parent_id
          FROM unnest(%s::bigint[], %s::bigint[]) AS new (id, parent_id) WHERE folder.id = new.id"""
    conn.execute(sql, ([pair[0] for pair in pairs], [pair[1] for pair in pairs]))


def set_folder_attributes(conn: Connection, zone: str, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Write what the source says of folders, given as (folder id, row), that are new in the library."""
    sql: LiteralString = """
        UPDATE folder SET is_root = coalesce(new."IsRoot" <> 0, parent_id IS NULL),
               recursive = coalesce(new."Recursive" <> 0, true), watched = coalesce(new."Watched" <> 0, false),
               excluded = coalesce(new."Excluded" <> 0, false), archived = coalesce(new."Archived" <> 0, false),
               unavailable = coalesce(new."Unavailable" <> 0, false),
               scanned_at = dtk_instant(CASE WHEN new."ScannedDate" BETWEEN {range} THEN new."ScannedDate" END, %s)
          FROM jsonb_to_recordset(%s::jsonb) AS new (
               id bigint, "IsRoot" bigint, "Recursive" bigint, "Watched" bigint, "Excluded" bigint, "Archived" bigint,
               "Unavailable" bigint, "ScannedDate" bigint)
         WHERE folder.id = new.id""".replace("{range}", TICKS_RANGE)
    names = ("ScannedDate", *FLAGS)
    given = [{"id": number, **{name: row[name] for name in names}} for number, row in rows]
    conn.execute(sql, (zone, json.dumps(given)))


def write_folder_keys(conn: Connection, places: Iterable[tuple[int, int]]) -> None:
    """Note which folder each staging key stands for, given as (key, folder id)."""
    conn.execute("CREATE TEMP TABLE migration_place (key bigint, folder_id bigint) ON COMMIT DROP")
    with conn.cursor().copy("COPY migration_place FROM STDIN") as copy:
        for row in places:
            copy.write_row(row)
    conn.execute("ANALYZE migration_place")

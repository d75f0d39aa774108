"""The rowids of a source table: their bounds, also where pages of it are damaged."""

from __future__ import annotations

import sqlite3

from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted


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
        return _damaged_bounds(conn, table)
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


def _damaged_bounds(conn: sqlite3.Connection, table: str) -> tuple[int, int, int]:
    found = largest_assigned(conn, table)
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


def largest_assigned(conn: sqlite3.Connection, table: str) -> int:
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

"""Tables and columns of a source that the import does not know, and that hold values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted
from dtk_tui.text import one_line


def unknown_content(
    conn: sqlite3.Connection, columns: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, dict[str, int]]]:
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
            found += _unknown_of_table(conn, table, columns.get(table))
        except sqlite3.DatabaseError as error:
            if table not in columns:
                found.append((table, f"a table that is not known here and cannot be read: {one_line(str(error))}", {}))
    return found


def _unknown_of_table(
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

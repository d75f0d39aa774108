"""Reading the tables other than Image as CSV lines for the staging tables."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from typing import Any

from dtk_tui.services.diffusion_toolkit.read import ranges, repair
from dtk_tui.services.diffusion_toolkit.read.csv import is_plain, line
from dtk_tui.services.diffusion_toolkit.read.csv_select import in_quotes
from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted
from dtk_tui.store.text_codec import to_db

#: Columns by table, in the order of the staging table after the rowid; an i marks numbers, a t texts.
COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "Folder": (
        ("ParentId", "i"), ("Path", "t"), ("ImageCount", "i"), ("ScannedDate", "i"), ("Unavailable", "i"),
        ("Archived", "i"), ("Excluded", "i"), ("IsRoot", "i"), ("Recursive", "i"), ("Watched", "i"),
    ),
    "Album": (("Name", "t"), ("Order", "i"), ("LastUpdated", "i")),
    "AlbumImage": (("AlbumId", "i"), ("ImageId", "i")),
    "Tag": (("Name", "t"),),
    "ImageTag": (("ImageId", "i"), ("TagId", "i")),
    "Query": (("Name", "t"), ("QueryJson", "t"), ("CreatedDate", "i"), ("ModifiedDate", "i")),
    "Node": (("ImageId", "i"), ("NodeId", "t"), ("Name", "t")),
    "NodeProperty": (("NodeId", "i"), ("Name", "t"), ("Value", "t")),
    "Migration": (("Name", "t"),),
}  # fmt: skip


#: Without these a row that was found in the indexes says nothing.
ESSENTIAL: dict[str, frozenset[str]] = {
    "Folder": frozenset({"Path"}),
    "Album": frozenset({"Name"}),
    "AlbumImage": frozenset({"AlbumId", "ImageId"}),
    "Tag": frozenset({"Name"}),
    "ImageTag": frozenset({"ImageId", "TagId"}),
    "Query": frozenset({"Name", "QueryJson"}),
    "Node": frozenset({"ImageId", "NodeId", "Name"}),
    "NodeProperty": frozenset({"NodeId", "Name", "Value"}),
    "Migration": frozenset({"Name"}),
}
DAMAGED = "its page in the file is damaged"

#: Tables whose names must differ. An index of PostgreSQL takes no text of more than 2704 bytes.
_NAMED = frozenset({"Album", "Tag", "Query"})
_LONGEST_NAME = 2000
_SHORT_NAME = 200


def select(table: str, columns: tuple[str, ...]) -> str:
    """Return the SELECT over a range of rowids: rowid, whether it needs a repair (0 or 1), the line of the table."""
    names = [(quoted(name) if name in columns else "NULL", kind) for name, kind in COLUMNS[table]]
    checks = [
        f"typeof({name}) NOT IN ('{'integer' if kind == 'i' else 'text'}', 'null')"
        + (f" OR instr(CAST({name} AS BLOB), x'00') > 0" if kind == "t" else "")
        for name, kind in names
    ]
    if table in _NAMED and "Name" in columns:
        checks.append(f'length(CAST("Name" AS BLOB)) > {_LONGEST_NAME}')
    form = ",".join(["%s"] * (len(names) + 1))
    values = ", ".join(name if kind == "i" else in_quotes(name) for name, kind in names)
    return f"""
        SELECT rowid, {" OR ".join(checks)}, printf('{form}', rowid, {values})
          FROM {quoted(table)} WHERE rowid BETWEEN ? AND ? ORDER BY rowid"""  # noqa: S608 (names of our own list)


def csv_lines(
    conn: sqlite3.Connection, table: str, columns: tuple[str, ...], found: ranges.RangeRows
) -> dict[str, list[bytes]]:
    """Return the lines of one batch of rows by staging table."""
    lines: list[bytes] = []
    notes: list[bytes] = []
    names = [name for name, _ in COLUMNS[table] if name in columns]
    all_plain = is_plain(b"".join([row[2] for row in found.rows if not row[1]]))
    for number, needs_repair, text in found.rows:
        if not needs_repair and (all_plain or is_plain(text)):
            lines.append(text)
            continue
        _write_repaired(table, number, repair.select_row(conn, table, names, number) or {}, lines, notes)
    if found.failed:
        lost, is_vague = ranges.lost_rowids(conn, table, found.failed)
        if is_vague:
            span = f"rows {found.failed[0]} to {found.failed[-1]}"
            notes.append(line((table, None, "refused", f"{DAMAGED}: others of {span} may be lost", "{}")))
        for number, values in ranges.recover_from_indexes(conn, table, lost).items():
            if not ESSENTIAL[table] <= set(values):
                notes.append(line((table, number, "refused", DAMAGED, "{}")))
                continue
            texts = {k: repair.decode(v) if isinstance(v, bytes) else v for k, v in values.items()}
            _write_repaired(table, number, texts, lines, notes)
            notes.append(line((table, number, "repaired", f"{DAMAGED}: recovered from the indexes", "{}")))
    return {table.lower(): lines, "note": notes}


def _write_repaired(table: str, number: int, values: dict[str, Any], lines: list[bytes], notes: list[bytes]) -> None:
    """Write one row value by value."""
    repaired = repair.RepairedRow(dict(values))
    for name, kind in COLUMNS[table]:
        repaired.values[name] = repair.repair_value(repaired, name, values.get(name), kind == "i")
    if table in _NAMED:
        _shorten_name(repaired)
    lines.append(line([number, *(repaired.values[name] for name, _ in COLUMNS[table])]))
    notes += [
        line((table, number, "repaired", reason, repair.note_json(original))) for reason, original in repaired.notes
    ]


def _shorten_name(row: repair.RepairedRow) -> None:
    name = row.values["Name"]
    if isinstance(name, str) and len(to_db(name).encode()) > _LONGEST_NAME:
        mark = sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        row.values["Name"] = f"{name[:_SHORT_NAME]}... {mark}"
        row.repair(f"has {len(name)} characters, written by its begin", "Name", name)

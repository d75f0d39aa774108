"""Reading a table by ranges of rowids, past damaged pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from operator import lt
from typing import Any

from dtk_tui.services.diffusion_toolkit.source.rowids import indexes, largest_assigned
from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted

Row = tuple[Any, ...]
#: First and last rowid of a range, both included.
Span = tuple[int, int]


@dataclass(slots=True)
class RangeRows:
    """The rows that were read from a range, and the rowids at which reading failed."""

    rows: list[Row] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


def plan_ranges(conn: sqlite3.Connection, table: str, bounds: tuple[int, int, int], rows: int) -> list[Span]:
    """Divide a table into ranges of about so many rows; the same for the same file.

    Args:
        bounds: first rowid, last rowid and number of rows of the table.
    """
    first, last, count = bounds
    if count == 0:
        return []
    if last - first < 4 * count:
        width = max(1, rows * (last - first + 1) // count)
        return [(low, min(low + width - 1, last)) for low in range(first, last + 1, width)]
    ranges = []
    low: int | None = first
    while low is not None:
        row = conn.execute(
            f"SELECT rowid FROM {quoted(table)} WHERE rowid > ? ORDER BY rowid LIMIT 1 OFFSET ?",  # noqa: S608
            (low, rows - 1),
        ).fetchone()
        ranges.append((low, row[0] - 1 if row else last))
        low = row[0] if row else None
    return ranges


def read_range(conn: sqlite3.Connection, sql: str, low: int, high: int) -> RangeRows:
    """Return the rows of a SELECT with the parameters (first rowid, last rowid), whose first column is the rowid.

    What can be read at once is; a scan that meets a damaged page goes on by single look-ups until one succeeds behind
    it.
    """
    result = RangeRows()
    at = low
    try:
        rows = conn.execute(sql, (low, high)).fetchall()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        rows = []
    ids = [row[0] for row in rows]
    if ids and low <= ids[0] and ids[-1] <= high and all(map(lt, ids, ids[1:])):
        return RangeRows(rows)
    while at <= high:
        try:
            for row in conn.execute(sql, (at, high)):
                if not at <= row[0] <= high:
                    raise sqlite3.DatabaseError("rowids out of order")
                result.rows.append(row)
                at = row[0] + 1
            break
        except sqlite3.OperationalError:
            # Locked, or the disk is away: not damage of this page.
            raise
        except sqlite3.DatabaseError:
            at = _step_over(conn, sql, at, high, result)
    return result


def _step_over(conn: sqlite3.Connection, sql: str, low: int, high: int, result: RangeRows) -> int:
    """Look up single rowids until one succeeds; return where the scan goes on."""
    is_behind = False
    while low <= high and not is_behind:
        try:
            row = conn.execute(sql, (low, low)).fetchone()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            result.failed.append(low)
        else:
            if row is not None and row[0] == low:
                result.rows.append(row)
                is_behind = bool(result.failed)
            elif row is not None:
                result.failed.append(low)
        low += 1
    return low


def lost_rowids(
    conn: sqlite3.Connection, table: str, span: Span, rows: Container[int], failed: Sequence[int]
) -> tuple[list[int], bool]:
    """Return the rowids of a span that have a row and could not be read, and whether there may be others.

    A whole index tells exactly, also what a damaged tree does not show. Without one, a table whose ids count up has
    each of those that failed; of any other, only those that the remains of its indexes know.

    Args:
        rows: the rowids that were read.
        failed: those that could not be.
    """
    seen: set[int] = set()
    for index in indexes(conn, table):
        try:
            for (number,) in conn.execute(f"SELECT rowid FROM {quoted(table)} INDEXED BY {quoted(index)}"):  # noqa: S608
                seen.add(number)
        except sqlite3.DatabaseError:
            continue
        return sorted(number for number in seen if span[0] <= number <= span[1] and number not in rows), False
    if largest_assigned(conn, table):
        return sorted(failed), False
    return sorted(seen.intersection(failed)), True


def recover_from_indexes(conn: sqlite3.Connection, table: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what the indexes say of rows whose own page is damaged: by rowid, by column."""
    found: dict[int, dict[str, Any]] = {number: {} for number in ids}
    for index in indexes(conn, table):
        _collect(conn, table, index, found)
    return found


def _collect(conn: sqlite3.Connection, table: str, index: str, found: dict[int, dict[str, Any]]) -> None:
    try:
        columns = [row[2] for row in conn.execute(f"PRAGMA index_info({quoted(index)})")]
        if None in columns:
            return
        names = [column.decode() for column in columns]
        chosen = ", ".join(map(quoted, names))
        sql = f"SELECT rowid, {chosen} FROM {quoted(table)} INDEXED BY {quoted(index)}"  # noqa: S608
        for number, *values in conn.execute(sql):
            if number in found:
                found[number].update(zip(names, values, strict=True))
    except sqlite3.DatabaseError:
        return

"""Reading a table by ranges of rowids, past damaged pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dtk_tui.services.migration.source import bounds, indexes, quoted

Row = tuple[Any, ...]


@dataclass(slots=True)
class Range:
    """Rows that were read from a range, and the rowids at which reading failed."""

    rows: list[Row] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a table is read: the ranges (first, last), both included; ``rows`` is their expected number."""

    table: str
    ranges: tuple[tuple[int, int], ...]
    rows: int


def plan(conn: sqlite3.Connection, table: str, batch_size: int) -> Plan:
    """Divide a table into ranges of about ``batch_size`` rows; the same for the same file."""
    first, last, count = bounds(conn, table)
    if count == 0:
        return Plan(table, (), 0)
    if last - first < 4 * count:
        width = max(1, batch_size * (last - first + 1) // count)
        return Plan(table, tuple((low, min(low + width - 1, last)) for low in range(first, last + 1, width)), count)
    ranges = []
    low: int | None = first
    while low is not None:
        row = conn.execute(
            f"SELECT rowid FROM {quoted(table)} WHERE rowid > ? ORDER BY rowid LIMIT 1 OFFSET ?",  # noqa: S608
            (low, batch_size - 1),
        ).fetchone()
        ranges.append((low, row[0] - 1 if row else last))
        low = row[0] if row else None
    return Plan(table, tuple(ranges), count)


def read(conn: sqlite3.Connection, sql: str, low: int, high: int) -> Range:
    """Return the rows of a SELECT with the parameters (first rowid, last rowid), whose first column is the rowid.

    A scan that meets a damaged page goes on by single look-ups until one succeeds behind it.
    """
    result = Range()
    while low <= high:
        try:
            for row in conn.execute(sql, (low, high)):
                result.rows.append(row)
                low = row[0] + 1
            return result
        except sqlite3.OperationalError:
            # Locked, or the disk is away: not damage of this page.
            raise
        except sqlite3.DatabaseError:
            low = _step_over(conn, sql, low, high, result)
    return result


def _step_over(conn: sqlite3.Connection, sql: str, low: int, high: int, result: Range) -> int:
    """Look up single rowids until one succeeds; return where the scan goes on."""
    has_failed = False
    while low <= high:
        try:
            row = conn.execute(sql, (low, low)).fetchone()
        except sqlite3.DatabaseError:
            result.failed.append(low)
            has_failed = True
            low += 1
            continue
        if row is not None:
            result.rows.append(row)
        low += 1
        if row is not None and has_failed:
            break
    return low


def lost_ids(conn: sqlite3.Connection, table: str, failed: Sequence[int]) -> list[int]:
    """Return which of the failed rowids have a row, as an index tells; all of them when no index can be read."""
    wanted = set(failed)
    for index in indexes(conn, table):
        try:
            known = conn.execute(f"SELECT rowid FROM {quoted(table)} INDEXED BY {quoted(index)}")  # noqa: S608
            return sorted({row[0] for row in known} & wanted)
        except sqlite3.DatabaseError:
            continue
    return sorted(wanted)


def from_indexes(conn: sqlite3.Connection, table: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what the single-column indexes say of rows whose own page is damaged: by rowid, by column."""
    found: dict[int, dict[str, Any]] = {number: {} for number in ids}
    for index in indexes(conn, table):
        _collect(conn, table, index, found)
    return found


def _collect(conn: sqlite3.Connection, table: str, index: str, found: dict[int, dict[str, Any]]) -> None:
    try:
        columns = [row[2] for row in conn.execute(f"PRAGMA index_info({quoted(index)})")]
        if len(columns) != 1 or columns[0] is None:
            return
        column = columns[0].decode()
        sql = f"SELECT rowid, {quoted(column)} FROM {quoted(table)} INDEXED BY {quoted(index)}"  # noqa: S608
        for number, value in conn.execute(sql):
            if number in found:
                found[number][column] = value
    except sqlite3.DatabaseError:
        return


Progress = Callable[[int], None]

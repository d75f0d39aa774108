"""Reading a table by ranges of rowids, past damaged pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import lt
from typing import Any

from dtk_tui.services.diffusion_toolkit.source.rowids import indexes, largest_assigned
from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted

Row = tuple[Any, ...]


@dataclass(slots=True)
class RangeRows:
    """The rows that were read from a range, and the rowids at which reading failed."""

    rows: list[Row] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """The reading plan of a table: the ranges (first, last), both included; ``rows`` is their expected number."""

    table: str
    ranges: tuple[tuple[int, int], ...]
    rows: int


def plan_ranges(conn: sqlite3.Connection, table: str, bounds: tuple[int, int, int], batch_size: int) -> Plan:
    """Divide a table into ranges of about ``batch_size`` rows; the same for the same file.

    Args:
        bounds: first rowid, last rowid and number of rows of the table.
    """
    first, last, count = bounds
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


def read_range(conn: sqlite3.Connection, table: str, sql: str, low: int, high: int) -> RangeRows:
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
    if result.failed:
        _add_unseen(conn, table, low, high, result)
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


def _add_unseen(conn: sqlite3.Connection, table: str, low: int, high: int, result: RangeRows) -> None:
    """Count as failed what the indexes know and a damaged tree does not show."""
    seen = {row[0] for row in result.rows} | set(result.failed)
    for index in indexes(conn, table):
        try:
            sql = f"SELECT rowid FROM {quoted(table)} INDEXED BY {quoted(index)} WHERE +rowid BETWEEN ? AND ?"  # noqa: S608
            known = {row[0] for row in conn.execute(sql, (low, high))}
        except sqlite3.DatabaseError:
            continue
        result.failed = sorted({*result.failed, *(known - seen)})
        return


def lost_rowids(conn: sqlite3.Connection, table: str, failed: Sequence[int]) -> tuple[list[int], bool]:
    """Return which of the failed rowids have a row, and whether there may be others, whose number nobody knows.

    A whole index tells exactly. Without one, a table whose ids count up has each of them; of any other, only those
    that the remains of its indexes know.
    """
    wanted = set(failed)
    seen: set[int] = set()
    for index in indexes(conn, table):
        try:
            for row in conn.execute(f"SELECT rowid FROM {quoted(table)} INDEXED BY {quoted(index)}"):  # noqa: S608
                seen.add(row[0])
        except sqlite3.DatabaseError:
            continue
        return sorted(seen & wanted), False
    if largest_assigned(conn, table):
        return sorted(wanted), False
    return sorted(seen & wanted), True


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

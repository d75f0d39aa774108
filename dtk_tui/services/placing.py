"""Writing what files said into the rows that they belong to: a file that moved keeps its row."""

from __future__ import annotations

import os
from collections.abc import Iterable

from dtk_tui.services.reading import Read, Row
from dtk_tui.store import raw, readings, staging
from dtk_tui.store.database import Connection


def write_readings(conn: Connection, batch: Read) -> tuple[int, int]:
    """Write a batch; return how many new files and how many changed ones were known images that had only moved."""
    moved = traded = 0
    if batch.rows:
        # In the order of their places, neighbours meet on the same pages.
        rows = sorted(batch.rows)
        staging.stage(conn, [row for _, row, _ in rows], batch.prompts)
        written = readings.write_new(conn)
        raw.add(conn, [(number, text) for number, _, text in rows if number in written])
        rest = [row for row in rows if row[0] not in written]
        if rest:
            moved, traded = _write_known(conn, rest)
    readings.write_unreadable(conn, batch.unreadable)
    return moved, traded


def _write_known(conn: Connection, rows: list[Row]) -> tuple[int, int]:
    """Write readings of rows that were read before, or whose content is known."""
    moved = traded = 0
    staging.stage_again(conn, [row for _, row, _ in rows])
    staging.stage_raw(conn, [text for _, _, text in rows if text])
    before = readings.before(conn)
    if before.has_twins:
        # First those that were put over others: what they replaced may itself have moved on.
        trades = _lost(readings.put_over(conn))
        if trades:
            readings.trade_places(conn, trades)
            traded = len(trades)
        moves = _lost(readings.twins(conn))
        if moves:
            moved = readings.move(conn, moves)
        if traded or moved:
            before = readings.before(conn)
    readings.write(conn, before)
    return moved, traded


def _lost(twins: Iterable[readings.Twin]) -> list[tuple[int, int]]:
    """Return (known id, new id) of the twins whose known file is no longer in its place, each row at most once."""
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for twin in twins:
        free = twin.old_id not in pairs and twin.new_id not in taken and twin.old_id not in taken
        if free and (twin.unavailable or not os.path.lexists(twin.path)):
            pairs[twin.old_id] = twin.new_id
            taken.add(twin.new_id)
    return list(pairs.items())

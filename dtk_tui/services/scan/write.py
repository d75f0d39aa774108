"""Writing what files said into the rows that they belong to: a file that moved keeps its row."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from dtk_tui.services.scan.read import Read, Row, read_chunk
from dtk_tui.store.database import Connection
from dtk_tui.store.scan import raw_metadata as raw
from dtk_tui.store.scan import readings, staging


@dataclass(frozen=True, slots=True)
class Written:
    """How many new files (``moved``) and changed ones (``traded``) were known images that had only moved.

    ``found``: how many images that had vanished these were.
    """

    moved: int = 0
    traded: int = 0
    found: int = 0


def write_readings(conn: Connection, batch: Read) -> Written:
    """Write a batch; a file that only moved takes its row along."""
    written = Written()
    if batch.rows:
        # In the order of their places, neighbours meet on the same pages.
        rows = sorted(batch.rows)
        staging.stage(conn, [row for _, row, _ in rows], batch.prompts)
        new = readings.write_new(conn)
        raw.add(conn, [(number, text) for number, _, text in rows if number in new])
        rest = [row for row in rows if row[0] not in new]
        if rest:
            written = _write_known(conn, rest)
    readings.write_unreadable(conn, batch.unreadable)
    return written


def _write_known(conn: Connection, rows: list[Row]) -> Written:
    """Write readings of rows that were read before, or whose content is known."""
    staging.stage_again(conn, [row for _, row, _ in rows])
    staging.stage_raw(conn, [text for _, _, text in rows if text])
    readings.drop_written(conn)
    before = readings.before(conn)
    written = Written()
    if before.has_twins:
        mine = {number for number, _, _ in rows}
        pairs, fresh, vanished = _lost(conn, mine)
        if pairs:
            readings.move(conn, pairs, fresh, readings.staged(conn).keys())
            there = mine & set(pairs.values())
            written = Written(len(there & fresh), len(there - fresh), len(vanished & pairs.keys()))
        before = readings.before(conn)
    readings.write(conn, before)
    return written


def _lost(conn: Connection, mine: set[int]) -> tuple[dict[int, int], set[int], set[int]]:
    """Find known images whose content is in another place now, and not in its own any more.

    Files that stand in the places of such images, and were not read yet, are read and staged. Those of them that this
    scan has listed are added to ``mine``.

    Returns:
        By known id the id of the row in whose place the content is; which of those rows are of new files; and which of
        the known ones count as gone.
    """
    stays: set[int] = set()
    while True:
        found = readings.twins(conn)
        staged = readings.staged(conn)
        gone: set[int] = set()
        unclear: dict[int, str] = {}
        for twin in {twin.old_id: twin for twin in found}.values():
            if twin.old_id in staged:
                if staged[twin.old_id] != twin.fingerprint:
                    gone.add(twin.old_id)
            elif twin.old_id not in stays:
                now = None if twin.unavailable else _standing(twin.path)
                if now is None:
                    gone.add(twin.old_id)
                elif twin.waiting or now != (twin.file_size, twin.mtime_ns):
                    unclear[twin.old_id] = twin.path
                    mine |= {twin.old_id} if twin.waiting else set()
        if not unclear:
            break
        _read_ahead(conn, unclear)
        stays |= unclear.keys()
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for twin in found:
        if twin.old_id in gone and twin.old_id not in pairs and twin.new_id not in taken:
            pairs[twin.old_id] = twin.new_id
            taken.add(twin.new_id)
    fresh = {twin.new_id for twin in found if twin.fresh}
    return pairs, fresh, {twin.old_id for twin in found if twin.unavailable}


def _read_ahead(conn: Connection, files: Mapping[int, str]) -> None:
    waiting = list(files.items())
    while waiting:
        read = read_chunk(waiting)
        texts = [text for _, _, text in read.rows if text]
        staging.stage_more(conn, [row for _, row, _ in read.rows], texts, read.prompts)
        waiting = read.rest


def _standing(path: str) -> tuple[int, int] | None:
    """Return size and mtime in ns of the file at a path, or None when there is none; what cannot be asked is there."""
    try:
        status = os.stat(path)  # noqa: PTH116 (surrogates must survive)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return -1, 0
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None

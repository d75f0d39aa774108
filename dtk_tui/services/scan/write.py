"""Readings become rows of the library: a file that moved keeps its row."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dtk_tui.services.scan.read import ReadBatch, Row, read_chunk
from dtk_tui.services.scan.unmet import Claims
from dtk_tui.store.database import Connection
from dtk_tui.store.queue import missing
from dtk_tui.store.scan import moves, raw_metadata, readings, staging


@dataclass(frozen=True, slots=True)
class MovedCounts:
    """How many files were known images that had only moved: ``new`` files, and ``changed`` ones.

    ``unavailable``: how many of these images counted as gone before.
    """

    new: int = 0
    changed: int = 0
    unavailable: int = 0


def write_readings(conn: Connection, batch: ReadBatch, claims: Claims) -> MovedCounts:
    """Write a batch; a file that only moved takes its row along."""
    counts = MovedCounts()
    if batch.rows:
        # In the order of their places, neighbours meet on the same pages.
        rows = sorted(batch.rows)
        staging.stage(conn, [row for _, row, _ in rows], batch.prompts)
        found = claims.settle(conn, batch)
        new = readings.write_new(conn, found.values())
        raw_metadata.add(conn, [(number, text) for number, _, text in rows if number in new])
        rest = [row for row in rows if row[0] not in new]
        if rest:
            counts = _write_known(conn, rest, found, claims.unavailable)
    readings.write_unreadable(conn, batch.unreadable)
    return counts


def _write_known(
    conn: Connection, rows: list[Row], found: Mapping[int, int], unavailable: Collection[int]
) -> MovedCounts:
    """Write readings of rows that were read before, or whose content is known.

    Args:
        found: images that no scan has met, and the rows of new files in whose places they are; ids of both.
        unavailable: those of them that count as gone, and others.
    """
    staging.restage(conn, [row for _, row, _ in rows])
    staging.restage_raw(conn, [text for _, _, text in rows if text])
    readings.drop_written(conn)
    before = readings.rows_before(conn)
    counts = MovedCounts()
    if before.has_same_content or found:
        mine = {number for number, _, _ in rows}
        pairs, fresh, vanished = _find_moved(conn, mine)
        met = {image: there for image, there in found.items() if there not in pairs.values()}
        pairs |= met
        fresh |= set(met.values())
        vanished |= met.keys() & set(unavailable)
        if pairs:
            moves.move(conn, pairs, fresh, readings.staged(conn).keys())
            there = mine & set(pairs.values())
            counts = MovedCounts(len(there & fresh), len(there - fresh), len(vanished & pairs.keys()))
        before = readings.rows_before(conn)
    missing.retry_changed(conn, before.stale)
    readings.write(conn, before)
    return counts


def _find_moved(conn: Connection, mine: set[int]) -> tuple[dict[int, int], set[int], set[int]]:
    """Find known images whose content is in another place now, and not in its own any more.

    Files that stand in the places of such images, and were not read yet, are read and staged. Those of them that this
    scan has listed are added to ``mine``.

    Returns:
        By known id the id of the row in whose place the content is; which of those rows are of new files; and which of
        the known ones count as gone.
    """
    stays: set[int] = set()
    while True:
        found = moves.same_content(conn)
        staged = readings.staged(conn)
        gone: set[int] = set()
        unclear: dict[int, str] = {}
        for match in {match.old_id: match for match in found}.values():
            if match.old_id in staged:
                if staged[match.old_id] != match.fingerprint:
                    gone.add(match.old_id)
            elif match.old_id not in stays:
                now = None if match.unavailable else _stat_file(match.path)
                if now is None:
                    gone.add(match.old_id)
                elif match.waiting or now != (match.file_size, match.mtime_ns):
                    unclear[match.old_id] = match.path
                    mine |= {match.old_id} if match.waiting else set()
        if not unclear:
            break
        _read_ahead(conn, unclear)
        stays |= unclear.keys()
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for match in found:
        if match.old_id in gone and match.old_id not in pairs and match.new_id not in taken:
            pairs[match.old_id] = match.new_id
            taken.add(match.new_id)
    fresh = {match.new_id for match in found if match.fresh}
    return pairs, fresh, {match.old_id for match in found if match.unavailable}


def _read_ahead(conn: Connection, files: Mapping[int, str]) -> None:
    waiting = list(files.items())
    while waiting:
        read = read_chunk(waiting)
        texts = [text for _, _, text in read.rows if text]
        staging.stage_more(conn, [row for _, row, _ in read.rows], texts, read.prompts)
        waiting = read.rest


def _stat_file(path: str) -> tuple[int, int] | None:
    """Return size and mtime in ns of the file at a path, or None when there is none; what cannot be asked is there."""
    try:
        status = os.stat(path)  # noqa: PTH116 (surrogates must survive)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return -1, 0
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None

"""Comparing folder listings with what the library has."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dtk_tui.metadata import sidecars
from dtk_tui.services.scan.walk import File, Listing
from dtk_tui.store.database import Connection
from dtk_tui.store.scan import listing as ingest

#: Enough to tell the files of one folder apart.
_SHORT_BYTES = 6


@dataclass(slots=True)
class Differences:
    """What is different on the disk; rows by image id, folders by folder id.

    ``new`` are files by folder, ``packed`` the same as rows where a listing has them, ``changed`` are (id, size in
    bytes, mtime in ns); ``read`` are folders that were read whole, ``touched`` those with anything different,
    ``unreadable`` those with the reason. ``again`` are images that did not change, while what stands beside them did;
    ``beside`` is that, by folder, where it is not as it was.
    """

    new: dict[int, list[File]] = field(default_factory=dict)
    packed: dict[int, list[bytes]] = field(default_factory=dict)
    changed: list[tuple[int, int, int]] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    beside: list[tuple[int, bytes]] = field(default_factory=list)


def compare(
    conn: Connection, listings: Sequence[tuple[int, Listing, bool]], beside: Mapping[int, bytes]
) -> Differences:
    """Compare folders given as (folder id, listing, known before); only those that differ are looked at row by row.

    Args:
        beside: what stood beside the pictures of known folders, as ``pack_beside`` gave it.
    """
    result = Differences()
    old = [folder_id for folder_id, _, known in listings if known]
    digests = ingest.digests(conn, old) if old else {}
    different: list[tuple[int, Listing]] = []
    for folder_id, listing, known in listings:
        if listing.complete:
            result.read.append(folder_id)
        elif listing.error:
            result.unreadable.append((folder_id, listing.error))
        if not known:
            if listing.files:
                result.new[folder_id] = listing.files
                result.packed[folder_id] = listing.packed
            continue
        had = digests.get(folder_id)
        if had is None or had != ingest.digest(listing.files):
            different.append((folder_id, listing))
    rows = ingest.listed(conn, [folder_id for folder_id, _ in different]) if different else {}
    for folder_id, listing in different:
        _compare_one(folder_id, listing, rows[folder_id], result)
    _compare_beside(conn, listings, beside, result)
    return result


def pack_beside(listing: Listing) -> bytes:
    """Return a digest for each file beside the pictures of a folder: of its name, then of its size and time."""
    if not (listing.beside and listing.files):
        return b""
    return b"".join(sorted([_short(name) + _short(f"{size}/{time_ns}") for name, size, time_ns in listing.beside]))


def _short(text: str) -> bytes:
    return hashlib.blake2b(os.fsencode(text), digest_size=_SHORT_BYTES).digest()


def _compare_beside(
    conn: Connection, listings: Sequence[tuple[int, Listing, bool]], beside: Mapping[int, bytes], result: Differences
) -> None:
    """Find images that did not change, while what stands beside them did."""
    different: dict[int, set[bytes]] = {}
    for folder_id, listing, known in listings:
        had = beside.get(folder_id, b"")
        if not listing.complete or not (had or listing.beside):
            continue
        now = pack_beside(listing)
        if now != had:
            result.beside.append((folder_id, now))
            if known:
                others = _entries(now) ^ _entries(had)
                different[folder_id] = {entry[:_SHORT_BYTES] for entry in others}
    if not different:
        return
    changed = {number for number, _, _ in result.changed} | set(result.gone)
    for folder_id, number, name in ingest.silent(conn, list(different)):
        names = different[folder_id]
        if number not in changed and any(_short(other) in names for other in sidecars.sidecar_names(name)):
            result.again.append(number)


def _entries(packed: bytes) -> set[bytes]:
    return {packed[i : i + 2 * _SHORT_BYTES] for i in range(0, len(packed), 2 * _SHORT_BYTES)}


def _compare_one(folder_id: int, listing: Listing, rows: dict[str, ingest.Listed], result: Differences) -> None:
    before = len(result.changed) + len(result.back) + len(result.gone)
    new: list[File] = []
    for file in listing.files:
        name, size, mtime_ns = file
        row = rows.pop(name, None)
        if row is None:
            new.append(file)
        elif row.unread or (row.file_size, row.mtime_ns) != (size, mtime_ns):
            result.changed.append((row.id, size, mtime_ns))
        elif row.unavailable:
            result.back.append(row.id)
    if listing.complete:
        result.gone += [row.id for row in rows.values() if not row.unavailable]
    if new:
        result.new[folder_id] = new
    if new or len(result.changed) + len(result.back) + len(result.gone) > before:
        result.touched.add(folder_id)

"""The differences between folder listings and the library's rows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dtk_tui.metadata.sidecars import sidecar_names
from dtk_tui.services.scan.walk import File, Listing
from dtk_tui.store.database import Connection
from dtk_tui.store.scan import listings

#: Enough to tell the files of one folder apart.
_SHORT_BYTES = 6


@dataclass(slots=True)
class Differences:
    """What is different on the disk; rows by image id, folders by folder id.

    ``new`` are files by folder, ``encoded`` the same as rows where a listing has them, ``changed`` are (id, size in
    bytes, mtime in ns); ``read`` are folders that were read whole, ``touched`` those with anything different,
    ``unreadable`` those with the reason. ``sidecar_changed`` are images whose sidecars changed and which did not;
    ``sidecars`` are the digests of all sidecars of a folder, where they are not as they were.
    """

    new: dict[int, list[File]] = field(default_factory=dict)
    encoded: dict[int, list[bytes]] = field(default_factory=dict)
    changed: list[tuple[int, int, int]] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    sidecar_changed: list[int] = field(default_factory=list)
    sidecars: list[tuple[int, bytes]] = field(default_factory=list)


def compare(conn: Connection, walked: Sequence[tuple[int, Listing, bool]], stored: Mapping[int, bytes]) -> Differences:
    """Compare folders given as (folder id, listing, known before); only those that differ are looked at row by row.

    Args:
        stored: the digests of the sidecars of known folders, as ``digest_sidecars`` gave them.
    """
    result = Differences()
    old = [folder_id for folder_id, _, known in walked if known]
    digests = listings.stored_digests(conn, old) if old else {}
    different: list[tuple[int, Listing]] = []
    for folder_id, listing, known in walked:
        if listing.complete:
            result.read.append(folder_id)
        elif listing.error:
            result.unreadable.append((folder_id, listing.error))
        if not known:
            if listing.files:
                result.new[folder_id] = listing.files
                result.encoded[folder_id] = listing.encoded
            continue
        had = digests.get(folder_id)
        if had is None or had != listings.digest(listing.files):
            different.append((folder_id, listing))
    rows = listings.stored_files(conn, [folder_id for folder_id, _ in different]) if different else {}
    for folder_id, listing in different:
        _compare_one(folder_id, listing, rows[folder_id], result)
    _compare_sidecars(conn, walked, stored, result)
    return result


def digest_sidecars(listing: Listing) -> bytes:
    """Return the digests of a folder's sidecars, one behind the other: of its name, then of its size and time."""
    if not (listing.sidecars and listing.files):
        return b""
    return b"".join(sorted([_short(file[0]) + _short(_state(*file)) for file in listing.sidecars]))


def _state(name: str, size: int, time_ns: int) -> str:
    """Return what changes with a sidecar; those that keep the ending of their picture were once looked at by nobody."""
    return f"{size}/{time_ns}/2" if "." in name.rpartition(".")[0] else f"{size}/{time_ns}"


def _short(text: str) -> bytes:
    return hashlib.blake2b(os.fsencode(text), digest_size=_SHORT_BYTES).digest()


def _compare_sidecars(
    conn: Connection, walked: Sequence[tuple[int, Listing, bool]], stored: Mapping[int, bytes], result: Differences
) -> None:
    """Find images that did not change, while their sidecars did."""
    different: dict[int, set[bytes]] = {}
    for folder_id, listing, known in walked:
        had = stored.get(folder_id, b"")
        if not listing.complete or not (had or listing.sidecars):
            continue
        now = digest_sidecars(listing)
        if now != had:
            result.sidecars.append((folder_id, now))
            if known:
                others = _entries(now) ^ _entries(had)
                different[folder_id] = {entry[:_SHORT_BYTES] for entry in others}
    if not different:
        return
    changed = {number for number, _, _ in result.changed} | set(result.gone)
    for folder_id, number, name in listings.without_metadata(conn, list(different)):
        names = different[folder_id]
        if number not in changed and any(_short(other) in names for other in sidecar_names(name)):
            result.sidecar_changed.append(number)


def _entries(digests: bytes) -> set[bytes]:
    return {digests[i : i + 2 * _SHORT_BYTES] for i in range(0, len(digests), 2 * _SHORT_BYTES)}


def _compare_one(folder_id: int, listing: Listing, rows: dict[str, listings.StoredFile], result: Differences) -> None:
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

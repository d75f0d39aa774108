"""Folders as a scan knows them: what it compares with the disk, and what it writes of folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dtk_tui.domain.library import Rule
from dtk_tui.store.database import Connection
from dtk_tui.store.library.folders import SUBTREE
from dtk_tui.store.scan import listings
from dtk_tui.store.text_codec import from_db, to_db

_ROWS = """
SELECT id, path, parent_id, scanned_at IS NOT NULL AND error IS NULL AND NOT unavailable, excluded, archived, recursive,
       beside
  FROM folder
"""
_ROWS_OF_TREE = f"{_ROWS} WHERE id IN ({SUBTREE})"
_ROWS_BELOW = f"{_ROWS} WHERE path = %(path)s OR left(path, length(%(prefix)s)) = %(prefix)s"
_MARK_SCANNED = "UPDATE folder SET scanned_at = now(), error = NULL, unavailable = false WHERE id = ANY (%s)"
_SET_SIDECARS = """
UPDATE folder SET beside = nullif(new.beside, '')
  FROM unnest(%s::bigint[], %s::bytea[]) AS new (id, beside) WHERE folder.id = new.id
"""


@dataclass(frozen=True, slots=True)
class KnownFolder:
    """A folder that the library has, as a scan needs it.

    ``settled``: read before, without an error, and there; ``sidecars``: the digests of its sidecars, as
    ``diff.digest_sidecars`` gives them.
    """

    id: int
    path: str
    parent_id: int | None
    settled: bool
    rule: Rule
    sidecars: bytes = b""


def load(conn: Connection, root_id: int) -> dict[str, KnownFolder]:
    """Return a folder and all below it, by path."""
    return _by_path(conn.execute(_ROWS_OF_TREE, (root_id,)))


def load_below(conn: Connection, path: str) -> dict[str, KnownFolder]:
    """Return what is known of a path and all below it, by path, whether or not the path itself is known."""
    return _by_path(conn.execute(_ROWS_BELOW, {"path": to_db(path), "prefix": to_db(path.rstrip("/")) + "/"}))


def _by_path(rows: Iterable[tuple[Any, ...]]) -> dict[str, KnownFolder]:
    result: dict[str, KnownFolder] = {}
    for number, path, parent, settled, excluded, archived, recursive, sidecars in rows:
        name = from_db(path)
        result[name] = KnownFolder(
            number, name, parent, settled, Rule(excluded, archived, recursive), bytes(sidecars or b"")
        )
    return result


def mark_scanned(conn: Connection, ids: Sequence[int]) -> None:
    """Note that folders were read just now."""
    conn.execute(_MARK_SCANNED, (list(ids),))


def set_sidecars(conn: Connection, rows: Sequence[tuple[int, bytes]]) -> None:
    """Store the digests of folders' sidecars, given as (folder id, ``diff.digest_sidecars``)."""
    if rows:
        conn.execute(_SET_SIDECARS, ([row[0] for row in rows], [row[1] for row in rows]))


def mark_unreadable(conn: Connection, folder_id: int, reason: str) -> None:
    """Note why a folder could not be read; what is known of its images stays."""
    conn.execute("UPDATE folder SET error = %s WHERE id = %s", (to_db(reason), folder_id))


def mark_unavailable(conn: Connection, ids: Sequence[int]) -> list[int]:
    """Mark folders that vanished as unavailable; return the ids of their images that were there until now."""
    conn.execute("UPDATE folder SET unavailable = true WHERE id = ANY (%s)", (list(ids),))
    return listings.available_in(conn, ids)

"""Pruning: images and folders that are deleted from the library, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of

_COUNT = "SELECT count(*) FROM image WHERE unavailable AND (%(all)s OR folder_id = ANY (%(folders)s::bigint[]))"
_SOME = """
SELECT id FROM image WHERE unavailable AND (%(all)s OR folder_id = ANY (%(folders)s::bigint[])) ORDER BY id LIMIT 5000
"""
_SOME_IN = "SELECT id FROM image WHERE folder_id = ANY (%s::bigint[]) ORDER BY id LIMIT 5000"
_EMPTY_FOLDERS = """
DELETE FROM folder
 WHERE unavailable AND NOT is_root AND NOT excluded AND NOT archived AND (%(all)s OR id = ANY (%(folders)s))
   AND NOT EXISTS (SELECT 1 FROM image WHERE image.folder_id = folder.id)
   AND NOT EXISTS (SELECT 1 FROM folder child WHERE child.parent_id = folder.id)
"""


def _where(folder_ids: Sequence[int] | None) -> dict[str, object]:
    return {"all": folder_ids is None, "folders": Bigints(folder_ids or ())}


def count(conn: Connection, folder_ids: Sequence[int] | None = None) -> int:
    """Return how many images of some folders (None: of all) are unavailable."""
    return int(row_of(conn, _COUNT, _where(folder_ids))[0])


def prune_some(conn: Connection, folder_ids: Sequence[int] | None = None) -> int:
    """Delete up to 5,000 unavailable images with all that is known of them; return how many, 0 when none is left.

    What was computed for a group stays with the members that are left.
    """
    ids = [number for (number,) in conn.execute(_SOME, _where(folder_ids))]
    if ids:
        _delete(conn, ids)
    return len(ids)


def remove_some(conn: Connection, folder_ids: Sequence[int]) -> int:
    """Delete up to 5,000 images of folders, whether their files are there or not; return how many, 0 at the end.

    What was computed for a group stays with its members elsewhere.
    """
    ids = [number for (number,) in conn.execute(_SOME_IN, (Bigints(folder_ids),))]
    if ids:
        _delete(conn, ids)
    return len(ids)


def _delete(conn: Connection, ids: list[int]) -> None:
    conn.execute("SELECT dtk_promote_successors(%s)", (ids,))
    conn.execute("DELETE FROM image WHERE id = ANY (%s)", (ids,))


def prune_folders(conn: Connection, folder_ids: Sequence[int] | None = None) -> int:
    """Delete vanished folders that hold nothing any more; return how many."""
    deleted = 0
    while number := conn.execute(_EMPTY_FOLDERS, _where(folder_ids)).rowcount:
        deleted += number
    return deleted

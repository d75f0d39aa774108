"""Folders: the tree, its queue badges, and the rows that a scan writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dtk_tui.domain.library import Badge, FolderRow
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.escape import from_db, to_db

_ROWS = """
SELECT folder.id, folder.parent_id, folder.name, folder.path,
       (SELECT count(*) FROM image WHERE image.folder_id = folder.id),
       EXISTS (SELECT 1 FROM folder child WHERE child.parent_id = folder.id),
       folder.unavailable, folder.error
  FROM folder
"""
_ROOTS = _ROWS + " WHERE folder.parent_id IS NULL ORDER BY folder.path"
_CHILDREN = _ROWS + " WHERE folder.parent_id = %s ORDER BY lower(folder.name), folder.name"
_ONE = _ROWS + " WHERE folder.id = %s"

_FIND = "SELECT id FROM folder WHERE sha256(dtk_utf8(path)) = sha256(dtk_utf8(%s))"

_SUBTREE = """
WITH RECURSIVE tree AS (
    SELECT id FROM folder WHERE id = %s
    UNION ALL
    SELECT folder.id FROM folder JOIN tree ON folder.parent_id = tree.id
)
SELECT id FROM tree
"""

_BADGES = """
WITH RECURSIVE direct AS (
    SELECT image.folder_id, count(*) AS pending, count(*) FILTER (WHERE job.priority > 0) AS urgent
      FROM job JOIN image ON image.id = job.image_id
     WHERE job.state IN ('pending', 'running')
     GROUP BY image.folder_id
), up AS (
    SELECT folder_id, pending, urgent FROM direct
    UNION ALL
    SELECT folder.parent_id, up.pending, up.urgent
      FROM up JOIN folder ON folder.id = up.folder_id
     WHERE folder.parent_id IS NOT NULL
)
SELECT folder_id, sum(pending)::bigint, sum(urgent)::bigint FROM up GROUP BY folder_id
"""

_ADD = """
INSERT INTO folder (parent_id, path, name)
SELECT parent_id, path, name FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (parent_id, path, name)
    ON CONFLICT (sha256(dtk_utf8(path))) DO UPDATE
   SET parent_id = coalesce(excluded.parent_id, folder.parent_id), unavailable = false, error = NULL
RETURNING id, path
"""
_SCANNED = "UPDATE folder SET scanned_at = now(), error = NULL, unavailable = false WHERE id = ANY (%s)"
_ADOPT = """
UPDATE folder SET parent_id = %(root)s
 WHERE parent_id IS NULL AND id <> %(root)s AND left(path, length(%(prefix)s)) = %(prefix)s
"""


@dataclass(frozen=True, slots=True)
class KnownFolder:
    """A folder that the library has, as a scan needs it."""

    id: int
    path: str
    parent_id: int | None
    unavailable: bool


def _row(values: tuple[object, ...]) -> FolderRow:
    number, parent, name, path, images, has_children, unavailable, error = values
    return FolderRow(
        id=int(str(number)),
        parent_id=None if parent is None else int(str(parent)),
        name=from_db(str(name)),
        path=from_db(str(path)),
        images=int(str(images)),
        has_children=bool(has_children),
        unavailable=bool(unavailable),
        error=None if error is None else from_db(str(error)),
    )


def roots(conn: Connection) -> list[FolderRow]:
    """Return the folders that have no parent in the library, by path."""
    return [_row(values) for values in conn.execute(_ROOTS)]


def children(conn: Connection, folder_id: int) -> list[FolderRow]:
    """Return the folders directly in one folder, by name."""
    return [_row(values) for values in conn.execute(_CHILDREN, (folder_id,))]


def folder(conn: Connection, folder_id: int) -> FolderRow | None:
    """Return one folder, or None when it is not known (any more)."""
    values = conn.execute(_ONE, (folder_id,)).fetchone()
    return _row(values) if values else None


def find(conn: Connection, path: str) -> int | None:
    """Return the id of the folder at an absolute path, or None."""
    values = conn.execute(_FIND, (to_db(path),)).fetchone()
    return int(values[0]) if values else None


def subtree(conn: Connection, folder_id: int) -> list[int]:
    """Return the ids of a folder and all folders below it."""
    return [int(number) for (number,) in conn.execute(_SUBTREE, (folder_id,))]


def badges(conn: Connection) -> dict[int, Badge]:
    """Return waiting and running jobs of each folder, those of its subfolders included; only folders that have any."""
    return {int(number): Badge(int(pending), int(urgent)) for number, pending, urgent in conn.execute(_BADGES)}


def known(conn: Connection, root_id: int) -> dict[str, KnownFolder]:
    """Return a folder and all below it, by path."""
    sql = f"SELECT id, path, parent_id, unavailable FROM folder WHERE id IN ({_SUBTREE})"  # noqa: S608 (a constant)
    rows = conn.execute(sql, (root_id,))
    return {
        from_db(path): KnownFolder(int(number), from_db(path), parent, bool(gone))
        for number, path, parent, gone in rows
    }


def add(conn: Connection, new: Iterable[tuple[int | None, str]]) -> dict[str, int]:
    """Insert folders given as (parent id, absolute path), or find them again; return their ids by path."""
    rows = sorted(set(new), key=lambda item: item[1])
    paths = [to_db(path) for _, path in rows]
    names = [to_db(os.path.basename(path) or path) for _, path in rows]  # noqa: PTH119 (paths may be bytes in disguise)
    added = conn.execute(_ADD, ([parent for parent, _ in rows], paths, names))
    return {from_db(path): int(number) for number, path in added}


def add_root(conn: Connection, path: str) -> int:
    """Make ``path`` a root of the library and return its id; older roots below it become its children.

    A path inside a known folder's tree is attached there, so that no image can be in the library twice.
    """
    existing = find(conn, path)
    if existing is not None:
        return existing
    parent = _nearest_ancestor(conn, path)
    number = add(conn, [(parent, path)])[path]
    if parent is None:
        conn.execute("UPDATE folder SET is_root = true WHERE id = %s", (number,))
        conn.execute(_ADOPT, {"root": number, "prefix": to_db(path.rstrip("/")) + "/"})
    return number


def _nearest_ancestor(conn: Connection, path: str) -> int | None:
    """Return the id of the nearest known folder above ``path``, with the folders in between made; None without one."""
    missing: list[str] = []
    above = os.path.dirname(path)  # noqa: PTH120
    while True:
        found = find(conn, above)
        if found is not None:
            for between in reversed(missing):
                found = add(conn, [(found, between)])[between]
            return found
        upper = os.path.dirname(above)  # noqa: PTH120
        if upper == above:
            return None
        missing.append(above)
        above = upper


def mark_scanned(conn: Connection, ids: Sequence[int]) -> None:
    """Note that folders were read just now."""
    conn.execute(_SCANNED, (list(ids),))


def mark_unreadable(conn: Connection, folder_id: int, reason: str) -> None:
    """Note why a folder could not be read; what is known of its images stays."""
    conn.execute("UPDATE folder SET error = %s WHERE id = %s", (to_db(reason), folder_id))


def mark_gone(conn: Connection, ids: Sequence[int]) -> int:
    """Mark folders that vanished, and their images, as unavailable; return how many images that were."""
    conn.execute("UPDATE folder SET unavailable = true WHERE id = ANY (%s)", (list(ids),))
    sql = """
        WITH gone AS (UPDATE image SET unavailable = true WHERE folder_id = ANY (%s) AND NOT unavailable RETURNING 1)
        SELECT count(*) FROM gone"""
    return int(row_of(conn, sql, (list(ids),))[0])

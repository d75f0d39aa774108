"""Folders: one, some by name, those with rules, and folders put in and taken out."""

from __future__ import annotations

import os
from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from dtk_tui.domain.library import FolderRow, Rule
from dtk_tui.store.arrays import Bigints, bigints_from
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db, to_db, to_nfc

# Counted once for all of them: a subquery for each of ten thousand siblings takes seconds.
_ROWS = """
WITH wanted AS MATERIALIZED (SELECT * FROM folder WHERE {which}),
counted AS (
    SELECT folder_id, count(*) AS images FROM image WHERE folder_id = ANY (ARRAY(SELECT id FROM wanted)) GROUP BY 1
),
parents AS (SELECT DISTINCT parent_id AS id FROM folder WHERE parent_id = ANY (ARRAY(SELECT id FROM wanted)))
SELECT wanted.id, wanted.parent_id, wanted.name, wanted.path, coalesce(counted.images, 0), parents.id IS NOT NULL,
       wanted.unavailable, wanted.error, wanted.excluded, wanted.archived, wanted.recursive
  FROM wanted
  LEFT JOIN counted ON counted.folder_id = wanted.id
  LEFT JOIN parents ON parents.id = wanted.id
"""
_ONE = _ROWS.replace("{which}", "id = %s")

_SOME = _ROWS.replace("{which}", "id = ANY (%s)")

_NAMED = """
SELECT id FROM folder
 WHERE NOT EXISTS (SELECT FROM unnest(%(words)s::text[]) AS word WHERE strpos(lower(path), lower(word)) = 0)
 ORDER BY EXISTS (SELECT FROM unnest(%(words)s::text[]) AS word WHERE strpos(lower(name), lower(word)) = 0),
          length(path), sort_key, path COLLATE "C"
 LIMIT %(most)s
"""
_WAY = """
WITH RECURSIVE up AS (
    SELECT id, parent_id, 0 AS height FROM folder WHERE id = %s
    UNION ALL
    SELECT folder.id, folder.parent_id, up.height + 1 FROM folder JOIN up ON folder.id = up.parent_id
)
SELECT id FROM up ORDER BY height
"""

_FIND = "SELECT id FROM folder WHERE sha256(dtk_utf8(path)) = sha256(dtk_utf8(%s))"

#: The ids of a folder and all folders below it.
SUBTREE = """
WITH RECURSIVE tree AS (
    SELECT id FROM folder WHERE id = %s
    UNION ALL
    SELECT folder.id FROM folder JOIN tree ON folder.parent_id = tree.id
)
SELECT id FROM tree
"""
_PACKED_SUBTREE = SUBTREE.replace("SELECT id FROM tree", "SELECT string_agg(int8send(id), ''::bytea) FROM tree")

_ADD = """
INSERT INTO folder (parent_id, path, name, scanned_at)
SELECT parent_id, path, name, CASE WHEN read THEN now() END
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::boolean[]) AS new (parent_id, path, name, read)
    ON CONFLICT (sha256(dtk_utf8(path))) DO UPDATE
   SET parent_id = coalesce(excluded.parent_id, folder.parent_id), unavailable = false, error = NULL,
       scanned_at = coalesce(excluded.scanned_at, folder.scanned_at)
RETURNING id, path
"""
_ADOPT = """
UPDATE folder SET parent_id = %(root)s
 WHERE parent_id IS NULL AND id <> %(root)s AND left(path, length(%(prefix)s)) = %(prefix)s
"""
_LIST_ROOTS = """
WITH RECURSIVE tree AS (
    SELECT id AS top_id, id FROM folder
     WHERE parent_id IS NULL OR is_root OR excluded OR archived OR NOT recursive
    UNION ALL
    SELECT tree.top_id, folder.id FROM folder JOIN tree ON folder.parent_id = tree.id
), counted AS (
    SELECT top_id, count(DISTINCT tree.id) AS folders, count(image.id) AS images,
           count(image.id) FILTER (WHERE image.unavailable) AS missing
      FROM tree LEFT JOIN image ON image.folder_id = tree.id GROUP BY top_id
)
SELECT id, path, parent_id IS NULL, excluded, archived, recursive, watched, unavailable, folders, images, missing
  FROM counted JOIN folder ON folder.id = counted.top_id ORDER BY sort_key, path COLLATE "C"
"""


@dataclass(frozen=True, slots=True)
class RootRow:
    """A root or a folder with a rule of its own, as ``dtk library roots`` lists it; counts include subfolders."""

    id: int
    path: str
    is_root: bool
    rule: Rule
    watched: bool
    unavailable: bool
    folders: int
    images: int
    missing: int


def _row(values: tuple[object, ...]) -> FolderRow:
    number, parent, name, path, images, has_children, unavailable, error, excluded, archived, recursive = values
    return FolderRow(
        id=int(str(number)),
        parent_id=None if parent is None else int(str(parent)),
        name=from_db(str(name)),
        path=from_db(str(path)),
        images=int(str(images)),
        has_children=bool(has_children),
        unavailable=bool(unavailable),
        error=None if error is None else from_db(str(error)),
        excluded=bool(excluded),
        archived=bool(archived),
        recursive=bool(recursive),
    )


def folder(conn: Connection, folder_id: int) -> FolderRow | None:
    """Return one folder, or None when it is not known (any more)."""
    values = conn.execute(_ONE, (folder_id,)).fetchone()
    return _row(values) if values else None


def named(conn: Connection, words: Sequence[str], most: int) -> list[FolderRow]:
    """Return at most so many of the folders whose paths have all words, in any case; those first whose names do."""
    given = {"words": [to_db(word) for word in words], "most": most}
    ids = [int(number) for (number,) in conn.execute(_NAMED, given)]
    found = {row.id: row for row in map(_row, conn.execute(_SOME, (ids,)))}
    return [found[number] for number in ids if number in found]


def way_to(conn: Connection, folder_id: int) -> list[int]:
    """Return the ids of a folder and of all that it lies in, the nearest first; empty when it is not known any more."""
    return [int(number) for (number,) in conn.execute(_WAY, (folder_id,))]


def find(conn: Connection, path: str) -> int | None:
    """Return the id of the folder at an absolute path, or None."""
    values = conn.execute(_FIND, (to_db(path),)).fetchone()
    return int(values[0]) if values else None


def find_composed(conn: Connection, path: str) -> str | None:
    """Return the path of the one folder that has an absolute path in any Unicode form, or None."""
    rows = conn.execute("SELECT path FROM folder WHERE dtk_nfc(path) = %s LIMIT 2", (to_nfc(path),)).fetchall()
    return from_db(rows[0][0]) if len(rows) == 1 else None


def paths(conn: Connection) -> list[str]:
    """Return the absolute paths of all folders."""
    return [from_db(path) for (path,) in conn.execute("SELECT path FROM folder")]


def subtree(conn: Connection, folder_id: int) -> array[int]:
    """Return the ids of a folder and all folders below it, int64."""
    return bigints_from(row_of(conn, _PACKED_SUBTREE, (folder_id,), binary=True)[0])


def list_roots(conn: Connection) -> list[RootRow]:
    """Return the roots and all folders with a rule of their own, by path in natural order."""
    return [
        RootRow(v[0], from_db(v[1]), v[2], Rule(v[3], v[4], v[5]), v[6], v[7], v[8], v[9], v[10])
        for v in conn.execute(_LIST_ROOTS)
    ]


def place(conn: Connection, path: str) -> int | None:
    """Return the id of the folder at ``path``, made if a folder above it is known; None when it lies in no root."""
    existing = find(conn, path)
    if existing is not None:
        return existing
    parent = _nearest_ancestor(conn, path)
    return None if parent is None else add(conn, [(parent, path)])[path]


def count_images(conn: Connection, folder_ids: Sequence[int]) -> int:
    """Return how many images are in folders."""
    given = (Bigints(folder_ids),)
    return int(row_of(conn, "SELECT count(*) FROM image WHERE folder_id = ANY (%s::bigint[])", given)[0])


def remove(conn: Connection, folder_id: int) -> None:
    """Take a folder, all below it and their images out of the library; no file is touched."""
    conn.execute("DELETE FROM folder WHERE id = %s", (folder_id,))


def add(conn: Connection, new: Iterable[tuple[int | None, str]], read: Collection[str] = frozenset()) -> dict[str, int]:
    """Insert folders given as (parent id, absolute path), or find them again; return their ids by path.

    Args:
        read: those that were read whole just now.
    """
    rows = sorted(set(new), key=lambda item: item[1])
    paths = [to_db(path) for _, path in rows]
    names = [to_db(os.path.basename(path) or path) for _, path in rows]  # noqa: PTH119 (paths may be bytes in disguise)
    added = conn.execute(_ADD, ([parent for parent, _ in rows], paths, names, [path in read for _, path in rows]))
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

"""The tree of folders as a screen shows it: the folders in one folder, and the badges of all, packed.

An object for each of ten thousand folders would hold up the event loop from any thread, as it is made and each time the
garbage collector looks at it.
"""

from __future__ import annotations

from functools import partial
from struct import Struct

from dtk_tui.domain.library import Badges, FolderRow, FolderRows
from dtk_tui.store.arrays import bigints_from
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db

# A line has fixed parts, as in _LINE, and its texts end where the texts of all lines up to it do.
_PACKED = """
WITH wanted AS MATERIALIZED (SELECT * FROM folder WHERE {which}),
parents AS (SELECT DISTINCT parent_id AS id FROM folder WHERE parent_id = ANY (ARRAY(SELECT id FROM wanted))),
texts AS (
    SELECT wanted.*, dtk_utf8(name) AS name_, dtk_utf8(path) AS path_, dtk_utf8(error) AS error_,
           parents.id IS NOT NULL AS has_children, row_number() OVER (ORDER BY sort_key, path COLLATE "C") AS place
      FROM wanted LEFT JOIN parents ON parents.id = wanted.id
), lines AS (
    SELECT id, place, name_ || path_ || coalesce(error_, '') AS text,
           int4send(octet_length(name_)) || int4send(octet_length(path_))
           || int4send(coalesce(octet_length(error_), -1))
           || int4send(has_children::int + 2 * unavailable::int + 4 * excluded::int + 8 * archived::int
                       + 16 * recursive::int) AS fixed,
           sum(octet_length(name_) + octet_length(path_) + coalesce(octet_length(error_), 0)) OVER up_to AS ends
      FROM texts WINDOW up_to AS (ORDER BY place)
)
SELECT string_agg(int8send(id), ''::bytea ORDER BY place),
       string_agg(int8send(ends::bigint) || fixed, ''::bytea ORDER BY place), string_agg(text, ''::bytea ORDER BY place)
  FROM lines
"""
_ROOTS = _PACKED.format(which="parent_id IS NULL")
_CHILDREN = _PACKED.format(which="parent_id = %s")
#: Where the texts of a line end, how long its name, its path and its error are (-1: none), and its marks.
_LINE = Struct(">qiiii")

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
), badge AS (
    SELECT folder_id, sum(pending)::bigint AS pending, sum(urgent)::bigint AS urgent FROM up GROUP BY folder_id
)
SELECT string_agg(int8send(folder_id), ''::bytea ORDER BY folder_id),
       string_agg(int8send(pending), ''::bytea ORDER BY folder_id),
       string_agg(int8send(urgent), ''::bytea ORDER BY folder_id)
  FROM badge
"""


def roots(conn: Connection) -> FolderRows:
    """Return the folders that have no parent in the library, by path in natural order; their images are not counted."""
    return _unpacked(None, row_of(conn, _ROOTS, binary=True))


def children(conn: Connection, folder_id: int) -> FolderRows:
    """Return the folders directly in one folder, by name in natural order; their images are not counted."""
    return _unpacked(folder_id, row_of(conn, _CHILDREN, (folder_id,), binary=True))


def badges(conn: Connection) -> Badges:
    """Return waiting and running jobs of each folder, those of its subfolders included; only folders that have any."""
    return Badges(*map(bigints_from, row_of(conn, _BADGES, binary=True)))


def _unpacked(parent_id: int | None, packed: tuple[bytes | None, ...]) -> FolderRows:
    ids, lines, texts = (part or b"" for part in packed)
    return FolderRows(bigints_from(ids), partial(_row, parent_id, lines, texts), (parent_id, ids, lines, texts))


def _row(parent_id: int | None, lines: bytes, texts: bytes, folder_id: int, place: int) -> FolderRow:
    end, name, path, error, marks = _LINE.unpack_from(lines, place * _LINE.size)
    begin = end - name - path - max(error, 0)
    return FolderRow(
        id=folder_id,
        parent_id=parent_id,
        name=from_db(texts[begin : begin + name].decode()),
        path=from_db(texts[begin + name : begin + name + path].decode()),
        images=None,
        has_children=bool(marks & 1),
        unavailable=bool(marks & 2),
        error=None if error < 0 else from_db(texts[end - error : end].decode()),
        excluded=bool(marks & 4),
        archived=bool(marks & 8),
        recursive=bool(marks & 16),
    )

"""Names that the library knows, for completion: few, soon, and counted no farther than people read.

Nothing here takes longer where there are more images: models and samplers are found by a walk from one name to the
next through their index, and what has a name is counted up to ``COUNTED``.
"""

from __future__ import annotations

from typing import LiteralString

from dtk_tui.store.database import Connection
from dtk_tui.store.search.texts import like_pattern
from dtk_tui.store.text_codec import from_db, to_nfc

#: More images than this are not counted.
COUNTED = 10_000
#: So many names are counted, of which those of the most images are offered.
_LOOKED_AT = 40
#: A walk through the names of models or samplers ends after so many.
_WALKED = 2000

_FOUND: LiteralString = """
SELECT found.name, (SELECT count(*) FROM ({of_one} LIMIT %(counted)s) AS of_one) AS images
  FROM ({names}) AS found
 ORDER BY found.starts DESC, images DESC, dtk_natural_key(found.name), found.name LIMIT %(limit)s
"""
_BEST: LiteralString = " ORDER BY starts DESC, length(name), name LIMIT %(looked_at)s"
_TAGS: LiteralString = """
SELECT id, name, replace(lower(dtk_nfc(name)), '_', ' ') LIKE %(start)s AS starts FROM tag
 WHERE replace(lower(dtk_nfc(name)), '_', ' ') LIKE %(within)s"""
_ALBUMS: LiteralString = """
SELECT id, name, lower(dtk_nfc(name)) LIKE %(start)s AS starts FROM album WHERE lower(dtk_nfc(name)) LIKE %(within)s"""
_FOLDERS: LiteralString = """
SELECT id, path AS name, lower(dtk_nfc(name)) LIKE %(start)s OR lower(dtk_nfc(path)) LIKE %(start)s AS starts
  FROM folder WHERE NOT excluded AND lower(dtk_nfc(path)) LIKE %(within)s"""
_WALK: LiteralString = """
WITH RECURSIVE walk (name, step) AS (
    (SELECT lower({column}), 1 FROM image WHERE octet_length({column}) < 800 ORDER BY lower({column}) LIMIT 1)
    UNION ALL
    SELECT (SELECT lower({column}) FROM image WHERE octet_length({column}) < 800 AND lower({column}) > walk.name
             ORDER BY lower({column}) LIMIT 1), step + 1
      FROM walk WHERE walk.name IS NOT NULL AND step < %(walked)s)
SELECT name AS id, name, dtk_nfc(name) LIKE %(start)s AS starts FROM walk WHERE dtk_nfc(name) LIKE %(within)s"""
_SPELLED: LiteralString = (
    "SELECT {column} FROM image WHERE lower({column}) = %s AND octet_length({column}) < 800 LIMIT 1"
)

_NAMES: dict[str, tuple[LiteralString, LiteralString]] = {
    "tag": (_TAGS, "SELECT FROM image_tag WHERE tag_id = found.id"),
    "album": (_ALBUMS, "SELECT FROM album_image WHERE album_id = found.id"),
    "folder": (_FOLDERS, "SELECT FROM image WHERE folder_id = found.id"),
    "model": (
        _WALK.replace("{column}", "model"),
        "SELECT FROM image WHERE octet_length(model) < 800 AND lower(model) = found.id",
    ),
    "sampler": (
        _WALK.replace("{column}", "sampler"),
        "SELECT FROM image WHERE octet_length(sampler) < 800 AND lower(sampler) = found.id",
    ),
}


def names(conn: Connection, kind: str, typed: str, limit: int) -> list[tuple[str, int]]:
    """Return the tags, albums, folders (paths), models or samplers whose names hold a text, with their images.

    Those that begin with it come first, of each the ones with the most images. More than ``COUNTED`` images are told
    as one more.

    Args:
        kind: ``tag``, ``album``, ``folder``, ``model`` or ``sampler``.
    """
    found, of_one = _NAMES[kind]
    wanted = to_nfc(typed).lower()
    pattern = like_pattern(wanted.replace("_", " ") if kind == "tag" else wanted)
    values = {
        "start": f"{pattern}%",
        "within": f"%{pattern}%",
        "counted": COUNTED + 1,
        "looked_at": _LOOKED_AT,
        "walked": _WALKED,
        "limit": limit,
    }
    sql = _FOUND.replace("{of_one}", of_one).replace("{names}", found + _BEST)
    rows = [(name, images) for name, images in conn.execute(sql, values)]
    if kind in ("model", "sampler"):
        rows = [(_spelled(conn, kind, name), images) for name, images in rows]
    return [(from_db(name), images) for name, images in rows]


def _spelled(conn: Connection, column: str, name: str) -> str:
    """Return a name as one of its images writes it."""
    sql = _SPELLED.replace("{column}", "model" if column == "model" else "sampler")
    row = conn.execute(sql, (name,)).fetchone()
    return str(row[0]) if row else name

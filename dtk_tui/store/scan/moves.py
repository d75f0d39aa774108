"""Files that moved: known rows whose content is in the place of other rows, and rows that change their places."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from psycopg.sql import SQL, Identifier

from dtk_tui.store.database import Connection, row_of, skip_checks
from dtk_tui.store.library.images import join_path
from dtk_tui.store.scan import staging
from dtk_tui.store.scan.listings import KEEP_STEPS
from dtk_tui.store.scan.staging import ROW_OF_READING

#: The condition for a row (as ``self``) that neither a person nor an import has given anything to.
IS_UNTOUCHED = """
self.prompt_id IS NULL AND self.rating IS NULL AND self.custom_tags IS NULL
AND NOT (self.favorite OR self.nsfw OR self.nsfw_by_hand OR self.for_deletion)
AND NOT EXISTS (SELECT 1 FROM image_tag WHERE image_id = self.id)
AND NOT EXISTS (SELECT 1 FROM caption WHERE image_id = self.id)
AND NOT EXISTS (SELECT 1 FROM album_image WHERE image_id = self.id)
"""
# Known rows of the content of files that are new, or that are not what they were; a new row that a person or an
# import has already given something to is nobody's second half. What was put over something comes first, then what
# kept its name, then what stayed in its folder.
_SAME_CONTENT = f"""
SELECT reading.id, old.id, self.fingerprint IS NULL, old.unavailable, folder.path, old.file_name, old.file_size,
       old.mtime_ns, old.scan_phase = 0, reading.fingerprint {ROW_OF_READING}
 CROSS JOIN LATERAL (
      SELECT id, folder_id, file_name, unavailable, file_size, mtime_ns, scan_phase FROM image
       WHERE fingerprint = reading.fingerprint AND id <> reading.id OFFSET 0) AS old
  JOIN folder ON folder.id = old.folder_id
 WHERE reading.file_size > 0
   AND CASE WHEN self.fingerprint IS NOT NULL THEN self.fingerprint <> reading.fingerprint
            ELSE {IS_UNTOUCHED} END
 ORDER BY self.fingerprint IS NULL, old.file_name <> self.file_name, old.folder_id <> self.folder_id,
       old.id, self.created_at DESC, reading.id
"""  # noqa: S608 (constants)
# No two rows may have one place at any time: rows that leave wait under a name that no file has. What moved keeps the
# first name of its file.
_SET_TEMPORARY_NAMES = f"""
UPDATE image SET {KEEP_STEPS}, file_name = '/' || id,
                 first_name = CASE WHEN id = ANY (%s) THEN coalesce(first_name, file_name) ELSE first_name END
 WHERE id = ANY (%s)
"""  # noqa: S608 (constants)
# What moves to the place of a row that is not needed any more, and leaves its own to nobody, needs no such name.
_MOVE = f"""
UPDATE image SET {KEEP_STEPS}, folder_id = new.folder_id, file_name = new.file_name, file_size = new.file_size,
                 mtime_ns = new.mtime_ns, unavailable = false,
                 first_name = nullif(coalesce(image.first_name, image.file_name), new.file_name)
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
       AS new (id, folder_id, file_name, file_size, mtime_ns)
 WHERE image.id = new.id
"""  # noqa: S608 (constants)
_LOCK_PLACES = """
SELECT id, folder_id, file_name, file_size, mtime_ns FROM image WHERE id = ANY (%s) ORDER BY id FOR UPDATE
"""
_SET_PLACES = f"""
UPDATE image SET {KEEP_STEPS}, folder_id = new.folder_id, file_name = new.file_name, file_size = new.file_size,
                 mtime_ns = new.mtime_ns, unavailable = false, first_name = nullif(first_name, new.file_name)
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
       AS new (id, folder_id, file_name, file_size, mtime_ns)
 WHERE image.id = new.id
"""  # noqa: S608 (constants)
_SET_UNAVAILABLE = f"""
UPDATE image SET {KEEP_STEPS}, folder_id = gone.folder_id, file_name = gone.file_name, unavailable = true,
                 scan_phase = 1
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS gone (id, folder_id, file_name) WHERE image.id = gone.id
"""  # noqa: S608 (constants)
_ADD_ROW = """
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at) VALUES (%s, %s, %s, %s, 'epoch') RETURNING id
"""
_SET_DATES = f"""
UPDATE image SET {KEEP_STEPS}, created_at = timestamptz 'epoch' + reading.mtime_ns / 1000 * interval '1 microsecond'
  FROM scan_reading reading WHERE image.id = reading.id AND image.id = ANY (%s)
"""  # noqa: S608 (constants)
_REFERENCES_TO_IMAGES = """
SELECT relnamespace::regnamespace::text, relname, attname
  FROM pg_constraint
  JOIN pg_class ON pg_class.oid = conrelid
  JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
 WHERE confrelid = 'image'::regclass AND confdeltype = 'c' AND conparentid = 0
"""
_CHOOSE_REPRESENTATIVES = """
SELECT dtk_choose_representatives(array_agg(metadata_hash)) FROM image
 WHERE id = ANY (%s) AND metadata_hash IS NOT NULL HAVING count(*) > 0
"""
_WITH_FINGERPRINT = """
SELECT image.id, image.unavailable, folder.path, image.file_name
  FROM image JOIN folder ON folder.id = image.folder_id WHERE fingerprint = %s ORDER BY image.id
"""


@dataclass(frozen=True, slots=True)
class ContentMatch:
    """A row whose file has the content of a known row.

    ``fresh``: the row was made for a new file; else its file was another before. ``waiting``: the known row's own file
    changed and is not read yet. ``path``, ``file_size`` and ``mtime_ns`` are those of the known row.
    """

    new_id: int
    old_id: int
    fresh: bool
    unavailable: bool
    path: str
    file_size: int
    mtime_ns: int
    waiting: bool
    fingerprint: bytes


def same_content(conn: Connection) -> list[ContentMatch]:
    """Return the known rows that have the content of staged readings of new and changed files, the likeliest first."""
    rows = conn.execute(_SAME_CONTENT)
    return [ContentMatch(v[0], v[1], v[2], v[3], join_path(v[4], v[5]), v[6], v[7], v[8], bytes(v[9])) for v in rows]


def move(conn: Connection, pairs: Mapping[int, int], fresh: Collection[int], occupied: Collection[int]) -> None:
    """Let known images take the places of other rows: a file that moved keeps its row. Staged readings go along.

    A row that nobody needs is deleted when it is fresh, and else counts as gone: its content is nowhere.

    Args:
        pairs: by the id of a known image the id of the row in whose place its file is now; no row is in two pairs on
            the same side, while rings and chains are fine.
        fresh: ids of rows that were made for a new file.
        occupied: known ids in whose own places other files are now, whose readings are staged.
    """
    held = conn.execute(_LOCK_PLACES, (sorted({*pairs, *pairs.values()}),))
    places: dict[int, tuple[int, str, int, int]] = {v[0]: v[1:] for v in held}
    pairs = {old: there for old, there in pairs.items() if old in places and there in places}
    places_taken = set(pairs.values())
    direct = {
        old: there
        for old, there in pairs.items()
        if there in fresh and there not in pairs and old not in places_taken and old not in occupied
    }
    readers = _move_directly(conn, direct, places)
    pairs = {old: there for old, there in pairs.items() if old not in direct}
    conn.execute(_SET_TEMPORARY_NAMES, (sorted(pairs), sorted({*pairs, *pairs.values()})))
    readers += [(there, old) for old, there in pairs.items()]
    arrivals = [(old, *places[there]) for old, there in pairs.items()]
    gone: list[tuple[int, int, str]] = []
    unneeded: list[int] = []
    for first in pairs.keys() - set(pairs.values()):
        last = pairs[first]
        while last in pairs:
            last = pairs[last]
        folder_id, name, size, mtime_ns = places[first]
        if first in occupied and last in fresh:
            arrivals.append((last, *places[first]))
            readers.append((first, last))
        elif first in occupied:
            number = row_of(conn, _ADD_ROW, (folder_id, name, size, mtime_ns))[0]
            readers.append((first, number))
            # Both places are taken: a name with a slash is in nobody's way.
            gone.append((last, places[last][0], f"{places[last][1]}/overwritten {last}"))
        elif last in fresh:
            unneeded.append(last)
        else:
            gone.append((last, folder_id, name))
    _delete(conn, unneeded)
    conn.execute(_SET_PLACES, tuple([row[i] for row in arrivals] for i in range(5)))
    conn.execute(_SET_UNAVAILABLE, tuple([row[i] for row in gone] for i in range(3)))
    staging.renumber(conn, [row[0] for row in readers], [row[1] for row in readers])
    # A listing has given those the date of another file; what only moved keeps its own.
    others = set(pairs) & set(occupied) | {number for _, number in readers if number not in pairs} - direct.keys()
    conn.execute(_SET_DATES, (sorted(others),))
    staging.choose_representatives(conn, _CHOOSE_REPRESENTATIVES, ([row[0] for row in gone],))


def _move_directly(
    conn: Connection, pairs: Mapping[int, int], places: Mapping[int, tuple[int, str, int, int]]
) -> list[tuple[int, int]]:
    """Let images take the places of fresh rows, which are deleted; return (id of the row, id of the image)."""
    _delete(conn, list(pairs.values()))
    rows = [(old, *places[there]) for old, there in pairs.items()]
    if rows:
        conn.execute(_MOVE, tuple([row[i] for row in rows] for i in range(5)))
    return [(there, old) for old, there in pairs.items()]


def _delete(conn: Connection, ids: Sequence[int]) -> None:
    """Delete fresh rows that this transaction has locked.

    A foreign key would look for what refers to each of them by itself; and a row without parameters represents nobody.
    """
    if not ids:
        return
    for schema, table, column in conn.execute(_REFERENCES_TO_IMAGES).fetchall():
        statement = SQL("DELETE FROM {} WHERE {} = ANY (%s)").format(Identifier(schema, table), Identifier(column))
        conn.execute(statement, (ids,))
    skip_checks(conn, True)
    conn.execute("DELETE FROM image WHERE id = ANY (%s)", (ids,))
    skip_checks(conn, False)


def sizes(conn: Connection) -> set[int]:
    """Return the sizes in bytes of all files whose content is known."""
    return {v[0] for v in conn.execute("SELECT DISTINCT file_size FROM image WHERE fingerprint IS NOT NULL")}


def with_fingerprint(conn: Connection, fingerprint: bytes) -> list[tuple[int, bool, str]]:
    """Return (id, unavailable, path) of the images with one content, the oldest first."""
    return [(v[0], v[1], join_path(v[2], v[3])) for v in conn.execute(_WITH_FINGERPRINT, (fingerprint,))]

"""Albums: made, renamed, put in order, deleted; images put in and taken out, for many at once, and given back.

The journal keeps of a membership the place of the image in the album and when it was put in, and of an album all of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from dtk_tui.domain.journal import Changes
from dtk_tui.domain.organise import Collection
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.library.journal import Entry
from dtk_tui.store.text_codec import from_db, to_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.store.arrays import SomeIds

    Ids = npt.NDArray[np.int64]

_PART: LiteralString = """
INSERT INTO edit_journal_part (journal_id, part, subject, image_ids, before, after, stamps)
SELECT %(journal)s, %(part)s, %(album)s, array_agg(image_id ORDER BY image_id),
       array_agg(before ORDER BY image_id), array_agg(after ORDER BY image_id), array_agg(stamp ORDER BY image_id)
"""
# Behind those that are in it, in the order of the ids.
_ADD: LiteralString = """
WITH added AS (
    INSERT INTO album_image (album_id, image_id, position)
    SELECT %(album)s, image.id,
           coalesce((SELECT max(position) FROM album_image WHERE album_id = %(album)s), 0)
           + row_number() OVER (ORDER BY image.id)
      FROM image
     WHERE image.id = ANY (%(ids)s::bigint[])
       AND NOT EXISTS (SELECT 1 FROM album_image own WHERE own.album_id = %(album)s AND own.image_id = image.id)
     ORDER BY image.id
        ON CONFLICT DO NOTHING
    RETURNING image_id, NULL::bigint AS before, position AS after,
              (extract(epoch FROM added_at) * 1000000)::bigint AS stamp),
part AS ({part} FROM added HAVING count(*) > 0)
SELECT count(*) FROM added
""".replace("{part}", _PART)
_REMOVE: LiteralString = """
WITH removed AS (
    DELETE FROM album_image WHERE album_id = %(album)s AND image_id = ANY (%(ids)s::bigint[])
    RETURNING image_id, position AS before, NULL::bigint AS after,
              (extract(epoch FROM added_at) * 1000000)::bigint AS stamp),
part AS ({part} FROM removed HAVING count(*) > 0)
SELECT count(*) FROM removed
""".replace("{part}", _PART)
_INSTANT: LiteralString = "timestamptz 'epoch' + change.stamp * interval '1 microsecond'"
_RESTORE: LiteralString = """
WITH change AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(before)s::bigint[], %(after)s::bigint[], %(stamps)s::bigint[])
                  AS change (image_id, before, after, stamp)),
taken AS (
    DELETE FROM album_image USING change
     WHERE change.before IS NULL AND change.after IS NOT NULL AND album_image.image_id = change.image_id
       AND album_id = %(album)s AND added_at = {instant}
    RETURNING change.image_id),
given AS (
    INSERT INTO album_image (album_id, image_id, position, added_at)
    SELECT album.id, image.id, change.before, {instant}
      FROM change JOIN image ON image.id = change.image_id JOIN album ON album.id = %(album)s
     WHERE change.before IS NOT NULL AND change.after IS NULL
     ORDER BY image.id
        ON CONFLICT DO NOTHING
    RETURNING image_id)
SELECT image_id FROM taken UNION ALL SELECT image_id FROM given
 UNION ALL SELECT image_id FROM change WHERE (before IS NULL) = (after IS NULL)
""".replace("{instant}", _INSTANT)
_LIST: LiteralString = """
SELECT id, name, query, (SELECT count(*) FROM album_image WHERE album_id = album.id)
  FROM album ORDER BY position, lower(name), id
"""
_NAMED: LiteralString = """
SELECT id FROM album WHERE name = %(name)s OR lower(dtk_nfc(name)) = lower(dtk_nfc(%(name)s))
 ORDER BY name <> %(name)s, id LIMIT 1 FOR NO KEY UPDATE
"""
_MAKE: LiteralString = """
INSERT INTO album (name, query, position) SELECT %s, %s, coalesce(max(position), 0) + 1 FROM album RETURNING id
"""
_STATE: LiteralString = """
SELECT jsonb_build_object('id', id, 'name', name, 'position', position, 'query', query,
                          'updated', (extract(epoch FROM updated_at) * 1000000)::bigint)
  FROM album WHERE id = ANY (%s) ORDER BY id
"""
_RENAME: LiteralString = "UPDATE album SET name = %s, updated_at = now() WHERE id = %s"
_ORDER: LiteralString = """
UPDATE album SET position = new.position, updated_at = now()
  FROM unnest(%s::bigint[]) WITH ORDINALITY AS new (id, position)
 WHERE album.id = new.id AND album.position <> new.position RETURNING album.id
"""
_BACK: LiteralString = """
INSERT INTO album (id, name, position, query, updated_at) OVERRIDING SYSTEM VALUE
SELECT id, name, position, query, timestamptz 'epoch' + updated * interval '1 microsecond'
  FROM jsonb_to_record(%s::jsonb) AS album (id bigint, name text, position bigint, query text, updated bigint)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, position = excluded.position, query = excluded.query,
                                   updated_at = excluded.updated_at
"""
_MEMBERS: LiteralString = "SELECT string_agg(int8send(image_id), ''::bytea) FROM album_image WHERE album_id = %s"
_COUNT: LiteralString = """
SELECT count(*) FROM unnest(%(ids)s::bigint[]) AS wanted (id)
 WHERE EXISTS (SELECT 1 FROM album_image WHERE album_id = %(album)s AND image_id = wanted.id) = %(has)s
   AND EXISTS (SELECT 1 FROM image WHERE image.id = wanted.id)
"""
_QUERIES: LiteralString = """
SELECT wanted, query FROM unnest(%s::text[]) AS wanted JOIN album ON lower(dtk_nfc(name)) = lower(dtk_nfc(wanted))
 WHERE query IS NOT NULL
"""
_OF_IMAGES: LiteralString = """
SELECT id, name, query, 0 FROM album
 WHERE EXISTS (SELECT 1 FROM album_image WHERE album_id = album.id AND image_id = ANY (%s::bigint[]))
 ORDER BY position, lower(name), id
"""


def listed(conn: Connection) -> list[Collection]:
    """Return all albums in their order."""
    return [_album(values) for values in conn.execute(_LIST)]


def of_images(conn: Connection, image_ids: SomeIds) -> list[Collection]:
    """Return the albums that some images were put into; they are not counted."""
    return [_album(values) for values in conn.execute(_OF_IMAGES, (Bigints(image_ids),))]


def _album(values: tuple[Any, ...]) -> Collection:
    query = None if values[2] is None else from_db(values[2])
    return Collection(values[0], from_db(values[1]), values[3], query)


def named(conn: Connection, name: str) -> int | None:
    """Return the album of a name, whose case does not matter, and lock it; None: there is none."""
    row = conn.execute(_NAMED, {"name": to_db(name)}).fetchone()
    return None if row is None else int(row[0])


def queries(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    """Return the queries of the smart albums among some names."""
    return {from_db(name): from_db(query) for name, query in conn.execute(_QUERIES, ([to_db(n) for n in names],))}


def members(conn: Connection, album_id: int) -> Ids:
    """Return the images that were put into an album; int64, shape [n], in any order."""
    return ids_from(row_of(conn, _MEMBERS, (album_id,))[0])


def count(conn: Connection, album_id: int, image_ids: SomeIds, *, has: bool) -> int:
    """Return how many of some images are in an album, or are not."""
    return int(row_of(conn, _COUNT, {"ids": Bigints(image_ids), "album": album_id, "has": has})[0])


def add(conn: Connection, entry: Entry, album_id: int, image_ids: SomeIds) -> None:
    """Put images into an album, and write that into the journal; those that are in it stay where they are."""
    _write(conn, entry, _ADD, album_id, image_ids)


def remove(conn: Connection, entry: Entry, album_id: int, image_ids: SomeIds) -> None:
    """Take images out of an album, and write that into the journal."""
    _write(conn, entry, _REMOVE, album_id, image_ids)


def _write(conn: Connection, entry: Entry, sql: LiteralString, album_id: int, image_ids: SomeIds) -> None:
    number, part = entry.next_part()
    values = {"ids": Bigints(image_ids), "album": album_id, "journal": number, "part": part}
    entry.wrote(row_of(conn, sql, values)[0])


def restore(conn: Connection, changes: Changes) -> list[int]:
    """Put images in and take them out so that an album is as before some changes, where it is as these made it.

    Returns:
        The images that were left alone, because they were put in or taken out again, or are gone.
    """
    values = {
        "ids": changes.image_ids, "before": changes.before, "after": changes.after, "stamps": changes.stamps,
        "album": changes.subject,
    }  # fmt: skip
    done = {number for (number,) in conn.execute(_RESTORE, values)}
    return [number for number in changes.image_ids if number not in done]


# -- the albums themselves --------------------------------------------------------------------------------------------


def make(conn: Connection, entry: Entry, name: str, query: str | None) -> int:
    """Make an album, and write that into the journal; return its id."""
    number = int(row_of(conn, _MAKE, (to_db(name), None if query is None else to_db(query)))[0])
    entry.note({"albums": [{"id": number, "before": None, "after": state(conn, [number])[number]}]})
    return number


def rename(conn: Connection, entry: Entry, album_id: int, name: str) -> None:
    """Rename an album, and write that into the journal."""
    before = state(conn, [album_id])
    conn.execute(_RENAME, (to_db(name), album_id))
    _note(conn, entry, before)


def put_in_order(conn: Connection, entry: Entry, album_ids: Sequence[int]) -> None:
    """Give albums the places 1, 2, ..., and write that into the journal."""
    before = state(conn, album_ids)
    moved = {number for (number,) in conn.execute(_ORDER, (list(album_ids),))}
    if moved:
        _note(conn, entry, {number: before[number] for number in moved})


def delete(conn: Connection, entry: Entry, album_id: int) -> None:
    """Delete an album from which all images were taken, and write that into the journal."""
    before = state(conn, [album_id])
    conn.execute("DELETE FROM album WHERE id = %s", (album_id,))
    _note(conn, entry, before)


def state(conn: Connection, album_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return all of albums, by id, as the journal keeps it."""
    return {row["id"]: row for (row,) in conn.execute(_STATE, (list(album_ids),))}


def _note(conn: Connection, entry: Entry, before: Mapping[int, dict[str, Any]]) -> None:
    after = state(conn, list(before))
    entry.note({"albums": [{"id": one, "before": was, "after": after.get(one)} for one, was in before.items()]})


def set_state(conn: Connection, album_id: int, wanted: dict[str, Any] | None) -> None:
    """Make an album what the journal says; None deletes it."""
    if wanted is None:
        conn.execute("DELETE FROM album WHERE id = %s", (album_id,))
    else:
        conn.execute(_BACK, (json.dumps(wanted),))

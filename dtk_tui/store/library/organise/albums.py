"""Albums: made, renamed, put in order, deleted.

The journal keeps of a membership the place of the image in the album, and of an album all of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.journal import Entry
from dtk_tui.store.library.organise.members import Members
from dtk_tui.store.text_codec import from_db, to_db

_LIST: LiteralString = """
SELECT id, name, (SELECT count(*) FROM album_image WHERE album_id = album.id), query
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
_QUERIES: LiteralString = """
SELECT wanted, query FROM unnest(%s::text[]) AS wanted JOIN album ON lower(dtk_nfc(name)) = lower(dtk_nfc(wanted))
 WHERE query IS NOT NULL
"""
_OF_IMAGES: LiteralString = """
SELECT id, name, 0, query FROM album
 WHERE EXISTS (SELECT 1 FROM album_image WHERE album_id = album.id AND image_id = ANY (%s::bigint[]))
 ORDER BY position, lower(name), id LIMIT %s
"""
#: Behind those that are in it, in the order of the ids.
_NEW: LiteralString = """
coalesce((SELECT max(position) FROM album_image WHERE album_id = %(subject)s), 0)
+ row_number() OVER (ORDER BY image.id)
"""
#: The albums of some images are not counted.
MEMBERS = Members(
    names="album",
    table="album_image",
    key="album_id",
    own="true",
    moment="added_at",
    column="position",
    new=_NEW,
    number="position",
    value="change.before",
    all_names=_LIST,
    names_of_images=_OF_IMAGES,
)


def named(conn: Connection, name: str) -> int | None:
    """Return the album of a name, whose case does not matter, and lock it; None: there is none."""
    row = conn.execute(_NAMED, {"name": to_db(name)}).fetchone()
    return None if row is None else int(row[0])


def queries(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    """Return the queries of the smart albums among some names."""
    return {from_db(name): from_db(query) for name, query in conn.execute(_QUERIES, ([to_db(n) for n in names],))}


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

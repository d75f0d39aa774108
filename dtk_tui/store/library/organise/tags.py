"""Tags that people give images: given and taken for many at once, and given back.

A person's tag has no confidence; what a model says of an image is another row, which nothing here touches. The journal
keeps of a membership its source, as a place in ``SOURCES`` from 1 on, and when it came to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

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

#: Who gave a tag by hand: a person here, and one in Diffusion Toolkit.
SOURCES = ("user", "diffusion-toolkit")
_OWN: LiteralString = "confidence IS NULL AND source = ANY (ARRAY['user', 'diffusion-toolkit'])"
_PART: LiteralString = """
INSERT INTO edit_journal_part (journal_id, part, subject, image_ids, before, after, stamps)
SELECT %(journal)s, %(part)s, %(tag)s, array_agg(image_id ORDER BY image_id),
       array_agg(before ORDER BY image_id), array_agg(after ORDER BY image_id), array_agg(stamp ORDER BY image_id)
"""
_ADD: LiteralString = """
WITH added AS (
    INSERT INTO image_tag (image_id, tag_id, source)
    SELECT image.id, %(tag)s, 'user' FROM image
     WHERE image.id = ANY (%(ids)s::bigint[])
       AND NOT EXISTS (SELECT 1 FROM image_tag own WHERE own.image_id = image.id AND own.tag_id = %(tag)s AND {own})
     ORDER BY image.id
        ON CONFLICT DO NOTHING
    RETURNING image_id, NULL::bigint AS before, 1::bigint AS after,
              (extract(epoch FROM created_at) * 1000000)::bigint AS stamp),
part AS ({part} FROM added HAVING count(*) > 0)
SELECT count(*) FROM added
""".replace("{part}", _PART).replace("{own}", _OWN)
_REMOVE: LiteralString = """
WITH removed AS (
    DELETE FROM image_tag WHERE tag_id = %(tag)s AND image_id = ANY (%(ids)s::bigint[]) AND {own}
    RETURNING image_id, array_position(ARRAY['user', 'diffusion-toolkit'], source)::bigint AS before,
              NULL::bigint AS after, (extract(epoch FROM created_at) * 1000000)::bigint AS stamp),
part AS ({part} FROM removed HAVING count(*) > 0)
SELECT count(*) FROM removed
""".replace("{part}", _PART).replace("{own}", _OWN)
_INSTANT: LiteralString = "timestamptz 'epoch' + change.stamp * interval '1 microsecond'"
_RESTORE: LiteralString = """
WITH change AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(before)s::bigint[], %(after)s::bigint[], %(stamps)s::bigint[])
                  AS change (image_id, before, after, stamp)),
taken AS (
    DELETE FROM image_tag USING change
     WHERE change.before IS NULL AND change.after IS NOT NULL AND image_tag.image_id = change.image_id
       AND tag_id = %(tag)s AND confidence IS NULL AND source = (%(sources)s::text[])[change.after]
       AND created_at = {instant}
    RETURNING change.image_id),
given AS (
    INSERT INTO image_tag (image_id, tag_id, source, created_at)
    SELECT image.id, tag.id, (%(sources)s::text[])[change.before], {instant}
      FROM change JOIN image ON image.id = change.image_id JOIN tag ON tag.id = %(tag)s
     WHERE change.before IS NOT NULL AND change.after IS NULL
       AND NOT EXISTS (SELECT 1 FROM image_tag own WHERE own.image_id = image.id AND own.tag_id = %(tag)s AND {own})
     ORDER BY image.id
        ON CONFLICT DO NOTHING
    RETURNING image_id)
SELECT image_id FROM taken UNION ALL SELECT image_id FROM given
 UNION ALL SELECT image_id FROM change WHERE (before IS NULL) = (after IS NULL)
""".replace("{instant}", _INSTANT).replace("{own}", _OWN)
_IDS: LiteralString = """
SELECT tag.id FROM tag
 WHERE (name = %(name)s OR replace(lower(dtk_nfc(name)), '_', ' ') = replace(lower(dtk_nfc(%(name)s)), '_', ' '))
   AND EXISTS (SELECT 1 FROM image_tag WHERE tag_id = tag.id AND {own})
 ORDER BY name <> %(name)s, tag.id
""".replace("{own}", _OWN)
_FIND = "SELECT id FROM tag WHERE name = %s AND category = 'general'"
_MAKE = "INSERT INTO tag (name) VALUES (%s) ON CONFLICT (name, category) DO NOTHING"
_IMAGES: LiteralString = """
SELECT string_agg(int8send(image_id), ''::bytea) FROM image_tag WHERE tag_id = %s AND {own}
""".replace("{own}", _OWN)
_COUNT: LiteralString = """
SELECT count(DISTINCT image.id) FROM image
 WHERE image.id = ANY (%(ids)s::bigint[])
   AND EXISTS (SELECT 1 FROM image_tag WHERE image_id = image.id AND tag_id = %(tag)s AND {own}) = %(has)s
""".replace("{own}", _OWN)
_LIST: LiteralString = """
SELECT tag.name, count(DISTINCT image_id), min(tag.id) FROM image_tag JOIN tag ON tag.id = tag_id
 WHERE {own} GROUP BY tag.name ORDER BY lower(tag.name), tag.name
""".replace("{own}", _OWN)
_OF_IMAGES: LiteralString = """
SELECT tag.name, count(DISTINCT image_id), min(tag.id) FROM image_tag JOIN tag ON tag.id = tag_id
 WHERE image_id = ANY (%s::bigint[]) AND {own} GROUP BY tag.name ORDER BY 2 DESC, 1 LIMIT %s
""".replace("{own}", _OWN)


def named(conn: Connection, name: str) -> list[int]:
    """Return the tags called so that people gave images; neither case nor _ in place of a blank matters."""
    return [number for (number,) in conn.execute(_IDS, {"name": to_db(name)})]


def find(conn: Connection, name: str) -> int | None:
    """Return the general tag of exactly this name; None: there is none."""
    row = conn.execute(_FIND, (to_db(name),)).fetchone()
    return None if row is None else int(row[0])


def make(conn: Connection, name: str) -> int:
    """Return the general tag of exactly this name, which is made if there is none."""
    conn.execute(_MAKE, (to_db(name),))
    return int(row_of(conn, _FIND, (to_db(name),))[0])


def images_with(conn: Connection, tag_id: int) -> Ids:
    """Return the images that have a tag from a person; int64, shape [n], in any order."""
    return ids_from(row_of(conn, _IMAGES, (tag_id,))[0])


def count(conn: Connection, tag_id: int, image_ids: SomeIds, *, has: bool) -> int:
    """Return how many of some images have a tag from a person, or have it not."""
    return int(row_of(conn, _COUNT, {"ids": Bigints(image_ids), "tag": tag_id, "has": has})[0])


def listed(conn: Connection) -> list[Collection]:
    """Return all tags that people gave, by name."""
    return [Collection(-number, from_db(name), images) for name, images, number in conn.execute(_LIST)]


def of_images(conn: Connection, image_ids: SomeIds, limit: int) -> list[Collection]:
    """Return the tags that people gave some images, the most frequent first, with how many of these have them."""
    rows = conn.execute(_OF_IMAGES, (Bigints(image_ids), limit))
    return [Collection(-number, from_db(name), images) for name, images, number in rows]


def add(conn: Connection, entry: Entry, tag_id: int, image_ids: SomeIds) -> None:
    """Give images a tag, and write that into the journal; those that have it from a person stay as they are."""
    _write(conn, entry, _ADD, tag_id, image_ids)


def remove(conn: Connection, entry: Entry, tag_id: int, image_ids: SomeIds) -> None:
    """Take a tag that people gave from images, and write that into the journal."""
    _write(conn, entry, _REMOVE, tag_id, image_ids)


def _write(conn: Connection, entry: Entry, sql: LiteralString, tag_id: int, image_ids: SomeIds) -> None:
    number, part = entry.next_part()
    values = {"ids": Bigints(image_ids), "tag": tag_id, "journal": number, "part": part}
    entry.wrote(row_of(conn, sql, values)[0])


def restore(conn: Connection, changes: Changes) -> list[int]:
    """Give and take a tag so that it is as it was before some changes, where it is as these made it.

    Returns:
        The images that were left alone, because their tag was changed again or they are gone.
    """
    values = {
        "ids": changes.image_ids, "before": changes.before, "after": changes.after, "stamps": changes.stamps,
        "tag": changes.subject, "sources": list(SOURCES),
    }  # fmt: skip
    done = {number for (number,) in conn.execute(_RESTORE, values)}
    return [number for number in changes.image_ids if number not in done]

"""Tags that people give images.

A person's tag has no confidence; what a model says of an image is another row, which nothing here touches. The journal
keeps who gave a tag: 1 a person here, 2 one in Diffusion Toolkit.
"""

from __future__ import annotations

from typing import LiteralString

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.organise.members import Members
from dtk_tui.store.text_codec import to_db

_SOURCES: LiteralString = "ARRAY['user', 'diffusion-toolkit']"
_OWN: LiteralString = "confidence IS NULL AND source = ANY ({sources})".replace("{sources}", _SOURCES)
_LIST: LiteralString = """
SELECT -min(tag.id), tag.name, count(DISTINCT image_id), NULL FROM image_tag JOIN tag ON tag.id = tag_id
 WHERE {own} GROUP BY tag.name ORDER BY lower(tag.name), tag.name
"""
_OF_IMAGES: LiteralString = """
SELECT -min(tag.id), tag.name, count(DISTINCT image_id), NULL FROM image_tag JOIN tag ON tag.id = tag_id
 WHERE image_id = ANY (%s::bigint[]) AND {own} GROUP BY tag.name ORDER BY 3 DESC, 2 LIMIT %s
"""
#: The most frequent tags of some images come first.
MEMBERS = Members(
    names="tag",
    table="image_tag",
    key="tag_id",
    own=_OWN,
    moment="created_at",
    column="source",
    new="'user'",
    number="array_position({sources}, source)::bigint".replace("{sources}", _SOURCES),
    value="({sources})[change.before]".replace("{sources}", _SOURCES),
    all_names=_LIST,
    names_of_images=_OF_IMAGES,
)
_IDS: LiteralString = """
SELECT tag.id FROM tag
 WHERE (name = %(name)s OR replace(lower(dtk_nfc(name)), '_', ' ') = replace(lower(dtk_nfc(%(name)s)), '_', ' '))
   AND EXISTS (SELECT 1 FROM image_tag WHERE tag_id = tag.id AND {own})
 ORDER BY name <> %(name)s, tag.id
""".replace("{own}", _OWN)
_FIND = "SELECT id FROM tag WHERE name = %s AND category = 'general'"
_MAKE = "INSERT INTO tag (name) VALUES (%s) ON CONFLICT (name, category) DO NOTHING"


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

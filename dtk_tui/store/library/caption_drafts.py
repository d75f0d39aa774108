"""Drafts: texts of the caption editor that are not saved yet."""

from __future__ import annotations

from dtk_tui.domain.captions import Draft
from dtk_tui.store.database import Connection
from dtk_tui.store.text_codec import from_db, to_db

_PUT = """
INSERT INTO caption_draft (image_id, type, text, base_id)
SELECT id, %(type)s, %(text)s, %(base_id)s::bigint FROM image WHERE id = %(image_id)s FOR KEY SHARE
    ON CONFLICT (image_id, type) DO UPDATE
   SET text = excluded.text, base_id = excluded.base_id, saved_at = excluded.saved_at
RETURNING saved_at
"""
_OF_IMAGE = "SELECT type, text, saved_at, base_id FROM caption_draft WHERE image_id = %s ORDER BY saved_at DESC"


def put(conn: Connection, image_id: int, kind: str, text: str, base_id: int | None) -> bool:
    """Keep the draft of a caption in place of the one before; False when the image is gone."""
    values = {"image_id": image_id, "type": to_db(kind), "text": to_db(text), "base_id": base_id}
    return conn.execute(_PUT, values).fetchone() is not None


def drop(conn: Connection, image_id: int, kind: str) -> None:
    """Forget the draft of a caption."""
    conn.execute("DELETE FROM caption_draft WHERE image_id = %s AND type = %s", (image_id, to_db(kind)))


def of_image(conn: Connection, image_id: int) -> list[Draft]:
    """Return the drafts of an image, the newest first."""
    return [Draft(from_db(row[0]), from_db(row[1]), row[2], row[3]) for row in conn.execute(_OF_IMAGE, (image_id,))]

"""Taking a migration back: what it brought and nobody touched since goes, what it merged into is as it was."""

from __future__ import annotations

from typing import LiteralString

from dtk_tui.store.database import Connection, row_of

# Touched: other marks than were written, a tag that a person set, membership in an album that came otherwise.
_BROUGHT: LiteralString = """
CREATE TEMP TABLE migration_brought ON COMMIT DROP AS
SELECT image.id, image.prompt_id, image.negative_prompt_id, book.is_new, book.before,
       dtk_marks(image.rating, image.favorite, image.nsfw, image.for_deletion) <> book.marks
       OR image.custom_tags IS DISTINCT FROM book.custom_tags
       OR EXISTS (SELECT 1 FROM image_tag WHERE image_tag.image_id = image.id AND confidence IS NULL
                     AND NOT (source = 'diffusion-toolkit' AND created_at = %(finished)s))
       OR EXISTS (SELECT 1 FROM album_image WHERE album_image.image_id = image.id AND added_at <> %(finished)s)
       OR EXISTS (SELECT 1 FROM migrated_image other WHERE other.image_id = image.id
                     AND other.migration_id > %(id)s) AS is_touched
  FROM migrated_image book JOIN image ON image.id = book.image_id
 WHERE book.migration_id = %(id)s
"""
_STATEMENTS: tuple[LiteralString, ...] = (
    # What was computed for a group stays with its members that stay.
    """SELECT dtk_bequeath(array_agg(id)) FROM migration_brought
        WHERE is_new AND NOT is_touched
          AND (EXISTS (SELECT 1 FROM image_vector) OR EXISTS (SELECT 1 FROM job WHERE kind = 2))""",
    """UPDATE image SET rating = (before ->> 'rating')::smallint, favorite = (before ->> 'favorite')::boolean,
              nsfw = (before ->> 'nsfw')::boolean, for_deletion = (before ->> 'for_deletion')::boolean,
              custom_tags = before ->> 'custom_tags'
         FROM migration_brought brought
        WHERE brought.id = image.id AND NOT brought.is_new
          AND dtk_marks(image.rating, image.favorite, image.nsfw, image.for_deletion) =
              (SELECT marks FROM migrated_image book WHERE book.image_id = image.id AND book.migration_id = %(id)s)""",
    "DELETE FROM migrated_image WHERE migration_id = %(id)s AND NOT is_new",
    """DELETE FROM image_tag USING migration_brought brought
        WHERE brought.id = image_tag.image_id AND NOT brought.is_new AND source = 'diffusion-toolkit'
          AND created_at = %(finished)s""",
    """DELETE FROM album_image USING migration_brought brought
        WHERE brought.id = album_image.image_id AND NOT brought.is_new AND added_at = %(finished)s""",
    "DELETE FROM image USING migration_brought brought WHERE brought.id = image.id AND is_new AND NOT is_touched",
    """DELETE FROM album WHERE id IN (SELECT row_id FROM migrated_row WHERE migration_id = %(id)s AND kind = 'album'
                                         AND is_new)
          AND updated_at <= %(finished)s AND NOT EXISTS (SELECT 1 FROM album_image WHERE album_id = album.id)""",
    """DELETE FROM saved_query WHERE modified_at <= %(finished)s
          AND id IN (SELECT row_id FROM migrated_row WHERE migration_id = %(id)s AND kind = 'query' AND is_new)""",
    """DELETE FROM tag WHERE id IN (SELECT row_id FROM migrated_row WHERE migration_id = %(id)s AND kind = 'tag'
                                       AND is_new)
          AND NOT EXISTS (SELECT 1 FROM image_tag WHERE tag_id = tag.id)
          AND id NOT IN (SELECT unnest(ids) FROM tag_prediction)""",
    """DELETE FROM prompt
        WHERE id IN (SELECT prompt_id FROM migration_brought WHERE is_new AND NOT is_touched
                     UNION SELECT negative_prompt_id FROM migration_brought WHERE is_new AND NOT is_touched)
          AND NOT EXISTS (SELECT 1 FROM image WHERE image.prompt_id = prompt.id)
          AND NOT EXISTS (SELECT 1 FROM image WHERE image.negative_prompt_id = prompt.id)""",
    "UPDATE migration SET state = 'undone' WHERE id = %(id)s",
)
_LEAVES: LiteralString = """
DELETE FROM folder
 WHERE id IN (SELECT row_id FROM migrated_row WHERE migration_id = %(id)s AND kind = 'folder' AND is_new)
   AND NOT EXISTS (SELECT 1 FROM image WHERE image.folder_id = folder.id)
   AND NOT EXISTS (SELECT 1 FROM folder child WHERE child.parent_id = folder.id)
"""


def undo(conn: Connection, migration_id: int) -> dict[str, int]:
    """Take one migration back and return how many images were removed, kept because touched, restored."""
    (finished,) = row_of(conn, "SELECT finished_at FROM migration WHERE id = %s", (migration_id,))
    values = {"id": migration_id, "finished": finished}
    conn.execute(_BROUGHT, values)
    conn.execute("CREATE INDEX ON migration_brought (id)")
    conn.execute("ANALYZE migration_brought")
    counts: LiteralString = """
        SELECT count(*) FILTER (WHERE is_new AND NOT is_touched), count(*) FILTER (WHERE is_new AND is_touched),
               count(*) FILTER (WHERE NOT is_new) FROM migration_brought"""
    removed, kept, restored = row_of(conn, counts)
    for statement in _STATEMENTS:
        conn.execute(statement, values)
    while conn.execute(_LEAVES, values).rowcount:
        pass
    return {"removed": removed, "kept": kept, "restored": restored}

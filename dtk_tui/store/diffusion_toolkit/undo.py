"""Undoing an import: what it brought and nobody touched since is deleted, what it merged into is restored."""

from __future__ import annotations

from typing import LiteralString

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit.dates import TICKS_RANGE
from dtk_tui.store.diffusion_toolkit.merge import MERGED

# Touched: other marks than were written, a tag or a caption that a person wrote, membership in an album that came
# otherwise, and whatever an edit of the journal changed since and was not undone.
_BROUGHT: LiteralString = """
CREATE TEMP TABLE migration_brought ON COMMIT DROP AS
SELECT *, NOT has_marks OR NOT has_tags OR NOT is_last
       OR is_edited
       OR EXISTS (SELECT 1 FROM image_tag WHERE image_tag.image_id = brought.id AND confidence IS NULL
                     AND NOT (source = 'diffusion-toolkit' AND created_at = %(finished)s))
       OR EXISTS (SELECT 1 FROM caption WHERE caption.image_id = brought.id AND caption.is_user_edited)
       OR EXISTS (SELECT 1 FROM caption_draft WHERE caption_draft.image_id = brought.id)
       OR EXISTS (SELECT 1 FROM album_image WHERE album_image.image_id = brought.id AND added_at <> %(finished)s)
          AS is_touched
  FROM (SELECT image.id, image.prompt_id, image.negative_prompt_id, record.is_new, record.before,
               dtk_marks(image.rating, image.favorite, image.nsfw, image.for_deletion) = record.marks
               AND NOT coalesce(edited.of_marks, false) AS has_marks, edited.image_id IS NOT NULL AS is_edited,
               image.custom_tags IS NOT DISTINCT FROM record.custom_tags AS has_tags,
               NOT EXISTS (SELECT 1 FROM dtk_migrated_images() other WHERE other.image_id = image.id
                              AND other.migration_id > %(id)s) AS is_last,
               dtk_instant(CASE WHEN viewed_ticks BETWEEN {range} THEN viewed_ticks END, %(zone)s) AS viewed,
               dtk_instant(CASE WHEN touched_ticks BETWEEN {range} THEN touched_ticks END, %(zone)s) AS touched
          FROM dtk_migrated_images() record JOIN image ON image.id = record.image_id
          LEFT JOIN (SELECT image_id, bool_or(kind IN ('rating', 'favorite', 'nsfw', 'for_deletion')) AS of_marks
                       FROM edit_journal edit JOIN edit_journal_part part ON part.journal_id = edit.id,
                            unnest(part.image_ids) AS image_id
                      WHERE edit.made_at >= %(finished)s AND edit.undone_at IS NULL GROUP BY image_id) AS edited
                 ON edited.image_id = image.id
         WHERE record.migration_id = %(id)s) AS brought
""".replace("{range}", TICKS_RANGE)
#: What is restored of an image that an import was merged into, by column, and when. A workflow is a statement's own.
_RESTORED: dict[LiteralString, LiteralString] = {
    **dict.fromkeys((name for name in MERGED if name != "has_workflow"), "knew_all"),
    **dict.fromkeys(("rating", "favorite", "nsfw", "for_deletion"), "has_marks"),
    "custom_tags": "has_tags",
    "viewed_at": "knew_all AND image.viewed_at = viewed",
    "touched_at": "knew_all AND image.touched_at = touched",
}
_STATEMENTS: tuple[LiteralString, ...] = (
    # What was computed for a group stays with its members that stay.
    """SELECT dtk_promote_successors(array_agg(id)) FROM migration_brought
        WHERE is_new AND NOT is_touched
          AND (EXISTS (SELECT 1 FROM image_vector) OR EXISTS (SELECT 1 FROM job WHERE kind = 2))""",
    # Of what an image was given by two imports, the first one's cannot be told from the second one's.
    """UPDATE image SET {set}
         FROM (SELECT image.id, {former}
                 FROM (SELECT *, is_last AND before ? 'has_raw' AS knew_all FROM migration_brought
                        WHERE NOT is_new) AS brought
                 JOIN image ON image.id = brought.id, jsonb_populate_record(NULL::image, before) AS said) AS former
        WHERE former.id = image.id AND ({old}) IS DISTINCT FROM ({new})""".replace(
        "{set}", ", ".join([f"{name} = former.{name}" for name in _RESTORED])
    )
    .replace(
        "{former}",
        ", ".join(
            [f"CASE WHEN {when} THEN said.{name} ELSE image.{name} END AS {name}" for name, when in _RESTORED.items()]
        ),
    )
    .replace("{old}", ", ".join([f"image.{name}" for name in _RESTORED]))
    .replace("{new}", ", ".join([f"former.{name}" for name in _RESTORED])),
    """WITH taken AS (
           DELETE FROM image_raw USING migration_brought brought
            WHERE brought.id = image_raw.image_id AND NOT brought.is_new AND is_last
              AND before ->> 'has_raw' = 'false' AND starts_with(chunks, '[["diffusion-toolkit"')
           RETURNING brought.id, before)
       UPDATE image SET has_workflow = (before ->> 'has_workflow')::boolean FROM taken WHERE taken.id = image.id""",
    """DELETE FROM node USING migration_brought brought
        WHERE brought.id = node.image_id AND NOT brought.is_new AND is_last AND before ->> 'has_nodes' = 'false'""",
    "DELETE FROM migrated_image WHERE migration_id = %(id)s AND NOT is_new",
    # The records of what stays are kept, one by one.
    """INSERT INTO migrated_image
       SELECT record.* FROM dtk_migrated_images() record JOIN migration_brought brought ON brought.id = record.image_id
        WHERE record.migration_id = %(id)s AND brought.is_new AND brought.is_touched
           ON CONFLICT (image_id, migration_id) DO NOTHING""",
    "DELETE FROM migrated_batch WHERE migration_id = %(id)s",
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
    """Undo one import and return how many images were removed, kept because touched, restored."""
    finished, zone = row_of(conn, "SELECT finished_at, zone FROM migration WHERE id = %s", (migration_id,))
    values = {"id": migration_id, "finished": finished, "zone": zone}
    conn.execute(_BROUGHT, values)
    conn.execute("CREATE INDEX ON migration_brought (id)")
    conn.execute("ANALYZE migration_brought")
    counts: LiteralString = """
        SELECT count(*) FILTER (WHERE is_new AND NOT is_touched), count(*) FILTER (WHERE is_new AND is_touched),
               count(*) FILTER (WHERE NOT is_new AND has_marks AND has_tags) FROM migration_brought"""
    removed, kept, restored = row_of(conn, counts)
    for statement in _STATEMENTS:
        conn.execute(statement, values)
    while conn.execute(_LEAVES, values).rowcount:
        pass
    return {"removed": removed, "kept": kept, "restored": restored}

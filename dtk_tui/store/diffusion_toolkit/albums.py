"""Albums with their images and tags with theirs, from the staging tables into the library."""

from __future__ import annotations

from typing import Any, LiteralString

from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit.dates import TICKS_RANGE

_ALBUMS: LiteralString = """
WITH wanted AS (
    SELECT DISTINCT ON (coalesce(name, '(no name)')) source_id, coalesce(name, '(no name)') AS name,
           coalesce(position, 0) AS position,
           CASE WHEN updated_ticks BETWEEN {range} THEN updated_ticks END AS updated
      FROM migration_stage_album ORDER BY 2, 1
)
INSERT INTO album (name, position, updated_at)
SELECT name, position, coalesce(dtk_instant(updated, %(zone)s), now()) FROM wanted ORDER BY source_id
    ON CONFLICT (name) DO NOTHING
RETURNING id
""".replace("{range}", TICKS_RANGE)

_ALBUM_RECORDS: LiteralString = """
INSERT INTO migrated_row (migration_id, kind, row_id, source_id, is_new, original)
SELECT %(id)s, 'album', album.id, source_id, album.id = ANY (%(new)s),
       jsonb_build_object('LastUpdated', updated_ticks, 'Order', stage.position)
  FROM migration_stage_album stage JOIN album ON album.name = coalesce(stage.name, '(no name)')
"""

_ALBUM_NOTES: LiteralString = """
INSERT INTO migration_stage_note (table_name, source_id, outcome, reason, original)
SELECT 'Album', source_id, 'repaired', rule.reason, rule.original
  FROM (SELECT *, min(source_id) OVER (PARTITION BY coalesce(name, '(no name)')) AS first
          FROM migration_stage_album) AS album,
       LATERAL (VALUES
           (name IS NULL, 'Name: is missing, written as (no name)', jsonb_build_object('Name', name)),
           (first <> source_id, 'the same name as row ' || first || ', made one',
            jsonb_build_object('Name', name, 'Order', position, 'LastUpdated', updated_ticks)),
           (updated_ticks <> 0 AND updated_ticks NOT BETWEEN {range},
            'LastUpdated: is no date, left out', jsonb_build_object('LastUpdated', updated_ticks))
       ) AS rule (applies, reason, original)
 WHERE rule.applies
""".replace("{range}", TICKS_RANGE)


_TAGS: LiteralString = """
INSERT INTO tag (name, category)
SELECT name, 'general' FROM (SELECT name, min(source_id) AS first FROM migration_stage_tag
                              WHERE name IS NOT NULL GROUP BY name) AS wanted
 ORDER BY first
    ON CONFLICT (name, category) DO NOTHING
RETURNING id
"""

_TAG_RECORDS: LiteralString = """
INSERT INTO migrated_row (migration_id, kind, row_id, source_id, is_new)
SELECT %(id)s, 'tag', tag.id, source_id, tag.id = ANY (%(new)s)
  FROM migration_stage_tag stage JOIN tag ON tag.name = stage.name AND tag.category = 'general'
"""

_TAG_NOTES: LiteralString = """
INSERT INTO migration_stage_note (table_name, source_id, outcome, reason, original)
SELECT 'Tag', source_id, CASE WHEN name IS NULL THEN 'refused' ELSE 'repaired' END,
       CASE WHEN name IS NULL THEN 'has no name' ELSE 'the same name as row ' || first || ', made one' END,
       jsonb_build_object('Name', name)
  FROM (SELECT source_id, name, min(source_id) OVER (PARTITION BY name) AS first FROM migration_stage_tag) AS tags
 WHERE name IS NULL OR first <> source_id
"""

# Images in an album, or with a tag: {kind} is which, {insert} writes the pairs that are whole.
_LINKS: LiteralString = """
WITH placed AS (
    SELECT stage.source_id, stage.{kind}_id AS old_owner, stage.image_id AS old_image, record.row_id AS owner_id,
           spot.image_id, min(stage.source_id) OVER (PARTITION BY record.row_id, spot.image_id) AS first
      FROM migration_stage_{stage} stage
      LEFT JOIN migrated_row record
             ON record.migration_id = %(id)s AND record.kind = '{kind}' AND record.source_id = stage.{kind}_id
      LEFT JOIN migration_where spot ON spot.source_id = stage.image_id
), written AS (
    {insert}
        ON CONFLICT DO NOTHING
)
INSERT INTO migration_stage_note (table_name, source_id, outcome, reason, original)
SELECT '{table}', source_id,
       CASE WHEN owner_id IS NULL OR image_id IS NULL THEN 'refused' ELSE 'repaired' END,
       CASE WHEN owner_id IS NULL THEN 'its {kind} is not there'
            WHEN image_id IS NULL THEN 'its image is not there'
            ELSE 'the same {pair} as row ' || first || ', made one' END,
       jsonb_build_object('{key}', old_owner, 'ImageId', old_image)
  FROM placed WHERE owner_id IS NULL OR image_id IS NULL OR first <> source_id
"""


def _links(
    kind: LiteralString, table: LiteralString, key: LiteralString, pair: LiteralString, insert: LiteralString
) -> LiteralString:
    """Return the statement for a table of the source that links albums or tags, by ``key``, with images."""
    statement = _LINKS.replace("{insert}", insert).replace("{stage}", table.lower()).replace("{table}", table)
    return statement.replace("{kind}", kind).replace("{key}", key).replace("{pair}", pair)


_ALBUM_IMAGES = _links(
    "album", "AlbumImage", "AlbumId", "album and image",
    """INSERT INTO album_image (album_id, image_id, position)
    SELECT owner_id, image_id, min(source_id) FROM placed
     WHERE owner_id IS NOT NULL AND image_id IS NOT NULL GROUP BY 1, 2""",
)  # fmt: skip
_IMAGE_TAGS = _links(
    "tag", "ImageTag", "TagId", "image and tag",
    """INSERT INTO image_tag (image_id, tag_id, source)
    SELECT DISTINCT image_id, owner_id, 'diffusion-toolkit' FROM placed
     WHERE owner_id IS NOT NULL AND image_id IS NOT NULL""",
)  # fmt: skip


def write_albums_and_tags(conn: Connection, values: dict[str, Any]) -> None:
    """Write albums with their members, and tags with their images; ``values``: id and zone of the import."""
    new = [number for (number,) in conn.execute(_ALBUMS, values)]
    conn.execute(_ALBUM_RECORDS, {**values, "new": new})
    conn.execute(_ALBUM_NOTES, values)
    conn.execute(_ALBUM_IMAGES, values)
    new = [number for (number,) in conn.execute(_TAGS, values)]
    conn.execute(_TAG_RECORDS, {**values, "new": new})
    conn.execute(_TAG_NOTES, values)
    conn.execute(_IMAGE_TAGS, values)

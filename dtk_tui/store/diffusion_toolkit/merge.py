"""Merging staged images into images that the library has, and rows of one path into one image."""

from __future__ import annotations

from typing import Any, LiteralString

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit.records import IMAGE_COLUMNS, image_values

# keep: what the library says stays, what it lacks is filled in. take: what the source says goes before. newest: the
# side that was touched later goes before. What an earlier import brought, and a person took away, stays away.
_MERGE: LiteralString = """
WITH both_sides AS (
    SELECT ready.*, image.id AS image_id,
           CASE %(policy)s WHEN 'take' THEN true WHEN 'newest'
                THEN coalesce(dtk_instant(coalesce(touched, viewed), %(zone)s)
                              > coalesce(image.touched_at, image.viewed_at, '-infinity'), false)
                ELSE false END AS source_wins,
           coalesce(earlier.flags, 0) AS known_flags, coalesce(stars = ANY (earlier.ratings), false) AS knew_rating,
           coalesce(ready.custom_tags = ANY (earlier.tags), false) AS knew_tags, known.has_raw,
           jsonb_build_object('rating', image.rating, 'favorite', image.favorite, 'nsfw', image.nsfw,
                              'for_deletion', image.for_deletion, 'custom_tags', image.custom_tags,
                              'aesthetic_score', image.aesthetic_score, 'hypernetwork', image.hypernetwork,
                              'hypernetwork_strength', image.hypernetwork_strength, 'viewed_at', image.viewed_at,
                              'touched_at', image.touched_at, 'has_workflow', image.has_workflow,
                              'has_raw', known.has_raw, 'has_nodes', known.has_nodes) AS before
      FROM migration_ready ready JOIN image ON image.id = ready.target_id
      CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM image_raw WHERE image_id = image.id) AS has_raw,
                                 EXISTS (SELECT 1 FROM node WHERE image_id = image.id) AS has_nodes) AS known
      LEFT JOIN (SELECT image_id, bit_or(marks) AS flags, array_agg(marks >> 3) AS ratings,
                        array_agg(custom_tags) AS tags
                   FROM dtk_migrated_images() WHERE image_id IN (SELECT image_id FROM migration_target)
                  GROUP BY image_id) AS earlier ON earlier.image_id = image.id
), wanted AS (
    SELECT side.*,
           CASE WHEN source_wins THEN coalesce(stars, image.rating)
                WHEN knew_rating THEN image.rating
                ELSE coalesce(image.rating, stars) END AS new_rating,
           CASE WHEN source_wins AND side.favorite IS NOT NULL THEN side.favorite <> 0
                ELSE image.favorite OR (known_flags & 4 = 0 AND coalesce(side.favorite, 0) <> 0) END AS new_favorite,
           CASE WHEN source_wins AND side.nsfw IS NOT NULL THEN side.nsfw <> 0
                ELSE image.nsfw OR (known_flags & 2 = 0 AND coalesce(side.nsfw, 0) <> 0) END AS new_nsfw,
           CASE WHEN source_wins AND side.for_deletion IS NOT NULL THEN side.for_deletion <> 0
                ELSE image.for_deletion OR (known_flags & 1 = 0 AND coalesce(side.for_deletion, 0) <> 0)
                END AS new_for_deletion,
           CASE WHEN source_wins THEN coalesce(side.custom_tags, image.custom_tags)
                WHEN knew_tags THEN image.custom_tags
                ELSE coalesce(image.custom_tags, side.custom_tags) END AS new_custom_tags,
           image.has_workflow OR (side.has_workflow AND NOT side.has_raw) AS new_has_workflow,
           coalesce(image.aesthetic_score, CASE WHEN side.aesthetic_score BETWEEN '-1e300' AND '1e300'
                                                THEN side.aesthetic_score END) AS new_aesthetic_score,
           coalesce(image.hypernetwork, side.hypernetwork) AS new_hypernetwork,
           coalesce(image.hypernetwork_strength,
                    CASE WHEN side.hypernetwork_strength BETWEEN '-1e300' AND '1e300'
                         THEN side.hypernetwork_strength END) AS new_hypernetwork_strength,
           greatest(image.viewed_at, dtk_instant(side.viewed, %(zone)s)) AS new_viewed_at,
           greatest(image.touched_at, dtk_instant(side.touched, %(zone)s)) AS new_touched_at
      FROM both_sides side JOIN image ON image.id = side.image_id
     WHERE side.kept_id IS NULL
), changed AS (
    -- A row that stays as it is is not written again: an import of the same source is nothing but looking.
    UPDATE image SET
           rating = new_rating, favorite = new_favorite, nsfw = new_nsfw, for_deletion = new_for_deletion,
           custom_tags = new_custom_tags, has_workflow = new_has_workflow, aesthetic_score = new_aesthetic_score,
           hypernetwork = new_hypernetwork, hypernetwork_strength = new_hypernetwork_strength,
           viewed_at = new_viewed_at, touched_at = new_touched_at
      FROM wanted
     WHERE image.id = wanted.image_id
       AND (image.rating, image.favorite, image.nsfw, image.for_deletion, image.custom_tags, image.has_workflow,
            image.aesthetic_score, image.hypernetwork, image.hypernetwork_strength, image.viewed_at, image.touched_at)
           IS DISTINCT FROM
           (new_rating, new_favorite, new_nsfw, new_for_deletion, new_custom_tags, new_has_workflow,
            new_aesthetic_score, new_hypernetwork, new_hypernetwork_strength, new_viewed_at, new_touched_at)
)
INSERT INTO migrated_image (image_id, migration_id, is_new, before, {columns})
SELECT image_id, %(id)s, false, before, {values}
  FROM wanted
""".replace("{columns}", ", ".join(IMAGE_COLUMNS)).replace(
    "{values}",
    image_values("dtk_marks(new_rating, new_favorite, new_nsfw, new_for_deletion)", "new_custom_tags"),
)
_DUPLICATES_REFUSED: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Image', source_id, 'refused',
       'the same path as row ' || kept_id || ': its rating, flags, albums and tags went there',
       jsonb_build_object('Id', kept_id, 'Rating', rating, 'Favorite', favorite, 'NSFW', nsfw,
                          'ForDeletion', for_deletion, 'CustomTags', custom_tags, 'AestheticScore', aesthetic_score,
                          'CreatedDate', created_ticks, 'ModifiedDate', modified_ticks, 'ViewedDate', viewed_ticks,
                          'TouchedDate', touched_ticks, 'Seed', seed, 'Steps', steps, 'Sampler', sampler,
                          'Model', model, 'Prompt', (SELECT left(text, 2000) FROM prompt WHERE id = prompt_id))
  FROM migration_ready WHERE kept_id IS NOT NULL
"""
# A row with the same path as another gives its marks to that one.
_DUPLICATE_MARKS: LiteralString = """
UPDATE image SET rating = coalesce(image.rating, twice.stars), favorite = image.favorite OR twice.favorite,
                 nsfw = image.nsfw OR twice.nsfw, for_deletion = image.for_deletion OR twice.for_deletion,
                 custom_tags = coalesce(image.custom_tags, twice.custom_tags),
                 has_workflow = image.has_workflow OR twice.has_workflow
  FROM (SELECT target_id, max(stars) AS stars, bool_or(coalesce(favorite, 0) <> 0) AS favorite,
               bool_or(coalesce(nsfw, 0) <> 0) AS nsfw, bool_or(coalesce(for_deletion, 0) <> 0) AS for_deletion,
               max(custom_tags) AS custom_tags, bool_or(has_workflow) AS has_workflow
          FROM migration_ready WHERE kept_id IS NOT NULL GROUP BY target_id) AS twice
 WHERE image.id = twice.target_id
   AND (twice.stars IS NOT NULL OR twice.favorite OR twice.nsfw OR twice.for_deletion OR twice.custom_tags IS NOT NULL
        OR twice.has_workflow)
"""

_DUPLICATE_RAW: LiteralString = """
INSERT INTO image_raw (image_id, chunks)
SELECT DISTINCT ON (target.image_id) target.image_id, chunks
  FROM migration_stage_raw JOIN migration_target target USING (source_id)
 WHERE kept_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM image_raw WHERE image_raw.image_id = target.image_id)
 ORDER BY target.image_id, source_id
"""

_DUPLICATE_NOTES: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Image', kept_id, 'repaired', 'marks of other rows with the same path were taken over', '{}'
  FROM migration_target WHERE kept_id IS NOT NULL GROUP BY kept_id
"""

_DUPLICATE_RECORDS: LiteralString = """
UPDATE migrated_image SET marks = dtk_marks(rating, favorite, nsfw, for_deletion), custom_tags = image.custom_tags
  FROM image WHERE image.id = migrated_image.image_id AND migrated_image.migration_id = %(id)s
   AND image.id IN (SELECT image_id FROM migration_target WHERE kept_id IS NOT NULL)
"""


def merge_known(conn: Connection, values: dict[str, Any]) -> None:
    """Merge staged images into those that the library has, and record what these said before."""
    conn.execute(_MERGE, values)


def merge_duplicates(conn: Connection, values: dict[str, Any]) -> None:
    """Merge the rows that have one path with another into the image of that, where there are any."""
    if row_of(conn, "SELECT EXISTS (SELECT 1 FROM migration_target WHERE kept_id IS NOT NULL)")[0]:
        for statement in (_DUPLICATES_REFUSED, _DUPLICATE_MARKS, _DUPLICATE_RAW, _DUPLICATE_NOTES, _DUPLICATE_RECORDS):
            conn.execute(statement, values)

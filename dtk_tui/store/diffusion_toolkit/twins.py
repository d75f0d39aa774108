"""Staged images with one path: all but the first go, and give it their marks and their workflow."""

from __future__ import annotations

from typing import Any, LiteralString

from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit import record_batches
from dtk_tui.store.diffusion_toolkit.record_batches import RECORDS
from dtk_tui.store.diffusion_toolkit.records import IMAGE_COLUMNS, record_values

# Here the names of tables mean the staged ones.
_FIND: LiteralString = """
INSERT INTO migration_stage_twin (image_id, kept_id)
SELECT id, kept_id FROM (SELECT id, min(id) OVER (PARTITION BY folder_id, file_name) AS kept_id FROM image) AS alike
 WHERE id <> kept_id
"""
_STATEMENTS: tuple[LiteralString, ...] = (
    """INSERT INTO migration_stage_note (table_name, source_id, outcome, reason, original)
       SELECT 'Image', record.source_id, 'refused', 'the same path as row ' || kept_id - %(base)s
              || ': its rating, flags, albums and tags went there',
              jsonb_build_object('Id', kept_id - %(base)s, 'Rating', rating, 'Favorite', favorite::int,
                  'NSFW', nsfw::int, 'ForDeletion', for_deletion::int, 'CustomTags', image.custom_tags,
                  'AestheticScore', aesthetic_score,
                  'CreatedDate', created_ticks, 'ModifiedDate', modified_ticks, 'ViewedDate', viewed_ticks,
                  'TouchedDate', touched_ticks, 'Seed', seed, 'Steps', steps, 'Sampler', sampler, 'Model', model,
                  'Prompt', (SELECT left(text, 2000) FROM prompt WHERE id = prompt_id))
         FROM migration_stage_twin JOIN image ON image.id = image_id
         JOIN ({records}) AS record ON record.source_id = image_id - %(base)s""".replace("{records}", RECORDS),
    """INSERT INTO migration_stage_note (table_name, source_id, outcome, reason, original)
       SELECT DISTINCT 'Image', kept_id - %(base)s, 'repaired',
              'marks of other rows with the same path were taken over', '{}'::jsonb FROM migration_stage_twin""",
    """UPDATE image SET rating = coalesce(image.rating, twins.rating), favorite = image.favorite OR twins.favorite,
              nsfw = image.nsfw OR twins.nsfw, for_deletion = image.for_deletion OR twins.for_deletion,
              custom_tags = coalesce(image.custom_tags, twins.custom_tags),
              has_workflow = image.has_workflow OR twins.has_workflow
         FROM (SELECT kept_id, max(rating) AS rating, bool_or(favorite) AS favorite, bool_or(nsfw) AS nsfw,
                      bool_or(for_deletion) AS for_deletion, max(custom_tags) AS custom_tags,
                      bool_or(has_workflow) AS has_workflow
                 FROM migration_stage_twin JOIN image ON image.id = image_id GROUP BY kept_id) AS twins
        WHERE image.id = kept_id""",
    """INSERT INTO image_raw (image_id, chunks)
       SELECT DISTINCT ON (kept_id) kept_id, chunks FROM migration_stage_twin JOIN image_raw USING (image_id)
        WHERE NOT EXISTS (SELECT 1 FROM image_raw WHERE image_raw.image_id = kept_id)
        ORDER BY kept_id, image_id""",
    "DELETE FROM image_raw USING migration_stage_twin twin WHERE twin.image_id = image_raw.image_id",
    "DELETE FROM image USING migration_stage_twin twin WHERE twin.image_id = image.id",
)
_RECORDS: LiteralString = (
    """
INSERT INTO migrated_image (image_id, migration_id, is_new, {columns})
SELECT image.id, %(id)s, true, {values}
  FROM migration_beside.image JOIN ({records}) AS record ON record.source_id = image.id - %(base)s
 WHERE image.id IN (SELECT kept_id FROM migration_stage_twin)
   AND record.source_id NOT IN (SELECT source_id FROM migration_target)
""".replace("{records}", RECORDS)
    .replace("{columns}", ", ".join(IMAGE_COLUMNS))
    .replace("{values}", record_values("dtk_marks(rating, favorite, nsfw, for_deletion)", "image.custom_tags"))
)


def resolve(conn: Connection, values: dict[str, Any]) -> None:
    """Make staged images with one path one, whose names of tables must mean the staged ones.

    Args:
        values: id and base of the import.
    """
    conn.execute(_FIND)
    for statement in _STATEMENTS:
        conn.execute(statement, values)


def touched(conn: Connection) -> set[int]:
    """Return the images that are no longer as they were sent, by id."""
    rows = conn.execute("SELECT image_id FROM migration_stage_twin UNION SELECT kept_id FROM migration_stage_twin")
    return {number for (number,) in rows}


def write_records(conn: Connection, values: dict[str, Any]) -> None:
    """Write the records of those that were kept as they are now, and leave those of all others out."""
    if found := touched(conn):
        conn.execute(_RECORDS, values)
        record_batches.exclude(conn, values["id"], [number - values["base"] for number in sorted(found)])

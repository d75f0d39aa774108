"""Verifying staged images: comparing them with what the library holds of them."""

from __future__ import annotations

from typing import LiteralString

from dtk_tui.store.database import Connection, row_of

# Texts by the digest that the reader made of them (services.diffusion_toolkit.read.csv_rows), numbers by value.
_DIFFERING: LiteralString = r"""
SELECT stage.source_id
  FROM migration_stage_image stage
  JOIN migrated_image record ON record.source_id = stage.source_id AND record.migration_id = %(id)s AND record.is_new
  LEFT JOIN image ON image.id = record.image_id
  LEFT JOIN folder ON folder.id = image.folder_id
  LEFT JOIN (SELECT id, md5(text) AS md5 FROM prompt) AS positive ON positive.id = image.prompt_id
  LEFT JOIN (SELECT id, md5(text) AS md5 FROM prompt) AS negative ON negative.id = image.negative_prompt_id
  LEFT JOIN image_raw ON image_raw.image_id = image.id
 WHERE stage.digest IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM migration_note note WHERE note.migration_id = %(id)s AND note.table_name = 'Image'
                      AND note.source_id = stage.source_id)
   AND (stage.digest IS DISTINCT FROM md5(concat({texts}, E'\x1f', folder.path, E'\x1f', image.file_name, E'\x1f',
                                                 positive.md5, E'\x1f', negative.md5, E'\x1f',
                                                 md5(image_raw.chunks)))::uuid
        OR ({values}) IS DISTINCT FROM ({staged}))
 ORDER BY 1
"""

_VALUES: tuple[LiteralString, ...] = (
    "record.root_folder_id", "image.steps", "image.seed", "image.width", "image.height", "record.batch_size",
    "record.batch_pos", "record.created_ticks", "record.modified_ticks", "image.rating", "record.clip_skip",
    "record.ensd",
    "image.file_size", "record.viewed_ticks", "record.touched_ticks", "image.cfg_scale", "image.aesthetic_score",
    "image.hypernetwork_strength", "image.favorite", "image.for_deletion", "image.nsfw", "image.unavailable",
    "coalesce(record.no_metadata, false)", "coalesce(record.has_error, false)",
)  # fmt: skip

_STAGED: tuple[LiteralString, ...] = (
    "stage.root_folder_id", "stage.steps", "stage.seed", "stage.width", "stage.height", "stage.batch_size",
    "stage.batch_pos", "stage.created_ticks", "stage.modified_ticks", "stage.rating", "stage.clip_skip", "stage.ensd",
    "stage.file_size", "stage.viewed_ticks", "stage.touched_ticks", "stage.cfg_scale", "stage.aesthetic_score",
    "stage.hypernetwork_strength", "coalesce(stage.favorite = 1, false)", "coalesce(stage.for_deletion = 1, false)",
    "coalesce(stage.nsfw = 1, false)", "coalesce(stage.unavailable = 1, false)",
    "coalesce(stage.no_metadata = 1, false)", "coalesce(stage.has_error = 1, false)",
)  # fmt: skip

_TEXTS: tuple[LiteralString, ...] = (
    "image.sampler", "image.model_hash", "image.model", "image.custom_tags", "image.hypernetwork", "record.workflow_id",
    "record.hash",
)  # fmt: skip

_DIGESTS: LiteralString = (
    _DIFFERING.replace("{values}", ", ".join(_VALUES))
    .replace("{staged}", ", ".join(_STAGED))
    .replace("{texts}", ", ',', ".join([f"'''' || replace({name}, '''', '''''') || ''''" for name in _TEXTS]))
)

_PARALLEL: tuple[LiteralString, ...] = (
    "SET LOCAL parallel_setup_cost = 0",
    "SET LOCAL parallel_tuple_cost = 0",
    "SET LOCAL min_parallel_table_scan_size = '1MB'",
)


def differing_images(conn: Connection, migration_id: int) -> tuple[int, list[int]]:
    """Compare the digest of each row as it was read with the row as it is now; return (compared, differing ids).

    Rows with a note are left out: what became of them stands there.
    """
    # Every core compares: the planner thinks too much of what it costs to start workers and to send them rows.
    for setting in _PARALLEL:
        conn.execute(setting)
    found = conn.execute(_DIGESTS, {"id": migration_id})
    ids = [number for (number,) in found]
    compared: LiteralString = """
        SELECT count(*) FROM migration_stage_image stage
          JOIN migrated_image record ON record.source_id = stage.source_id AND record.migration_id = %(id)s
                                    AND record.is_new
         WHERE stage.digest IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM migration_note note WHERE note.migration_id = %(id)s
                              AND note.table_name = 'Image' AND note.source_id = stage.source_id)"""
    return row_of(conn, compared, {"id": migration_id})[0], ids

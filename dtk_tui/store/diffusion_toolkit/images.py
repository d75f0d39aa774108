"""Writing staged images into the library: new ones with their records, groups and their representatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit import merge, notes
from dtk_tui.store.diffusion_toolkit.records import IMAGE_COLUMNS, image_values

_IMAGES: LiteralString = """
INSERT INTO image (id, folder_id, prompt_id, negative_prompt_id, file_size, mtime_ns, created_at, width, height, steps,
    cfg_scale, scan_phase, rating, favorite, nsfw, for_deletion, unavailable, is_video, has_workflow, seed, file_name,
    dialect, sampler, scheduler, model, model_hash, custom_tags, error, extra, aesthetic_score, hypernetwork_strength,
    hypernetwork, viewed_at, touched_at)
OVERRIDING SYSTEM VALUE
SELECT %(base)s + source_id, place_id, prompt_id, negative_id, greatest(coalesce(file_size, 0), 0),
       -- Time in nanoseconds as a scan sees it; 0, which no file has, for what a scan should read again.
       CASE WHEN has_metadata AND prompt_id IS NOT NULL
            AND coalesce(modified, created) BETWEEN 530000000000000000 AND 713000000000000000
            THEN (date_part('epoch', dtk_instant(coalesce(modified, created), %(zone)s)) * 1e6)::bigint * 1000
                 + coalesce(modified, created) %% 10 * 100
            ELSE 0 END,
       coalesce(dtk_instant(coalesce(created, modified), %(zone)s), 'epoch'),
       CASE WHEN width BETWEEN 0 AND 2147483647 THEN width END,
       CASE WHEN height BETWEEN 0 AND 2147483647 THEN height END,
       CASE WHEN steps BETWEEN -2147483648 AND 2147483647 THEN steps END,
       CASE WHEN cfg_scale BETWEEN '-1e300' AND '1e300' THEN cfg_scale END,
       CASE WHEN has_metadata OR no_metadata <> 0 THEN 1 ELSE 0 END, stars,
       coalesce(favorite, 0) <> 0, coalesce(nsfw, 0) <> 0, coalesce(for_deletion, 0) <> 0,
       coalesce(unavailable, 0) <> 0, coalesce(type = 1, file_name ~* '\\.(mp4|webm|mov|m4v|avi|mkv)$'), has_workflow,
       seed, file_name, coalesce(dialect, CASE WHEN has_workflow THEN 'comfyui' END), sampler, scheduler, model,
       model_hash, custom_tags,
       CASE WHEN has_error <> 0 THEN 'Diffusion Toolkit could not read this file.' END,
       CASE WHEN clip_skip BETWEEN -2147483648 AND 2147483647 THEN jsonb_build_object('clip_skip', clip_skip) END,
       CASE WHEN aesthetic_score BETWEEN '-1e300' AND '1e300' THEN aesthetic_score END,
       CASE WHEN hypernetwork_strength BETWEEN '-1e300' AND '1e300' THEN hypernetwork_strength END,
       hypernetwork, dtk_instant(viewed, %(zone)s), dtk_instant(touched, %(zone)s)
  FROM migration_ready
 WHERE target_id IS NULL
"""

_RECORDS: LiteralString = """
INSERT INTO migrated_image (image_id, migration_id, is_new, {columns})
SELECT %(base)s + source_id, %(id)s, true, {values}
  FROM migration_ready
 WHERE target_id IS NULL
""".replace("{columns}", ", ".join(IMAGE_COLUMNS)).replace(
    "{values}",
    image_values(
        "dtk_marks(stars, coalesce(favorite, 0) <> 0, coalesce(nsfw, 0) <> 0, coalesce(for_deletion, 0) <> 0)",
        "custom_tags",
    ),
)
_RAW: LiteralString = """
INSERT INTO image_raw (image_id, chunks)
SELECT coalesce(target.image_id, %(base)s + source_id), chunks
  FROM migration_stage_raw LEFT JOIN migration_target target USING (source_id)
 WHERE kept_id IS NULL
    ON CONFLICT (image_id) DO NOTHING
"""

_RAW_NEW: LiteralString = """
INSERT INTO image_raw (image_id, chunks)
SELECT %(base)s + source_id, chunks
  FROM migration_stage_raw
 WHERE NOT EXISTS (SELECT 1 FROM migration_target target WHERE target.source_id = migration_stage_raw.source_id)
"""


def write_images(conn: Connection, values: dict[str, Any], are_new: bool) -> None:
    """Write the staged images with their records, raw workflows and notes.

    Args:
        values: id, base, zone and policy of the import.
        are_new: as for ``targets.find_targets``.
    """
    conn.execute(_IMAGES, values)
    conn.execute(_RECORDS, values)
    if not are_new:
        merge.merge_known(conn, values)
    conn.execute(_RAW_NEW if are_new else _RAW, values)
    notes.write_image_notes(conn, values)
    merge.merge_duplicates(conn, values)


def choose_representatives(conn: Connection) -> None:
    """Choose the representative of every group."""
    _choose(conn, "SELECT metadata_hash FROM image WHERE metadata_hash IS NOT NULL", {})


def choose_some_representatives(conn: Connection, ids: Sequence[int], base: int) -> None:
    """Choose the representatives of the groups that some images, or staged ones, are in; others have but one image."""
    staged: LiteralString = "SELECT source_id + %(base)s FROM migration_stage_image"
    if ids or row_of(conn, "SELECT EXISTS (SELECT 1 FROM migration_stage_image)")[0]:
        among: LiteralString = """
            SELECT metadata_hash FROM image WHERE metadata_hash IN (
                SELECT metadata_hash FROM image WHERE id = ANY (%(ids)s) UNION
                SELECT metadata_hash FROM image WHERE id IN ({staged}))""".replace("{staged}", staged)
        _choose(conn, among, {"ids": list(ids), "base": base})


def _choose(conn: Connection, among: LiteralString, values: dict[str, Any]) -> None:
    groups: LiteralString = """
        SELECT array_agg(metadata_hash)
          FROM ({among} GROUP BY metadata_hash HAVING count(*) > 1 LIMIT 50001) AS several""".replace("{among}", among)
    (hashes,) = row_of(conn, groups, values)
    if hashes:
        conn.execute("SELECT dtk_choose_representatives(%s)", (hashes if len(hashes) <= 50000 else None,))


def count_representatives(conn: Connection) -> int:
    """Return how many images are embedded for their groups, single ones included."""
    return int(row_of(conn, "SELECT count(*) FROM image WHERE is_embedding_representative")[0])


def analyze_written(conn: Connection) -> None:
    """Analyze the tables that images were written to."""
    conn.execute("ANALYZE folder, prompt, image, image_raw, migrated_image, migration_note")

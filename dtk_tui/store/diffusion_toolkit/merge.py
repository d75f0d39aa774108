"""From the stage into the library: set-based, in one transaction, so that it is seen whole or not at all."""

from __future__ import annotations

from typing import Any, LiteralString

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection, row_of

#: Ticks between which every time zone of the world has a date that clients can show.
LIMITS: LiteralString = "1728000000000 AND 3155376383999999999"

_TEXTS: LiteralString = """
CREATE TEMP TABLE migration_hash ON COMMIT DROP AS
SELECT key, sha256(dtk_utf8(text)) AS sha256,
       btrim(left(text, 100), E' \\t\\r\\n\\v\\f') = '' AND length(text) < 100 AS blank
  FROM migration_stage_text
"""
# In the order of their hashes: the same source gives the same ids, however it was interrupted.
_PROMPTS: LiteralString = """
INSERT INTO prompt (text)
SELECT text FROM (
    SELECT DISTINCT ON (migration_hash.sha256) migration_hash.sha256, text
      FROM migration_hash JOIN migration_stage_text USING (key)
     ORDER BY migration_hash.sha256) AS new
 WHERE NOT EXISTS (SELECT 1 FROM prompt WHERE prompt.sha256 = new.sha256)
 ORDER BY new.sha256
"""
_TEXT_PLACES: LiteralString = """
CREATE TEMP TABLE migration_text ON COMMIT DROP AS
SELECT key, prompt.id, blank, CASE WHEN blank THEN text END AS blank_text FROM migration_hash JOIN prompt USING (sha256)
"""

# Where images go beside an empty library, keys are ids already; only those that staged rows use are looked at.
_KNOWN_PLACES: LiteralString = """
CREATE TEMP TABLE migration_place ON COMMIT DROP AS SELECT DISTINCT key, key AS folder_id FROM migration_stage_path
"""
_KNOWN_TEXTS: LiteralString = """
CREATE TEMP TABLE migration_text ON COMMIT DROP AS
SELECT id AS key, id, blank, CASE WHEN blank THEN text END AS blank_text
  FROM (SELECT id, text, btrim(left(text, 100), E' \\t\\r\\n\\v\\f') = '' AND length(text) < 100 AS blank
          FROM prompt WHERE id IN (SELECT prompt_key FROM migration_stage_image
                                    UNION SELECT negative_key FROM migration_stage_image)) AS used
"""
_TWICE_BESIDE: LiteralString = """
SELECT id FROM image JOIN (SELECT folder_id, file_name FROM image GROUP BY 1, 2 HAVING count(*) > 1) AS twice
       USING (folder_id, file_name)
"""
_STAGED_BESIDE: LiteralString = """
SELECT image.id FROM migration_stage_image stage
  JOIN image ON image.folder_id = stage.folder_key AND image.file_name = stage.file_name
"""

_INCOMPLETE: LiteralString = """
SELECT EXISTS (SELECT 1 FROM migration_stage_image stage LEFT JOIN migration_place place ON place.key = folder_key
                WHERE place.key IS NULL)
    OR EXISTS (SELECT 1 FROM migration_stage_image stage LEFT JOIN migration_text text ON text.key = prompt_key
                WHERE prompt_key IS NOT NULL AND text.key IS NULL)
    OR EXISTS (SELECT 1 FROM migration_stage_image stage LEFT JOIN migration_text text ON text.key = negative_key
                WHERE negative_key IS NOT NULL AND text.key IS NULL)
"""

# Rows that do not become a new image: the same path twice in the source, or an image that the library has already.
_TARGETS: LiteralString = """
CREATE TEMP TABLE migration_target (source_id bigint PRIMARY KEY, image_id bigint NOT NULL, kept_id bigint)
    ON COMMIT DROP
"""
_KNOWN: LiteralString = """
INSERT INTO migration_target (source_id, image_id)
SELECT min(stage.source_id), image.id
  FROM migration_stage_image stage
  JOIN migration_place place ON place.key = stage.folder_key
  JOIN image ON image.folder_id = place.folder_id AND image.file_name = stage.file_name
 GROUP BY image.id
"""
_SAME: LiteralString = """
INSERT INTO migration_target (source_id, image_id, kept_id)
SELECT stage.source_id, coalesce(known.image_id, twice.kept_id + %(base)s), twice.kept_id
  FROM (SELECT place.folder_id, stage.file_name, min(stage.source_id) AS kept_id
          FROM migration_stage_image stage JOIN migration_place place ON place.key = stage.folder_key
         GROUP BY 1, 2 HAVING count(*) > 1) AS twice
  JOIN migration_place place USING (folder_id)
  JOIN migration_stage_image stage ON stage.folder_key = place.key AND stage.file_name = twice.file_name
  LEFT JOIN migration_target known ON known.source_id = twice.kept_id
 WHERE stage.source_id <> twice.kept_id
"""

# What the rest of the statements see of a staged image: values in their range, prompts and folders by id.
_READY: LiteralString = """
CREATE TEMP VIEW migration_ready AS
SELECT stage.*, place.folder_id AS place_id, target.image_id AS target_id, target.kept_id,
       CASE WHEN NOT positive.blank OR coalesce(steps, 0) <> 0 OR coalesce(seed, 0) <> 0 OR coalesce(sampler, '') <> ''
            THEN positive.id END AS prompt_id,
       positive.blank_text, negative.id AS negative_id,
       CASE WHEN created_ticks BETWEEN {limits} THEN created_ticks END AS created,
       CASE WHEN modified_ticks BETWEEN {limits} THEN modified_ticks END AS modified,
       CASE WHEN viewed_ticks BETWEEN {limits} THEN viewed_ticks END AS viewed,
       CASE WHEN touched_ticks BETWEEN {limits} THEN touched_ticks END AS touched,
       CASE WHEN rating > 0 THEN least(rating, 10)::smallint END AS stars,
       (coalesce(no_metadata, 0) = 0 AND (NOT positive.blank OR coalesce(steps, 0) <> 0 OR coalesce(seed, 0) <> 0
            OR coalesce(sampler, '') <> '')) IS TRUE AS has_metadata
  FROM migration_stage_image stage
  JOIN migration_place place ON place.key = stage.folder_key
  LEFT JOIN migration_target target USING (source_id)
  LEFT JOIN migration_text positive ON positive.key = stage.prompt_key
  LEFT JOIN migration_text negative ON negative.key = stage.negative_key
""".replace("{limits}", LIMITS)

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
_BOOKS: LiteralString = """
INSERT INTO migrated_image (image_id, migration_id, source_id, created_ticks, modified_ticks, viewed_ticks,
    touched_ticks, marks, batch_size, batch_pos, clip_skip, ensd, no_metadata, has_error, is_new, root_folder_id,
    workflow_id, hash, custom_tags)
SELECT %(base)s + source_id, %(id)s, source_id, created_ticks, modified_ticks, viewed_ticks, touched_ticks,
       dtk_marks(stars, coalesce(favorite, 0) <> 0, coalesce(nsfw, 0) <> 0, coalesce(for_deletion, 0) <> 0),
       CASE WHEN batch_size BETWEEN -2147483648 AND 2147483647 THEN batch_size END,
       CASE WHEN batch_pos BETWEEN -2147483648 AND 2147483647 THEN batch_pos END,
       CASE WHEN clip_skip BETWEEN -2147483648 AND 2147483647 THEN clip_skip END,
       CASE WHEN ensd BETWEEN -2147483648 AND 2147483647 THEN ensd END,
       no_metadata <> 0, has_error <> 0, true,
       root_folder_id, workflow_id, hash, custom_tags
  FROM migration_ready
 WHERE target_id IS NULL
"""
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
#: (when it applies, reason, what the source said) of each repair that the statements above make.
_RULES: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    ("prompt_id IS NULL AND prompt_key IS NOT NULL",
     "'Prompt: is blank and nothing else is known, written as no prompt'", "jsonb_build_object('Prompt', blank_text)"),
    ("rating NOT BETWEEN 1 AND 10",
     "'Rating: is not 1 to 10, ' || CASE WHEN rating > 10 THEN 'written as 10' ELSE 'left out' END",
     "jsonb_build_object('Rating', rating)"),
    ("""favorite NOT IN (0, 1) OR nsfw NOT IN (0, 1) OR for_deletion NOT IN (0, 1) OR unavailable NOT IN (0, 1)
        OR no_metadata NOT IN (0, 1) OR has_error NOT IN (0, 1)""",
     "'a flag is neither 0 nor 1, written as true'",
     """jsonb_build_object('Favorite', favorite, 'NSFW', nsfw, 'ForDeletion', for_deletion, 'Unavailable', unavailable,
                           'NoMetadata', no_metadata, 'HasError', has_error)"""),
    ("type NOT IN (0, 1)", "'Type: is neither 0 nor 1, written as an image'", "jsonb_build_object('Type', type)"),
    ("width NOT BETWEEN 0 AND 2147483647 OR height NOT BETWEEN 0 AND 2147483647",
     "'Width, Height: out of range, left out'", "jsonb_build_object('Width', width, 'Height', height)"),
    ("steps NOT BETWEEN -2147483648 AND 2147483647", "'Steps: out of range, left out'",
     "jsonb_build_object('Steps', steps)"),
    ("""batch_size NOT BETWEEN -2147483648 AND 2147483647 OR batch_pos NOT BETWEEN -2147483648 AND 2147483647
        OR clip_skip NOT BETWEEN -2147483648 AND 2147483647 OR ensd NOT BETWEEN -2147483648 AND 2147483647""",
     "'a number is out of range, left out'",
     "jsonb_build_object('BatchSize', batch_size, 'BatchPos', batch_pos, 'ClipSkip', clip_skip, 'ENSD', ensd)"),
    ("file_size IS NULL OR file_size < 0", "'FileSize: is not known, written as 0'",
     "jsonb_build_object('FileSize', file_size)"),
    ("""cfg_scale NOT BETWEEN '-1e300' AND '1e300' OR aesthetic_score NOT BETWEEN '-1e300' AND '1e300'
        OR hypernetwork_strength NOT BETWEEN '-1e300' AND '1e300'""",
     "'a number is not finite, left out'",
     """jsonb_build_object('CFGScale', cfg_scale::text, 'AestheticScore', aesthetic_score::text,
                           'HyperNetworkStrength', hypernetwork_strength::text)"""),
    ("created IS NULL",
     """'CreatedDate: is no date, '
        || CASE WHEN modified IS NULL THEN 'written as 1970' ELSE 'ModifiedDate taken' END""",
     "jsonb_build_object('CreatedDate', created_ticks)"),
    ("""(modified_ticks <> 0 AND modified IS NULL) OR (viewed_ticks <> 0 AND viewed IS NULL)
        OR (touched_ticks <> 0 AND touched IS NULL)""",
     "'a date is out of range, left out'",
     """jsonb_build_object('ModifiedDate', modified_ticks, 'ViewedDate', viewed_ticks,
                           'TouchedDate', touched_ticks)"""),
)  # fmt: skip
_REPAIRS: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Image', source_id, 'repaired', rule.reason, rule.original
  FROM migration_ready ready, LATERAL (VALUES {rules}) AS rule (applies, reason, original)
 WHERE kept_id IS NULL AND ({any}) AND rule.applies
""".replace("{rules}", ", ".join(f"({rule[0]}, {rule[1]}, {rule[2]})" for rule in _RULES)).replace(
    "{any}", " OR ".join(f"({rule[0]})" for rule in _RULES)
)
_TWICE: LiteralString = """
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
_STAGED_NOTES: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, table_name, source_id, outcome, reason, original FROM migration_stage_note
"""

# keep: what the library says stays, what it lacks is filled in. take: what the source says goes before. newest: the
# side that was touched later goes before. What an earlier migration brought, and a person took away, stays away.
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
INSERT INTO migrated_image (image_id, migration_id, source_id, created_ticks, modified_ticks, viewed_ticks,
    touched_ticks, marks, batch_size, batch_pos, clip_skip, ensd, no_metadata, has_error, is_new, root_folder_id,
    workflow_id, hash, custom_tags, before)
SELECT image_id, %(id)s, source_id, created_ticks, modified_ticks, viewed_ticks, touched_ticks,
       dtk_marks(new_rating, new_favorite, new_nsfw, new_for_deletion),
       CASE WHEN batch_size BETWEEN -2147483648 AND 2147483647 THEN batch_size END,
       CASE WHEN batch_pos BETWEEN -2147483648 AND 2147483647 THEN batch_pos END,
       CASE WHEN clip_skip BETWEEN -2147483648 AND 2147483647 THEN clip_skip END,
       CASE WHEN ensd BETWEEN -2147483648 AND 2147483647 THEN ensd END,
       no_metadata <> 0, has_error <> 0, false, root_folder_id, workflow_id, hash, new_custom_tags, before
  FROM wanted
"""
# A row with the same path as another gives its marks to that one.
_FOLD: LiteralString = """
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
_FOLD_RAW: LiteralString = """
INSERT INTO image_raw (image_id, chunks)
SELECT DISTINCT ON (target.image_id) target.image_id, chunks
  FROM migration_stage_raw JOIN migration_target target USING (source_id)
 WHERE kept_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM image_raw WHERE image_raw.image_id = target.image_id)
 ORDER BY target.image_id, source_id
"""
_FOLD_NOTES: LiteralString = """
INSERT INTO migration_note (migration_id, table_name, source_id, outcome, reason, original)
SELECT %(id)s, 'Image', kept_id, 'repaired', 'marks of other rows with the same path were taken over', '{}'
  FROM migration_target WHERE kept_id IS NOT NULL GROUP BY kept_id
"""
_FOLD_BOOKS: LiteralString = """
UPDATE migrated_image SET marks = dtk_marks(rating, favorite, nsfw, for_deletion), custom_tags = image.custom_tags
  FROM image WHERE image.id = migrated_image.image_id AND migrated_image.migration_id = %(id)s
   AND image.id IN (SELECT image_id FROM migration_target WHERE kept_id IS NOT NULL)
"""


def require_complete(conn: Connection) -> None:
    """Make sure that every staged image has its folder and its prompts; called when those are placed.

    Raises:
        DtkError: some have not.
    """
    if row_of(conn, _INCOMPLETE)[0]:
        raise DtkError(
            "What was read of the source is incomplete.", "The library is unchanged. Start again without --resume."
        )


def insert_prompts(conn: Connection) -> None:
    """Write the prompts that the library lacks."""
    conn.execute(_TEXTS)
    conn.execute("ANALYZE migration_hash")
    conn.execute(_PROMPTS)
    conn.execute(_TEXT_PLACES)
    conn.execute("ANALYZE migration_text")


def map_prompt_ids(conn: Connection) -> None:
    """Let the keys of staged texts and folders be ids, as they are where images go beside an empty library."""
    conn.execute(_KNOWN_TEXTS)
    conn.execute("ANALYZE migration_text")


def map_folder_ids(conn: Connection) -> None:
    """As ``place_known``, for folders that are not in the library yet."""
    conn.execute(_KNOWN_PLACES)
    conn.execute("ANALYZE migration_place")


def find_path_conflicts(conn: Connection, are_unique: bool) -> list[int]:
    """Return the images beside the library that have a place with another of them, or with a staged one.

    Args:
        are_unique: whether it is known that no two of them have one place.
    """
    found = {number for (number,) in conn.execute(_STAGED_BESIDE)}
    if not are_unique:
        found.update(number for (number,) in conn.execute(_TWICE_BESIDE))
    return sorted(found)


def find_targets(conn: Connection, base: int, are_new: bool) -> int:
    """Find rows that do not become new images, as the source has them twice or the library has them already.

    Args:
        are_new: whether no staged image can be in the library.

    Returns:
        How many the library has already.
    """
    conn.execute(_TARGETS)
    known = 0 if are_new else conn.execute(_KNOWN).rowcount
    conn.execute(_SAME, {"base": base})
    conn.execute("ANALYZE migration_target")
    conn.execute(_READY)
    return known


def write_images(conn: Connection, values: dict[str, Any], are_new: bool) -> None:
    """Write the staged images with their books, raw workflows and notes.

    Args:
        values: id, base, zone and policy of the migration.
        are_new: as for ``find_targets``.
    """
    conn.execute(_IMAGES, values)
    conn.execute(_BOOKS, values)
    if not are_new:
        conn.execute(_MERGE, values)
    for statement in (_RAW_NEW if are_new else _RAW, _STAGED_NOTES, _REPAIRS):
        conn.execute(statement, values)
    if row_of(conn, "SELECT EXISTS (SELECT 1 FROM migration_target WHERE kept_id IS NOT NULL)")[0]:
        for statement in (_TWICE, _FOLD, _FOLD_RAW, _FOLD_NOTES, _FOLD_BOOKS):
            conn.execute(statement, values)

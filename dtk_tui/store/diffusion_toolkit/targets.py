"""The targets of staged images: the ids of their folders and prompts, and the images that they are one with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString, NamedTuple

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit.dates import TICKS_RANGE
from dtk_tui.store.library.images import join_path

_TEXT_HASHES: LiteralString = """
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

_TEXT_IDS: LiteralString = """
CREATE TEMP TABLE migration_text ON COMMIT DROP AS
SELECT key, prompt.id, blank, CASE WHEN blank THEN text END AS blank_text FROM migration_hash JOIN prompt USING (sha256)
"""

# With shadow tables keys are ids already; only those that staged rows use are looked at.
_SHADOW_FOLDER_IDS: LiteralString = """
CREATE TEMP TABLE migration_place ON COMMIT DROP AS SELECT DISTINCT key, key AS folder_id FROM migration_stage_path
"""

_SHADOW_TEXT_IDS: LiteralString = """
CREATE TEMP TABLE migration_text ON COMMIT DROP AS
SELECT id AS key, id, blank, CASE WHEN blank THEN text END AS blank_text
  FROM (SELECT id, text, btrim(left(text, 100), E' \\t\\r\\n\\v\\f') = '' AND length(text) < 100 AS blank
          FROM prompt WHERE id IN (SELECT prompt_key FROM migration_stage_image
                                    UNION SELECT negative_key FROM migration_stage_image)) AS used
"""

_DUPLICATE_PATHS: LiteralString = """
SELECT id FROM image JOIN (SELECT folder_id, file_name FROM image GROUP BY 1, 2 HAVING count(*) > 1) AS twice
       USING (folder_id, file_name)
"""

_STAGED_PATHS: LiteralString = """
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

_TARGETS_IN_LIBRARY: LiteralString = """
INSERT INTO migration_target (source_id, image_id)
SELECT min(stage.source_id), image.id
  FROM migration_stage_image stage
  JOIN migration_place place ON place.key = stage.folder_key
  JOIN image ON image.folder_id = place.folder_id AND image.file_name = stage.file_name
 GROUP BY image.id
"""

_TARGETS_OF_DUPLICATES: LiteralString = """
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
       CASE WHEN created_ticks BETWEEN {range} THEN created_ticks END AS created,
       CASE WHEN modified_ticks BETWEEN {range} THEN modified_ticks END AS modified,
       CASE WHEN viewed_ticks BETWEEN {range} THEN viewed_ticks END AS viewed,
       CASE WHEN touched_ticks BETWEEN {range} THEN touched_ticks END AS touched,
       CASE WHEN rating > 0 THEN least(rating, 10)::smallint END AS stars,
       (coalesce(no_metadata, 0) = 0 AND (NOT positive.blank OR coalesce(steps, 0) <> 0 OR coalesce(seed, 0) <> 0
            OR coalesce(sampler, '') <> '')) IS TRUE AS has_metadata
  FROM migration_stage_image stage
  JOIN migration_place place ON place.key = stage.folder_key
  LEFT JOIN migration_target target USING (source_id)
  LEFT JOIN migration_text positive ON positive.key = stage.prompt_key
  LEFT JOIN migration_text negative ON negative.key = stage.negative_key
""".replace("{range}", TICKS_RANGE)

# What a scan has read and no import has brought, in another place than a row of the source says: the content may be the
# same where it is recorded, and the name and all parameters are the same where it is not. So many files of one size, as
# pictures that are not compressed are, would have to be read each for all.
_MOVED: LiteralString = r"""
WITH known AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY file_size) AS of_one_size FROM image
     WHERE scan_phase = 1 AND fingerprint IS NOT NULL AND NOT unavailable AND file_size > 0
       AND file_size IN (SELECT file_size FROM migration_stage_image)
       AND id NOT IN (SELECT image_id FROM migration_target) AND id NOT IN (SELECT image_id FROM dtk_migrated_images())
)
SELECT ready.source_id, source.path, ready.file_name, CASE WHEN is_hashed THEN lower(ready.hash) END, known.id,
       folder.path, known.file_name
  FROM (SELECT *, coalesce(hash ~ '^[0-9a-fA-F]{64}$', false) AS is_hashed FROM migration_ready) AS ready
  JOIN folder source ON source.id = ready.place_id
  JOIN known ON known.file_size = ready.file_size
  JOIN folder ON folder.id = known.folder_id
 WHERE ready.target_id IS NULL
   AND CASE WHEN is_hashed THEN of_one_size <= 64
            ELSE dtk_nfc(known.file_name) = dtk_nfc(ready.file_name) AND ({known}) = ({ready}) END
 ORDER BY known.file_name <> ready.file_name, ready.source_id, known.id
""".replace(
    "{known}",
    """{text_of_known.prompt_id}, {text_of_known.negative_prompt_id}, coalesce(known.steps, 0), coalesce(known.seed, 0),
       round(coalesce(known.cfg_scale, 0)::numeric, 3), coalesce(least(known.width, known.height), 0),
       coalesce(greatest(known.width, known.height), 0)""",
).replace(
    "{ready}",
    """{text_of_ready.prompt_id}, {text_of_ready.negative_id}, coalesce(ready.steps, 0), coalesce(ready.seed, 0),
       round(coalesce(ready.cfg_scale, 0)::numeric, 3), coalesce(least(ready.width, ready.height), 0),
       coalesce(greatest(ready.width, ready.height), 0)""",
)
_TEXT_OF: LiteralString = (
    r"coalesce((SELECT btrim(regexp_replace(text, '\s+', ' ', 'g')) FROM prompt WHERE id = {id}), '')"
)
_ADD_MOVED: LiteralString = """
INSERT INTO migration_target (source_id, image_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[])
"""


class MovedCandidate(NamedTuple):
    """A row of the source and an image that may be of the same file; ``hash`` is the SHA-256 that the source has."""

    source_id: int
    source_path: str
    hash: str | None
    image_id: int
    image_path: str


def moved_candidates(conn: Connection) -> list[MovedCandidate]:
    """Return which rows without a target may be which images; those that kept their names come first."""
    sql = _MOVED
    for name in ("known.prompt_id", "known.negative_prompt_id", "ready.prompt_id", "ready.negative_id"):
        sql = sql.replace("{text_of_" + name + "}", _TEXT_OF.replace("{id}", name))
    rows = conn.execute(sql)
    return [MovedCandidate(v[0], join_path(v[1], v[2]), v[3], v[4], join_path(v[5], v[6])) for v in rows]


def add_moved(conn: Connection, pairs: Mapping[int, int]) -> None:
    """Make images, given by ids of rows of the source, the targets of those rows."""
    if pairs:
        conn.execute(_ADD_MOVED, (list(pairs), list(pairs.values())))
        conn.execute("ANALYZE migration_target")


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
    """Insert the prompts that the library lacks."""
    conn.execute(_TEXT_HASHES)
    conn.execute("ANALYZE migration_hash")
    conn.execute(_PROMPTS)
    conn.execute(_TEXT_IDS)
    conn.execute("ANALYZE migration_text")


def map_prompt_ids(conn: Connection) -> None:
    """Map the keys of staged prompts to ids, which they are already with shadow tables."""
    conn.execute(_SHADOW_TEXT_IDS)
    conn.execute("ANALYZE migration_text")


def map_folder_ids(conn: Connection) -> None:
    """Map the keys of folders to ids, as ``map_prompt_ids``; they need not be in the library yet."""
    conn.execute(_SHADOW_FOLDER_IDS)
    conn.execute("ANALYZE migration_place")


def find_path_conflicts(conn: Connection, are_unique: bool) -> list[int]:
    """Return the images in the shadow tables that have one path with another of them, or with a staged one.

    Args:
        are_unique: whether it is known that no two of them have one path.
    """
    found = {number for (number,) in conn.execute(_STAGED_PATHS)}
    if not are_unique:
        found.update(number for (number,) in conn.execute(_DUPLICATE_PATHS))
    return sorted(found)


def find_targets(conn: Connection, base: int, are_new: bool) -> int:
    """Find rows that do not become new images, as the source has them twice or the library has them already.

    Args:
        are_new: whether no staged image can be in the library.

    Returns:
        How many the library has already.
    """
    conn.execute(_TARGETS)
    known = 0 if are_new else conn.execute(_TARGETS_IN_LIBRARY).rowcount
    conn.execute(_TARGETS_OF_DUPLICATES, {"base": base})
    conn.execute("ANALYZE migration_target")
    conn.execute(_READY)
    return known

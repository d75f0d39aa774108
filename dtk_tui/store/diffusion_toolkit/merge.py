"""Merging staged images into the library: those that it has already by path and policy, the others as new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString, NamedTuple

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.diffusion_toolkit import record_batches
from dtk_tui.store.diffusion_toolkit.image_rows import IMAGE_COLUMNS as STAGED_COLUMNS
from dtk_tui.store.diffusion_toolkit.record_batches import RECORDS
from dtk_tui.store.diffusion_toolkit.records import IMAGE_COLUMNS, record_values
from dtk_tui.store.library.images import join_path

#: Where images of the source are that do not become new ones.
_TARGETS: LiteralString = """
CREATE TEMP TABLE migration_target (source_id bigint PRIMARY KEY, image_id bigint NOT NULL) ON COMMIT DROP
"""
# Where each image of the source is in the end, also one with the path of another.
_WHERE: LiteralString = """
CREATE TEMP VIEW migration_where AS
SELECT image.id - migration.image_base AS source_id, coalesce(target.image_id, image.id) AS image_id
  FROM migration_beside.image JOIN migration ON migration.state = 'loading'
  LEFT JOIN migration_target target ON target.source_id = image.id - migration.image_base
 UNION ALL
SELECT twin.image_id - migration.image_base, coalesce(target.image_id, twin.kept_id)
  FROM migration_stage_twin twin JOIN migration ON migration.state = 'loading'
  LEFT JOIN migration_target target ON target.source_id = twin.kept_id - migration.image_base
"""

# In the order of their hashes: the same source gives the same ids, however it was interrupted.
_PROMPTS: LiteralString = """
INSERT INTO prompt (text)
SELECT text FROM migration_beside.prompt new
 WHERE NOT EXISTS (SELECT 1 FROM prompt WHERE prompt.sha256 = new.sha256)
 ORDER BY sha256
"""
_TEXT_IDS: LiteralString = """
CREATE TEMP TABLE migration_text ON COMMIT DROP AS
SELECT staged.id AS key, prompt.id FROM migration_beside.prompt staged JOIN prompt USING (sha256)
"""
_UNSAID: LiteralString = """
CREATE TEMP TABLE migration_unsaid ON COMMIT DROP AS
SELECT source_id, get_byte(unsaid, place::integer - 1) AS unsaid
  FROM migration_stage_digest JOIN migrated_batch ON first_id = low,
       unnest(source_ids) WITH ORDINALITY AS one (source_id, place)
 WHERE migration_id = %(id)s AND unsaid IS NOT NULL
"""
# What the rest of the statements see of a staged image: folders and prompts by their ids in the library.
_READY: LiteralString = """
CREATE TEMP VIEW migration_ready AS
SELECT image.*, image.id - migration.image_base AS source_id, place.folder_id AS place_id,
       positive.id AS positive_id, negative.id AS negative_id, target.image_id AS target_id,
       coalesce(said.unsaid, 0) AS unsaid
  FROM migration_beside.image JOIN migration ON migration.state = 'loading'
  JOIN migration_place place ON place.key = image.folder_id
  LEFT JOIN migration_text positive ON positive.key = image.prompt_id
  LEFT JOIN migration_text negative ON negative.key = image.negative_prompt_id
  LEFT JOIN migration_target target ON target.source_id = image.id - migration.image_base
  LEFT JOIN migration_unsaid said ON said.source_id = image.id - migration.image_base
"""
_INCOMPLETE: LiteralString = """
SELECT EXISTS (SELECT 1 FROM migration_ready WHERE (prompt_id IS NOT NULL AND positive_id IS NULL)
                                                OR (negative_prompt_id IS NOT NULL AND negative_id IS NULL))
    OR (SELECT count(*) FROM migration_ready) <> (SELECT count(*) FROM migration_beside.image)
"""
_KNOWN: LiteralString = """
INSERT INTO migration_target (source_id, image_id)
SELECT ready.source_id, image.id
  FROM migration_ready ready JOIN image ON image.folder_id = place_id AND image.file_name = ready.file_name
"""
_MAPPED: dict[LiteralString, LiteralString] = {
    "folder_id": "place_id", "prompt_id": "positive_id", "negative_prompt_id": "negative_id",
}  # fmt: skip
_IMAGES: LiteralString = """
INSERT INTO image ({columns}) OVERRIDING SYSTEM VALUE
SELECT {values} FROM migration_ready WHERE target_id IS NULL
""".replace("{columns}", ", ".join(STAGED_COLUMNS)).replace(
    "{values}", ", ".join([_MAPPED.get(name, name) for name in STAGED_COLUMNS])
)
_RAW: LiteralString = """
INSERT INTO image_raw (image_id, chunks)
SELECT coalesce(target_id, id), chunks FROM migration_beside.image_raw JOIN migration_ready ON id = image_id
    ON CONFLICT (image_id) DO NOTHING
"""
_DIFFERING: LiteralString = """
SELECT ready.source_id
  FROM migration_ready ready LEFT JOIN image ON image.id = ready.id
  LEFT JOIN image_raw raw ON raw.image_id = image.id
  LEFT JOIN migration_beside.image_raw staged_raw ON staged_raw.image_id = ready.id
 WHERE ready.target_id IS NULL
   AND (({found}) IS DISTINCT FROM ({wanted}) OR raw.chunks IS DISTINCT FROM staged_raw.chunks)
 ORDER BY 1
""".replace("{found}", ", ".join([f"image.{name}" for name in STAGED_COLUMNS])).replace(
    "{wanted}", ", ".join([f"ready.{_MAPPED.get(name, name)}" for name in STAGED_COLUMNS])
)

_FLAG: LiteralString = """CASE WHEN source_wins AND unsaid & {bit} = 0 THEN side.{name}
                ELSE image.{name} OR (known_flags & {bit} = 0 AND side.{name}) END"""
#: What a merge may write into an image that the library has, by column, and what that is then.
# keep: what the library says stays, what it lacks is filled in. take: what the source says goes before. newest: the
# side that was touched later goes before. What an earlier import brought, and a person took away, stays away.
MERGED: dict[LiteralString, LiteralString] = {
    "rating": """CASE WHEN source_wins THEN coalesce(side.rating, image.rating)
                WHEN knew_rating THEN image.rating
                ELSE coalesce(image.rating, side.rating) END""",
    "favorite": _FLAG.replace("{bit}", "4").replace("{name}", "favorite"),
    "nsfw": _FLAG.replace("{bit}", "2").replace("{name}", "nsfw"),
    "for_deletion": _FLAG.replace("{bit}", "1").replace("{name}", "for_deletion"),
    "custom_tags": """CASE WHEN source_wins THEN coalesce(side.custom_tags, image.custom_tags)
                WHEN knew_tags THEN image.custom_tags
                ELSE coalesce(image.custom_tags, side.custom_tags) END""",
    "aesthetic_score": "coalesce(image.aesthetic_score, side.aesthetic_score)",
    "hypernetwork": "coalesce(image.hypernetwork, side.hypernetwork)",
    "hypernetwork_strength": "coalesce(image.hypernetwork_strength, side.hypernetwork_strength)",
    "viewed_at": "greatest(image.viewed_at, side.viewed_at)",
    "touched_at": "greatest(image.touched_at, side.touched_at)",
    "has_workflow": "image.has_workflow OR (side.has_workflow AND NOT side.has_raw)",
}
_MERGE: LiteralString = (
    """
WITH both_sides AS (
    SELECT ready.*, image.id AS image_id,
           CASE %(policy)s WHEN 'take' THEN true WHEN 'newest'
                THEN coalesce(coalesce(ready.touched_at, ready.viewed_at)
                              > coalesce(image.touched_at, image.viewed_at, '-infinity'), false)
                ELSE false END AS source_wins,
           coalesce(earlier.flags, 0) AS known_flags,
           coalesce(ready.rating = ANY (earlier.ratings), false) AS knew_rating,
           coalesce(ready.custom_tags = ANY (earlier.tags), false) AS knew_tags, known.has_raw,
           jsonb_build_object({before}, 'has_raw', known.has_raw, 'has_nodes', known.has_nodes) AS before
      FROM migration_ready ready JOIN image ON image.id = ready.target_id
      CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM image_raw WHERE image_id = image.id) AS has_raw,
                                 EXISTS (SELECT 1 FROM node WHERE image_id = image.id) AS has_nodes) AS known
      LEFT JOIN (SELECT image_id, bit_or(marks) AS flags, array_agg(marks >> 3) AS ratings,
                        array_agg(custom_tags) AS tags
                   FROM dtk_migrated_images() WHERE image_id IN (SELECT image_id FROM migration_target)
                  GROUP BY image_id) AS earlier ON earlier.image_id = image.id
), wanted AS (
    SELECT side.*, {wanted}
      FROM both_sides side JOIN image ON image.id = side.image_id
), changed AS (
    -- A row that stays as it is is not written again: an import of the same source is nothing but looking.
    UPDATE image SET {set} FROM wanted
     WHERE image.id = wanted.image_id AND ({old}) IS DISTINCT FROM ({new})
)
INSERT INTO migrated_image (image_id, migration_id, is_new, before, {columns})
SELECT image_id, %(id)s, false, before, {values}
  FROM wanted JOIN ({records}) AS record USING (source_id)
""".replace("{records}", RECORDS)
    .replace("{before}", ", ".join([f"'{name}', image.{name}" for name in MERGED]))
    .replace("{wanted}", ", ".join([f"{value} AS new_{name}" for name, value in MERGED.items()]))
    .replace("{set}", ", ".join([f"{name} = new_{name}" for name in MERGED]))
    .replace("{old}", ", ".join([f"image.{name}" for name in MERGED]))
    .replace("{new}", ", ".join([f"new_{name}" for name in MERGED]))
    .replace("{columns}", ", ".join(IMAGE_COLUMNS))
    .replace(
        "{values}",
        record_values("dtk_marks(new_rating, new_favorite, new_nsfw, new_for_deletion)", "new_custom_tags"),
    )
)

# What a scan has read and no import has brought, in another place than a row of the source says: the content may be the
# same where it is recorded, and the name and all parameters are the same where it is not. So many files of one size, as
# pictures that are not compressed are, would have to be read each for all.
_MOVED: LiteralString = r"""
WITH known AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY file_size) AS of_one_size FROM image
     WHERE scan_phase = 1 AND fingerprint IS NOT NULL AND NOT unavailable AND file_size > 0
       AND file_size IN (SELECT file_size FROM migration_beside.image)
       AND id NOT IN (SELECT image_id FROM migration_target) AND id NOT IN (SELECT image_id FROM dtk_migrated_images())
)
SELECT ready.source_id, source.path, ready.file_name, CASE WHEN is_hashed THEN lower(ready.hash) END, known.id,
       folder.path, known.file_name
  FROM (SELECT ready.*, record.hash, coalesce(record.hash ~ '^[0-9a-fA-F]{64}$', false) AS is_hashed
          FROM migration_ready ready JOIN ({records}) AS record USING (source_id)) AS ready
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
    """{text_of_ready.positive_id}, {text_of_ready.negative_id}, coalesce(ready.steps, 0), coalesce(ready.seed, 0),
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


def moved_candidates(conn: Connection, values: dict[str, Any]) -> list[MovedCandidate]:
    """Return which rows without a target may be which images; those that kept their names come first."""
    sql = _MOVED
    for name in ("known.prompt_id", "known.negative_prompt_id", "ready.positive_id", "ready.negative_id"):
        sql = sql.replace("{text_of_" + name + "}", _TEXT_OF.replace("{id}", name))
    rows = conn.execute(sql.replace("{records}", RECORDS), values)
    return [MovedCandidate(v[0], join_path(v[1], v[2]), v[3], v[4], join_path(v[5], v[6])) for v in rows]


def add_moved(conn: Connection, pairs: Mapping[int, int]) -> None:
    """Make images, given by ids of rows of the source, the targets of those rows."""
    if pairs:
        conn.execute(_ADD_MOVED, (list(pairs), list(pairs.values())))
        conn.execute("ANALYZE migration_target")


def find_known(conn: Connection, values: dict[str, Any]) -> int:
    """Find the staged images that the library has; return how many. Folders must be written.

    Args:
        values: id, base and policy of the import.

    Raises:
        DtkError: a staged image lacks its folder or a prompt.
    """
    conn.execute(_PROMPTS)
    conn.execute(_TEXT_IDS)
    conn.execute(_UNSAID, values)
    conn.execute("ANALYZE migration_text, migration_unsaid")
    conn.execute(_READY)
    if row_of(conn, _INCOMPLETE)[0]:
        raise DtkError(
            "What was read of the source is incomplete.", "The library is unchanged. Start again without --resume."
        )
    known = conn.execute(_KNOWN).rowcount
    conn.execute("ANALYZE migration_target")
    return known


def begin(conn: Connection) -> None:
    """Begin the last transaction: no staged image is known to be one of the library yet."""
    conn.execute(_TARGETS)
    conn.execute(_WHERE)


def write_images(conn: Connection, values: dict[str, Any]) -> list[int]:
    """Write the staged images, with their records and raw workflows, or merge them into those that the library has.

    Returns:
        The source ids of new images that are not in the library as they are staged.
    """
    conn.execute(_IMAGES, values)
    conn.execute(_MERGE, values)
    conn.execute(_RAW)
    known = [number for (number,) in conn.execute("SELECT source_id FROM migration_target")]
    record_batches.exclude(conn, values["id"], known)
    conn.execute("ANALYZE folder, prompt, image, image_raw, migrated_image")
    return [number for (number,) in conn.execute(_DIFFERING)]


def choose_representatives(conn: Connection) -> None:
    """Choose the representative of every group that has more than one image."""
    groups: LiteralString = """
        SELECT array_agg(metadata_hash)
          FROM (SELECT metadata_hash FROM image WHERE metadata_hash IS NOT NULL
                 GROUP BY metadata_hash HAVING count(*) > 1 LIMIT 50001) AS several"""
    (hashes,) = row_of(conn, groups)
    if hashes:
        conn.execute("SELECT dtk_choose_representatives(%s)", (hashes if len(hashes) <= 50000 else None,))


def count_representatives(conn: Connection) -> int:
    """Return how many images are embedded for their groups, single ones included."""
    return int(row_of(conn, "SELECT count(*) FROM image WHERE is_embedding_representative")[0])

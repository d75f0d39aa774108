"""Readings of files, written into their rows batch by batch: the deep phase of a scan."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dtk_tui.store.database import Connection, row_of, skip_checks
from dtk_tui.store.library import captions
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.scan import raw_metadata, staging
from dtk_tui.store.scan.listings import KEEP_STEPS
from dtk_tui.store.scan.staging import ROW_OF_READING
from dtk_tui.store.text_codec import to_db

# What was read ahead of its turn, or by another scan, stands in its row, which may be in another place by now.
_DROP_WRITTEN = """
DELETE FROM scan_reading WHERE (SELECT scan_phase FROM image WHERE image.id = scan_reading.id) = 1
RETURNING id
"""
_DROP_RAW = "DELETE FROM scan_raw WHERE image_id = ANY (%s)"
# The parameters of a ComfyUI graph depend on the first name of its file: of a file that was renamed they stay, as long
# as its content does.
_IS_RENAMED = """
self.first_name IS NOT NULL AND self.fingerprint = reading.fingerprint AND self.dialect = reading.dialect
AND self.dialect IN ('comfyui', 'civitai', 'stabilitymatrix', 'tensorart')
"""
# In one look at the rows as they are: which contents are not those of before; which groups the images were in; which
# keep their parameters, because an import brought them and the file says nothing, or because the file was renamed;
# whether any content is in the library already.
_ROWS_BEFORE = f"""
SELECT array_agg(reading.id) FILTER (WHERE self.fingerprint <> reading.fingerprint),
       array_agg(DISTINCT self.metadata_hash) FILTER (WHERE self.metadata_hash IS NOT NULL),
       array_agg(reading.id) FILTER (
           WHERE (reading.dialect IS NULL AND self.fingerprint IS NULL AND self.prompt_id IS NOT NULL)
              OR ({_IS_RENAMED})),
       coalesce(bool_or(EXISTS (
           SELECT 1 FROM image WHERE fingerprint = reading.fingerprint AND id <> reading.id)), false)
       {ROW_OF_READING}
"""  # noqa: S608 (constants)
# What was computed from other bytes is not of this file. A worker that is saving it is waited for.
_DELETE_STALE = (
    "SELECT FROM image WHERE id = ANY (%s) ORDER BY id FOR NO KEY UPDATE",
    "SELECT dtk_promote_successors(%s)",
    "DELETE FROM image_vector WHERE image_id = ANY (%s)",
    "DELETE FROM shared_vector WHERE image_id = ANY (%s)",
    "UPDATE shared_vector SET source_id = NULL WHERE source_id = ANY (%s)",
    "DELETE FROM tag_prediction WHERE image_id = ANY (%s)",
    "DELETE FROM image_tag WHERE image_id = ANY (%s) AND confidence IS NOT NULL",
)
_FILE_FACTS = """
       file_size = reading.file_size, mtime_ns = reading.mtime_ns, width = reading.width, height = reading.height,
       is_video = reading.is_video, fingerprint = reading.fingerprint, error = reading.error, scan_phase = 1,
       first_name = CASE WHEN image.fingerprint = reading.fingerprint THEN image.first_name END
"""
_PARAMETERS = """
       prompt_id = positive.id, negative_prompt_id = negative.id, steps = reading.steps,
       cfg_scale = reading.cfg_scale, seed = reading.seed, has_workflow = reading.has_workflow,
       dialect = reading.dialect, sampler = reading.sampler, scheduler = reading.scheduler, model = reading.model,
       model_hash = reading.model_hash, extra = reading.extra
"""
# A member whose content is another, or of which nothing is known, stands for itself; of all others, what they were in
# tells who is left behind when the groups are chosen.
_GROUP = """
       is_embedding_representative = image.is_embedding_representative OR {leaves},
       embedding_source_id = CASE WHEN NOT {leaves} THEN image.embedding_source_id END
"""
_GROUP_OF_READ = _GROUP.replace(
    "{leaves}", "(positive.id IS NULL OR coalesce(image.fingerprint <> reading.fingerprint, false))"
)
_GROUP_OF_DERIVED = _GROUP.replace("{leaves}", "(positive.id IS NULL)")
_WITH_PROMPTS = """
  FROM scan_reading reading
  LEFT JOIN prompt positive ON positive.sha256 = reading.prompt
  LEFT JOIN prompt negative ON negative.sha256 = reading.negative_prompt
"""
_SAME_PARAMETERS = """
    (image.prompt_id, image.negative_prompt_id, image.steps, image.cfg_scale, image.seed, image.has_workflow,
     image.dialect, image.sampler, image.scheduler, image.model, image.model_hash, image.extra)
    IS NOT DISTINCT FROM
    (positive.id, negative.id, reading.steps, reading.cfg_scale, reading.seed, reading.has_workflow,
     reading.dialect, reading.sampler, reading.scheduler, reading.model, reading.model_hash, reading.extra)
"""
# A file that only moved is, in its new place, what it was: its row is written once.
_IS_AS_READ = f"""
    (image.scan_phase, image.file_size, image.mtime_ns, image.width, image.height, image.is_video, image.fingerprint,
     image.error)
    IS NOT DISTINCT FROM
    (1, reading.file_size, reading.mtime_ns, reading.width, reading.height, reading.is_video, reading.fingerprint,
     reading.error)
    AND {_SAME_PARAMETERS}
"""
# What was never read, of a content that is nowhere else, needs no look before: nothing of it can be lost. The CASE and
# OFFSET 0 hide from the planner how few rows the statistics know of: every row is looked up by its id.
_WRITE_NEW = f"""
WITH written AS (
    UPDATE image SET {_FILE_FACTS}, {_PARAMETERS} {_WITH_PROMPTS}
     WHERE image.id = reading.id AND image.id <> ALL (%s::bigint[])
       AND CASE WHEN image.fingerprint IS NULL THEN image.prompt_id IS NULL ELSE false END
       AND NOT EXISTS (SELECT 1 FROM image known WHERE known.fingerprint = reading.fingerprint OFFSET 0)
    RETURNING image.id, image.metadata_hash),
grown AS (
    SELECT metadata_hash FROM written WHERE metadata_hash IS NOT NULL GROUP BY metadata_hash
    HAVING count(*) > 1 OR EXISTS (SELECT 1 FROM image WHERE image.metadata_hash = written.metadata_hash))
SELECT (SELECT string_agg(int8send(id), ''::bytea) FROM written), ARRAY(SELECT metadata_hash FROM grown)
"""  # noqa: S608 (constants)
_WRITE = f"""
WITH written AS (
    UPDATE image SET {_FILE_FACTS}, {_PARAMETERS}, {_GROUP_OF_READ} {_WITH_PROMPTS}
     WHERE image.id = reading.id AND image.id <> ALL (%s::bigint[]) AND NOT ({_IS_AS_READ})
    RETURNING metadata_hash)
SELECT count(*), array_agg(DISTINCT metadata_hash) FILTER (WHERE metadata_hash IS NOT NULL) FROM written
"""  # noqa: S608 (constants)
_WRITE_KEPT = f"""
UPDATE image SET {KEEP_STEPS}, {_FILE_FACTS} FROM scan_reading reading
 WHERE image.id = reading.id AND image.id = ANY (%s)
"""  # noqa: S608 (constants)
_WRITE_DERIVED = f"""
WITH written AS (
    UPDATE image SET {_PARAMETERS}, {_GROUP_OF_DERIVED} {_WITH_PROMPTS}
     WHERE image.id = reading.id AND image.id <> ALL (%s::bigint[]) AND NOT {_SAME_PARAMETERS} RETURNING metadata_hash)
SELECT count(*), array_agg(DISTINCT metadata_hash) FILTER (WHERE metadata_hash IS NOT NULL) FROM written
"""  # noqa: S608 (constants)
_COUNT_DERIVED = f"""
SELECT count(*) {_WITH_PROMPTS} JOIN image ON image.id = reading.id
 WHERE image.id <> ALL (%s::bigint[]) AND NOT {_SAME_PARAMETERS}
"""
# Whoever is alone in a group stands for it already, but for one that was in another.
_CHOOSE_REPRESENTATIVES = """
SELECT dtk_choose_representatives(ARRAY(
    SELECT hash FROM unnest(%s::bytea[]) AS hash
     WHERE EXISTS (SELECT 1 FROM image WHERE metadata_hash = hash OFFSET 1)
        OR EXISTS (SELECT 1 FROM image WHERE metadata_hash = hash AND NOT is_embedding_representative)
     UNION SELECT unnest(%s::bytea[])))
"""
_UNREADABLE = f"""
UPDATE image SET {KEEP_STEPS}, error = why.error FROM unnest(%s::bigint[], %s::text[]) AS why (id, error)
 WHERE image.id = why.id AND scan_phase = 0
"""  # noqa: S608 (constants)


@dataclass(frozen=True, slots=True)
class StagedRows:
    """The rows of the staged readings before they are written.

    ``stale``: ids whose content is not that of before; ``hashes``: the groups that they are in; ``kept``: ids whose
    parameters stay, because an import brought them and the file says nothing, or because the file was renamed;
    ``has_same_content``: some content is in another row as well.
    """

    stale: list[int]
    hashes: list[bytes]
    kept: list[int]
    has_same_content: bool


def staged(conn: Connection) -> dict[int, bytes]:
    """Return the fingerprints of the staged readings by image id."""
    return {v[0]: bytes(v[1]) for v in conn.execute("SELECT id, fingerprint FROM scan_reading")}


def drop_written(conn: Connection) -> None:
    """Forget staged readings of files that are known to be read already."""
    done = [v[0] for v in conn.execute(_DROP_WRITTEN)]
    if done:
        conn.execute(_DROP_RAW, (done,))


def rows_before(conn: Connection) -> StagedRows:
    """Return the rows of the staged readings as they are."""
    stale, hashes, kept, has_same_content = row_of(conn, _ROWS_BEFORE)
    return StagedRows(stale or [], hashes or [], kept or [], has_same_content)


def write_new(conn: Connection, but: Collection[int] = ()) -> set[int]:
    """Write the staged readings of files that were never read, of contents that are nowhere else; return their ids.

    Args:
        but: ids of images that are left out.
    """
    staging.add_prompts(conn)
    skip_checks(conn, True)
    written, grown = row_of(conn, _WRITE_NEW, (list(but),))
    skip_checks(conn, False)
    if grown:
        staging.choose_representatives(conn, "SELECT dtk_choose_representatives(%s)", (grown,))
    return set(ids_from(written).tolist())


def write(conn: Connection, old: StagedRows) -> None:
    """Write the staged readings into their rows and choose the representatives of their groups."""
    for statement in _DELETE_STALE if old.stale else ():
        conn.execute(statement, (old.stale,))
    if old.stale:
        captions.withdraw_models(conn, old.stale)
    skip_checks(conn, True)
    hashes = row_of(conn, _WRITE, (old.kept,))[1]
    if old.kept:
        conn.execute(_WRITE_KEPT, (old.kept,))
    skip_checks(conn, False)
    raw_metadata.replace(conn, old.kept)
    staging.choose_representatives(conn, _CHOOSE_REPRESENTATIVES, (hashes, old.hashes))


def write_derived(conn: Connection) -> int:
    """Write the staged parameters where they differ from what is known; facts of the files stay. Return how many."""
    old = rows_before(conn)
    staging.add_prompts(conn)
    changed, hashes = row_of(conn, _WRITE_DERIVED, (old.kept,))
    if changed:
        staging.choose_representatives(conn, _CHOOSE_REPRESENTATIVES, (hashes, old.hashes))
    return int(changed)


def count_derived(conn: Connection) -> int:
    """Return how many images ``write_derived`` would change."""
    return int(row_of(conn, _COUNT_DERIVED, (rows_before(conn).kept,))[0])


def write_unreadable(conn: Connection, reasons: Sequence[tuple[int, str]]) -> None:
    """Note why files could not be read at all, given as (image id, reason); every scan tries them again."""
    if reasons:
        conn.execute(_UNREADABLE, ([row[0] for row in reasons], [to_db(row[1]) for row in reasons]))

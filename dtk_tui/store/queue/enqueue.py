"""Enqueueing: one set-based statement puts any number of images into the queue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import CaptionRequest, Enqueued, Target
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.embedding_spaces import CurrentModels
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.queue import runs
from dtk_tui.store.text_codec import to_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

_EVERYTHING: LiteralString = "SELECT id FROM image"
_FOLDER: LiteralString = "SELECT id FROM image WHERE folder_id = %(folder)s"
_SUBTREE: LiteralString = """
    SELECT id FROM image WHERE folder_id IN (
        WITH RECURSIVE tree AS (
            SELECT id FROM folder WHERE id = %(folder)s
            UNION ALL
            SELECT folder.id FROM folder JOIN tree ON folder.parent_id = tree.id
        )
        SELECT id FROM tree)"""
_IMAGES: LiteralString = "SELECT id FROM image WHERE id = ANY (%(images)s)"

# A scan that could not read a file, or not even tell its size, says why; what nothing decodes is known by its ending.
_UNDECODABLE: LiteralString = (
    "(error IS NOT NULL AND (width IS NULL OR scan_phase = 0) OR file_name ~* %(undecodable)s)"
)

# Only the representative of a group is embedded; tags and captions belong to the very file that was named.
_WANTED: LiteralString = """
WITH named AS (
    SELECT id, CASE WHEN %(kind)s = 2 THEN coalesce(embedding_source_id, id) ELSE id END AS target,
           {undecodable} AS undecodable
      FROM image WHERE id IN ({selected}) AND NOT unavailable
), selected AS (
    SELECT id, target FROM named WHERE NOT undecodable
), wanted AS (
    SELECT target FROM (SELECT target, bool_or(id = target) AS is_own FROM selected GROUP BY target) AS member
     WHERE is_own OR NOT EXISTS (SELECT 1 FROM image WHERE image.id = target AND {undecodable})
), missing AS (
    SELECT target FROM wanted WHERE {not_done}
)
"""
_NO_IMAGE_VECTOR: LiteralString = """
    NOT EXISTS (SELECT 1 FROM image_vector WHERE space_id = %({space})s AND image_id = target)"""
_SHARES: LiteralString = """EXISTS (
    SELECT 1 FROM shared_vector JOIN image source ON source.id = source_id WHERE image_id = target)"""
# Who has the vectors of another one is to be embedded where nobody shares any more.
_HAS_VECTORS_OF_ANOTHER: LiteralString = " OR EXISTS (SELECT 1 FROM shared_vector WHERE image_id = target)"
_NO_PROMPT_VECTOR: LiteralString = """
    EXISTS (SELECT 1 FROM image JOIN prompt ON prompt.id = image.prompt_id
             WHERE image.id = target AND prompt.text ~ '\\S'
               AND NOT EXISTS (SELECT 1 FROM prompt_vector
                                WHERE space_id = %({space})s AND prompt_vector.prompt_id = prompt.id))"""
_NOT_TAGGED: LiteralString = """
    (SELECT count(*) FROM tag_prediction WHERE image_id = target AND tagger_id = ANY (%(taggers)s))
    < %(tagger_count)s"""
_NOT_CAPTIONED: LiteralString = """
    %(caption_when)s <> 'keep'
    OR (SELECT count(DISTINCT type) FROM current_caption WHERE image_id = target AND type = ANY (%(caption_types)s))
       < cardinality(%(caption_types)s::text[])"""
_ALWAYS: LiteralString = "true"

_SHARED: LiteralString = f"""(SELECT count(*) FROM wanted WHERE {_SHARES}
           AND NOT EXISTS (SELECT 1 FROM missing WHERE missing.target = wanted.target))"""  # noqa: S608 (constants)
_MISSING: LiteralString = "SELECT string_agg(int8send(target), ''::bytea ORDER BY target) FROM missing"
# By a number that has nothing to do with when an image came, and stays.
_SOME_MISSING: LiteralString = """
SELECT string_agg(int8send(target), ''::bytea)
  FROM (SELECT target FROM missing ORDER BY hashint8extended(target, 0), target LIMIT %(most)s) AS sample
"""

#: So many new jobs change what the queue looks like.
_MANY = 10_000

_COUNT: LiteralString = """
SELECT (SELECT count(*) FROM selected), (SELECT count(*) FROM wanted), (SELECT count(*) FROM missing),
       (SELECT count(*) FROM named WHERE undecodable), {shared},
       (SELECT count(*) FROM missing WHERE NOT EXISTS (
            SELECT 1 FROM job WHERE job.kind = %(kind)s AND job.image_id = target
               AND (job.state = 'running' OR (job.state = 'pending' AND job.priority >= %(priority)s))
               AND (job.again OR NOT %(again)s)
               AND (%(caption_types)s::text[] <@ job.caption_types) IS NOT FALSE))
"""
_INSERT: LiteralString = """
, queued AS (
    INSERT INTO job (kind, image_id, priority, run_id, caption_types, caption_when, again)
    SELECT %(kind)s, target, %(priority)s, %(run)s::bigint, %(caption_types)s::text[], %(caption_when)s, %(again)s
      FROM missing ORDER BY target
        ON CONFLICT (kind, image_id) DO UPDATE
       SET priority = greatest(job.priority, excluded.priority), error = NULL,
           state = CASE job.state WHEN 'running' THEN 'running' ELSE 'pending' END,
           caption_types = CASE WHEN excluded.caption_types IS NULL OR excluded.caption_types <@ job.caption_types
                                THEN job.caption_types
                                ELSE coalesce(job.caption_types, '{}')
                                     || ARRAY (SELECT unnest(excluded.caption_types)
                                               EXCEPT SELECT unnest(job.caption_types)) END,
           caption_when = coalesce(excluded.caption_when, job.caption_when),
           run_id = coalesce(excluded.run_id, job.run_id),
           attempts = CASE job.state WHEN 'failed' THEN 0 ELSE job.attempts END,
           deaths = CASE job.state WHEN 'failed' THEN 0 ELSE job.deaths END,
           again = job.again OR excluded.again, missing = false, run_after = '-infinity'
     WHERE job.state = 'failed' OR (job.state = 'pending' AND job.priority < excluded.priority)
        OR NOT (excluded.caption_types <@ coalesce(job.caption_types, '{}'))
        OR (excluded.again AND NOT job.again)
    RETURNING 1
)
SELECT (SELECT count(*) FROM selected), (SELECT count(*) FROM wanted), (SELECT count(*) FROM missing),
       (SELECT count(*) FROM named WHERE undecodable), {shared},
       (SELECT count(*) FROM queued)
"""


_ADOPT: LiteralString = """
UPDATE job SET run_id = %(run)s FROM missing
 WHERE job.image_id = missing.target AND job.kind = %(kind)s AND job.state <> 'failed' AND job.run_id IS NULL
"""


def _selection(target: Target) -> LiteralString:
    if target.everything:
        return _EVERYTHING
    if target.folder_id is not None:
        return _SUBTREE if target.recursive else _FOLDER
    return _IMAGES


def _not_embedded(models: CurrentModels, shares: bool) -> tuple[LiteralString, dict[str, int | None]]:
    """Return the condition that a vector of a target or of its prompt is missing, with the spaces that it names.

    Those that share the vectors of another lack none where ``shares``, and all else.

    One part a space, each with its number as a parameter: so the planner knows the one partition to look in.
    """
    spaces = {f"image_space_{n}": space for n, space in enumerate(models.image_spaces)}
    spaces |= {f"text_space_{n}": space for n, space in enumerate(models.text_spaces)}
    parts = [
        (_NO_IMAGE_VECTOR if name.startswith("image") else _NO_PROMPT_VECTOR).replace("{space}", name)
        for name in spaces
    ]
    prompts = [part for part, name in zip(parts, spaces, strict=True) if name.startswith("text")]
    images = " OR".join(part for part, name in zip(parts, spaces, strict=True) if name.startswith("image"))
    own = f"({images}{_HAS_VECTORS_OF_ANOTHER})"
    if shares:
        own = f"NOT {_SHARES} AND {own}"
    return " OR".join([own, *prompts]), spaces


def _wanted(
    target: Target,
    kind: Kind,
    models: CurrentModels,
    undecodable: Sequence[str],
    *,
    again: bool = False,
    shares: bool = False,
    captions: CaptionRequest | None = None,
) -> tuple[LiteralString, dict[str, Any]]:
    """Return the head of the statements, which names what is wanted and what is missing, and its parameters."""
    spaces: dict[str, int | None] = {}
    not_done = _NOT_TAGGED if kind == Kind.TAG else _NOT_CAPTIONED
    if kind == Kind.EMBED:
        not_done, spaces = _not_embedded(models, shares)
    sql = _WANTED.replace("{selected}", _selection(target)).replace("{not_done}", _ALWAYS if again else not_done)
    return sql.replace("{undecodable}", _UNDECODABLE), {
        "kind": int(kind),
        "folder": target.folder_id,
        "undecodable": rf"({'|'.join(map(re.escape, undecodable))})$" if undecodable else "^$",
        "images": Bigints(target.image_ids),
        **spaces,
        "again": again and kind == Kind.EMBED,
        "taggers": list(models.taggers),
        "tagger_count": models.tagger_count,
        "caption_types": None if captions is None else [to_db(name) for name in captions.types],
        "caption_when": None if captions is None else captions.when_there,
    }


def missing_images(
    conn: Connection,
    target: Target,
    kind: Kind,
    models: CurrentModels,
    undecodable: Sequence[str],
    *,
    most: int | None = None,
    again: bool = False,
    captions: CaptionRequest | None = None,
) -> Ids:
    """Return the images for which a kind of work is to be done, whether it waits in the queue or not; int64 [n].

    Args:
        most: at most so many, chosen by chance, of the same images always the same; None is all.
        again: also those for which it is done.
    """
    sql, parameters = _wanted(target, kind, models, undecodable, again=again, captions=captions)
    statement = sql + (_MISSING if most is None else _SOME_MISSING)
    return ids_from(row_of(conn, statement, parameters | {"most": most})[0])


def enqueue_kind(
    conn: Connection,
    target: Target,
    kind: Kind,
    priority: int,
    models: CurrentModels,
    *,
    undecodable: Sequence[str] = (),
    dry_run: bool = False,
    again: bool = False,
    captions: CaptionRequest | None = None,
    run_id: int | None = None,
    shares: bool = False,
) -> Enqueued:
    """Queue one kind of work for all images of ``target``; done work is skipped, higher priorities win.

    Args:
        undecodable: endings of file names, with the dot, that no worker can decode.
        dry_run: only count.
        again: also what is done already with the current models.
        captions: which captions, for jobs of that kind; types that such a job is asked for already stay.
        run_id: the run that the jobs are of, and those that wait already and are of none.
        shares: whether images that share the vectors of another one are done (``shared_vectors``).
    """
    sql, parameters = _wanted(target, kind, models, undecodable, again=again, shares=shares, captions=captions)
    parameters |= {"priority": priority, "run": run_id}
    shared = _SHARED if shares and kind == Kind.EMBED and not again else "0"
    statement = sql + (_COUNT if dry_run else _INSERT).replace("{shared}", shared)
    selected, wanted, missing, left_out, sharing, queued = row_of(conn, statement, parameters)
    if not dry_run and queued >= _MANY:
        # What the planner knew of an empty queue would let the next claims sort all of a full one.
        conn.execute("ANALYZE job")
    done = Enqueued(queued, wanted - missing - sharing, selected - wanted + sharing, missing - queued, left_out)
    if run_id is not None:
        adopted = conn.execute(sql + _ADOPT, parameters).rowcount if done.waiting else 0
        runs.note(conn, run_id, kind, done, adopted)
    return done

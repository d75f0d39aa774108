"""Tags made anew from raw scores, some images at a time: what thresholds change, and changing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import LiteralString

from dtk_tui.domain.thresholds import Derivation, TagChange, TagThreshold
from dtk_tui.store.database import Connection, row_of, skip_checks
from dtk_tui.store.library.tagging import thresholds
from dtk_tui.store.text_codec import to_db

#: So many images are taken at a time.
SOME = 5000

_REACHED = "SELECT reached FROM tag_derivation WHERE tagger = %s FOR UPDATE"
_SOME_IMAGES = """
SELECT image_id FROM tag_prediction WHERE tagger_id = ANY (%s) AND image_id > %s ORDER BY image_id LIMIT %s
"""
# A worker that saves tags of them, or a scan that withdraws what other bytes gave, is waited for, and waits.
_LOCK = "SELECT FROM image WHERE id = ANY (%s) ORDER BY id FOR NO KEY UPDATE"
_ADVANCE = """
UPDATE tag_derivation SET reached = %s, done = done + %s, added = added + %s, removed = removed + %s,
       images = images + %s WHERE tagger = %s
"""
_FINISH = "DELETE FROM tag_derivation WHERE tagger = %s RETURNING added, removed, images"
# A tagger that gives the same highest score twice has said the first tag of its list: ids stand in that order.
_WANTED: LiteralString = """
WITH rule AS MATERIALIZED (
    SELECT tag.id, category, threshold, is_exclusive
      FROM unnest(%(categories)s::text[], %(thresholds)s::real[], %(exclusive)s::boolean[])
           AS rule (category, threshold, is_exclusive)
      JOIN tag USING (category)
), holding AS MATERIALIZED (
    SELECT prediction.image_id, score.tag_id::bigint AS tag_id, score.value, score.place, rule.category,
           rule.is_exclusive
      FROM tag_prediction AS prediction
     CROSS JOIN LATERAL unnest(prediction.ids, prediction.scores) WITH ORDINALITY AS score (tag_id, value, place)
      JOIN rule ON rule.id = score.tag_id
     WHERE prediction.image_id = ANY (%(images)s) AND prediction.tagger_id = ANY (%(taggers)s)
       AND (rule.is_exclusive OR score.value >= rule.threshold)
), wanted AS MATERIALIZED (
    SELECT image_id, tag_id, value FROM holding WHERE NOT is_exclusive
     UNION ALL
    SELECT image_id, tag_id, value FROM (
        SELECT DISTINCT ON (image_id, category) image_id, tag_id, value FROM holding WHERE is_exclusive
         ORDER BY image_id, category, value DESC, place) AS best
)
"""
# A person's tags have no confidence.
_OF_TAGGER: LiteralString = "image_tag.image_id = ANY (%(images)s) AND source = %(tagger)s AND confidence IS NOT NULL"
_IS_GONE: LiteralString = """
NOT EXISTS (SELECT FROM wanted WHERE wanted.image_id = image_tag.image_id AND wanted.tag_id = image_tag.tag_id)
"""
# What is there is looked up by the images of the batch, never by a walk over all tags.
_THERE: LiteralString = f"""
there AS MATERIALIZED (SELECT image_id, tag_id FROM image_tag WHERE {_OF_TAGGER})
"""  # noqa: S608 (constants)
_IS_NEW: LiteralString = """
NOT EXISTS (SELECT FROM there WHERE there.image_id = wanted.image_id AND there.tag_id = wanted.tag_id)
"""
# After many new tags the statistics are behind: a loop within a loop would take minutes.
_HASHES = "SET LOCAL enable_nestloop = off"
_CHANGE: LiteralString = f"""
{_WANTED}, {_THERE}, gone AS (
    DELETE FROM image_tag WHERE {_OF_TAGGER} AND {_IS_GONE} RETURNING image_id
), come AS (
    INSERT INTO image_tag (image_id, tag_id, source, confidence)
    SELECT image_id, tag_id, %(tagger)s, value FROM wanted WHERE {_IS_NEW}
        ON CONFLICT DO NOTHING RETURNING image_id
)
SELECT (SELECT count(*) FROM come), (SELECT count(*) FROM gone),
       (SELECT count(*) FROM (SELECT image_id FROM come UNION SELECT image_id FROM gone) AS changed)
"""  # noqa: S608 (constants)
_COUNT: LiteralString = f"""
{_WANTED}, {_THERE}, change AS (
    SELECT image_id, true AS is_new FROM wanted WHERE {_IS_NEW}
     UNION ALL
    SELECT image_id, false FROM image_tag WHERE {_OF_TAGGER} AND {_IS_GONE}
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), count(DISTINCT image_id) FROM change
"""  # noqa: S608 (constants)


def some_images(conn: Connection, tagger_ids: Sequence[int], after: int) -> list[int]:
    """Return the next images after an id that have raw scores of a tagger, by their ids; empty at the end."""
    return [number for (number,) in conn.execute(_SOME_IMAGES, (list(tagger_ids), after, SOME))]


def count_change(
    conn: Connection, tagger: str, tagger_ids: Sequence[int], images: Sequence[int], rules: Collection[TagThreshold]
) -> TagChange:
    """Return what other thresholds would change of some images."""
    conn.execute(_HASHES)
    return TagChange(*row_of(conn, _COUNT, _parameters(tagger, tagger_ids, images, rules)))


def derive_some(conn: Connection, tagger: str, tagger_ids: Sequence[int]) -> Derivation | None:
    """Make the tags of the next images anew by the thresholds in force; belongs into a transaction of its own.

    Several may do so at once, for they follow each other.

    Returns:
        How many images were done and what that changed; at the end no image, and what changed in all; None where
        somebody else came to the end.
    """
    row = conn.execute(_REACHED, (to_db(tagger),)).fetchone()
    if row is None:
        return None
    # What a crash forgets is forgotten with the note of how far this is.
    conn.execute("SET LOCAL synchronous_commit = off")
    images = some_images(conn, tagger_ids, row[0])
    if not images:
        return Derivation(0, TagChange(*row_of(conn, _FINISH, (to_db(tagger),))))
    conn.execute(_LOCK, (images,))
    rules = thresholds.in_force(conn, tagger)
    conn.execute(_HASHES)
    skip_checks(conn, True)
    change = TagChange(*row_of(conn, _CHANGE, _parameters(tagger, tagger_ids, images, rules.values())))
    skip_checks(conn, False)
    counts = (images[-1], len(images), change.added, change.removed, change.images)
    conn.execute(_ADVANCE, (*counts, to_db(tagger)))
    return Derivation(len(images), change)


def _parameters(
    tagger: str, tagger_ids: Sequence[int], images: Sequence[int], rules: Collection[TagThreshold]
) -> dict[str, object]:
    return {
        "tagger": to_db(tagger),
        "taggers": list(tagger_ids),
        "images": list(images),
        "categories": [to_db(rule.category) for rule in rules],
        "thresholds": [rule.threshold for rule in rules],
        "exclusive": [rule.is_exclusive for rule in rules],
    }

"""Thresholds of taggers: from which raw score a tag holds, and what is being made anew by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dtk_tui.domain.thresholds import Derivation, TagChange, TagThreshold
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db, to_db

_IN_FORCE = """
SELECT category, threshold, floor, is_exclusive FROM tag_threshold WHERE tagger = %s ORDER BY category
"""
_ADOPT = """
INSERT INTO tag_threshold (tagger, category, threshold, floor, is_exclusive)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tagger, category) DO NOTHING
"""
_TAGGERS = "SELECT name, array_agg(id ORDER BY id) FROM tagger GROUP BY name ORDER BY name"
_HAS_SCORES = "SELECT EXISTS (SELECT 1 FROM tag_prediction WHERE tagger_id = ANY (%s))"
_COUNT = "SELECT count(*) FROM tag_prediction WHERE tagger_id = ANY (%s)"
_UNFINISHED = "SELECT done, added, removed, images FROM tag_derivation WHERE tagger = %s"
# Whoever makes tags anew locks this row first, thresholds after it.
_BEGIN = """
INSERT INTO tag_derivation (tagger) VALUES (%s) ON CONFLICT (tagger) DO UPDATE SET tagger = excluded.tagger
"""
_SET = """
UPDATE tag_threshold SET threshold = new.threshold
  FROM unnest(%s::text[], %s::real[]) AS new (category, threshold)
 WHERE tagger = %s AND tag_threshold.category = new.category AND tag_threshold.threshold <> new.threshold
"""
_FROM_THE_START = """
UPDATE tag_derivation SET begun_at = now(), reached = 0, done = 0, added = 0, removed = 0, images = 0 WHERE tagger = %s
"""


def in_force(conn: Connection, tagger: str, *, lock: bool = False) -> dict[str, TagThreshold]:
    """Return the thresholds of a tagger by category.

    Args:
        lock: let nobody set others until the transaction ends: what it writes goes by these.
    """
    rows = conn.execute(_IN_FORCE + (" FOR SHARE" if lock else ""), (to_db(tagger),))
    return {from_db(name): TagThreshold(from_db(name), *values) for name, *values in rows}


def adopt(conn: Connection, tagger: str, thresholds: Sequence[TagThreshold]) -> None:
    """Take thresholds for categories that have none in this library yet."""
    with conn.cursor() as cursor:
        cursor.executemany(
            _ADOPT,
            [(to_db(tagger), to_db(one.category), one.threshold, one.floor, one.is_exclusive) for one in thresholds],
        )


def taggers(conn: Connection) -> dict[str, list[int]]:
    """Return the ids of all versions of each tagger by its name."""
    return {from_db(name): ids for name, ids in conn.execute(_TAGGERS)}


def has_scores(conn: Connection, tagger_ids: Sequence[int]) -> bool:
    """Say whether any image has raw scores of a tagger, given by the ids of its versions."""
    return bool(row_of(conn, _HAS_SCORES, (list(tagger_ids),))[0])


def count_scored(conn: Connection, tagger_ids: Sequence[int]) -> int:
    """Return how many images have raw scores of a tagger, given by the ids of its versions."""
    return int(row_of(conn, _COUNT, (list(tagger_ids),))[0])


def unfinished(conn: Connection, tagger: str) -> Derivation | None:
    """Return how far the tags of a tagger are made anew; None when nobody began, or when that is done."""
    row = conn.execute(_UNFINISHED, (to_db(tagger),)).fetchone()
    return None if row is None else Derivation(row[0], TagChange(*row[1:]))


def begin(conn: Connection, tagger: str, thresholds: Mapping[str, float]) -> None:
    """Set thresholds by category, and note that the tags go by them from the first image on.

    What is saved after this transaction goes by them; what was interrupted goes on where no threshold is another.
    """
    conn.execute(_BEGIN, (to_db(tagger),))
    categories = [to_db(category) for category in thresholds]
    if conn.execute(_SET, (categories, list(thresholds.values()), to_db(tagger))).rowcount:
        conn.execute(_FROM_THE_START, (to_db(tagger),))

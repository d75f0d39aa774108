"""The NSFW rule: images flagged by what taggers said of them, never over what a person decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from dtk_tui.domain.thresholds import FlagChange
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import to_db

#: Tags by their ids, each with the raw score from which it flags an image.
Rule = Sequence[tuple[int, float]]

#: So many images are looked at at a time.
SOME = 20_000

_TAG_IDS = """
SELECT rule.place, tag.id
  FROM unnest(%s::text[]) WITH ORDINALITY AS rule (name, place)
  JOIN tag ON replace(lower(dtk_nfc(tag.name)), '_', ' ') = replace(lower(dtk_nfc(rule.name)), '_', ' ')
 WHERE tag.id <= 2147483647 ORDER BY 1, 2
"""
_SOME_IMAGES = "SELECT id FROM image WHERE id > %s ORDER BY id LIMIT %s"
_CHANGING: LiteralString = """
SELECT id, nsfw FROM image
 WHERE id = ANY (%(images)s) AND NOT nsfw_by_hand AND (nsfw_by_rule OR NOT nsfw)
   AND nsfw <> EXISTS (
       SELECT FROM tag_prediction AS prediction
        WHERE prediction.image_id = image.id AND prediction.ids && %(tags)s::integer[]
          AND EXISTS (SELECT FROM unnest(prediction.ids, prediction.scores) AS score (tag_id, value)
                        JOIN unnest(%(tags)s::integer[], %(scores)s::real[]) AS rule (tag_id, minimum) USING (tag_id)
                       WHERE value >= minimum))
"""
_FLAG = "UPDATE image SET steps = steps, nsfw = true, nsfw_by_rule = true WHERE id = ANY (%s)"
_UNFLAG = "UPDATE image SET steps = steps, nsfw = false, nsfw_by_rule = false WHERE id = ANY (%s)"


def rule_of(conn: Connection, named: Sequence[tuple[str, float]]) -> Rule:
    """Return the rule of tags given by name, as searches find them; a tag that no tagger knows is left out."""
    found = conn.execute(_TAG_IDS, ([to_db(name) for name, _ in named],))
    return [(tag_id, named[place - 1][1]) for place, tag_id in found]


def count_images(conn: Connection) -> int:
    """Return how many images there are."""
    return int(row_of(conn, "SELECT count(*) FROM image")[0])


def some_images(conn: Connection, after: int) -> list[int]:
    """Return the next images after an id, by their ids; empty at the end."""
    return [number for (number,) in conn.execute(_SOME_IMAGES, (after, SOME))]


def apply(conn: Connection, images: Sequence[int], rule: Rule, *, dry_run: bool = False) -> FlagChange:
    """Flag images by the rule, and take the flag from those that it flagged before and does not now.

    Args:
        dry_run: only count them.
    """
    parameters = {
        "images": list(images),
        "tags": [tag_id for tag_id, _ in rule],
        "scores": [score for _, score in rule],
    }
    # In the order of their ids, as everybody locks images.
    ends = "" if dry_run else " ORDER BY id FOR NO KEY UPDATE"
    changing = conn.execute(_CHANGING + ends, parameters).fetchall()
    wrongly = [number for number, is_flagged in changing if is_flagged]
    rightly = [number for number, is_flagged in changing if not is_flagged]
    if rightly and not dry_run:
        conn.execute(_FLAG, (rightly,))
    if wrongly and not dry_run:
        conn.execute(_UNFLAG, (wrongly,))
    return FlagChange(len(rightly), len(wrongly))

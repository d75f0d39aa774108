"""The newest images whose captions have some words, and that meet other conditions.

The index of words knows nothing of order. Words that many captions have are looked for in the captions of the newest
images, some of these at a time; of words that few have, all captions are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.domain.query.nodes import And, CaptionText, Node
from dtk_tui.store.database import Connection
from dtk_tui.store.search import conditions
from dtk_tui.store.search.newest import count_images, estimate, everything_newest, packed

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

#: So many times as many images are looked at as hold enough on average, and at least so many.
_SPARE, _LEAST = 1.25, 1000
#: What one of them costs with its captions, in the planner's units.
_COST = 0.3
# An array that the planner does not see: it is compared with the primary key, in one walk over the index, and not with
# each of its numbers in turn to guess how many rows there are. The few that are left are looked up one by one.
_AMONG_NEWEST = """
WITH near AS MATERIALIZED (
    SELECT DISTINCT image_id FROM current_caption
     WHERE image_id = ANY (ARRAY(SELECT id FROM image ORDER BY created_at DESC, id DESC
                                  LIMIT %(count)s OFFSET %(start)s))
       AND ({captions}))
SELECT string_agg(int8send(image.id), ''::bytea ORDER BY image.created_at DESC, image.id DESC)
  FROM {source} WHERE image.id IN (SELECT image_id FROM near) AND ({condition})
"""


def required(filtered: Node | None) -> tuple[CaptionText, Node | None] | None:
    """Return words that the captions of all images of a filter have, and what else these meet; None without any."""
    parts = filtered.parts if isinstance(filtered, And) else (filtered,)
    words = next((part for part in parts if isinstance(part, CaptionText)), None)
    if words is None:
        return None
    others = [part for part in parts if part is not None and part is not words]
    return words, And(tuple(others)) if len(others) > 1 else others[0] if others else None


def newest_captioned(
    conn: Connection, where: conditions.Where, words: CaptionText, others: Node | None, names: conditions.NameIds,
    limit: int | None,
) -> Ids:  # fmt: skip
    """Return the newest images that meet a condition. However wrong an estimate is, that takes twice as long as to find
    all of them at most.

    Args:
        where: the whole condition, which is that their captions have ``words``, and that they meet ``others``.
    """
    query = names.captions.get(words)
    if query is None:
        return np.zeros(0, np.int64)
    if limit is None:
        return everything_newest(conn, where, None)
    expected, cost = estimate(conn, where)
    total = count_images(conn)
    count = max(int(_SPARE * limit * total / max(expected, 1)), _LEAST)
    rest = conditions.where(others, names)
    template = _AMONG_NEWEST.replace("{captions}", conditions.on_captions(query, rest.bind))
    found, start = np.zeros(0, np.int64), 0
    while start + count < total and (start + count) * _COST < cost:
        found = np.concatenate([found, packed(conn, template, rest, count=count, start=start)])
        if len(found) >= limit:
            return found[:limit]
        start += count
    return everything_newest(conn, where, limit)

"""The newest images that meet a condition."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.search.conditions import Where

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

_NEWEST = """
SELECT string_agg(int8send(id), ''::bytea ORDER BY created_at DESC, id DESC)
  FROM (SELECT image.id, image.created_at FROM {source} WHERE {condition}
         ORDER BY image.created_at DESC, image.id DESC LIMIT %(limit)s) AS found
"""
# Planned apart (OFFSET 0), as a LIMIT that the planner sees makes it walk over all images where it expects too much.
_ALL = """
SELECT string_agg(int8send(id), ''::bytea ORDER BY created_at DESC, id DESC)
  FROM (SELECT * FROM (SELECT image.id, image.created_at FROM {source} WHERE {condition} OFFSET 0) AS matched
         ORDER BY created_at DESC, id DESC LIMIT %(limit)s) AS found
"""
_WINDOW = "(SELECT * FROM image ORDER BY created_at DESC, id DESC LIMIT %(window)s) AS image"
# What an index tells alone is not what is asked for in the end.
_ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT image.created_at FROM {source} WHERE {condition}"
_ROWS = "SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = %s::regclass"
#: A window is so many times as large as it must be on average, and at least so large, and the next one so many times.
_SPARE, _LEAST_WINDOW, _GROWTH = 1.5, 1000, 4
#: What an image in a window costs on average, in the planner's units: mostly half of a window is enough.
WINDOW_COST = 0.5
# An array that the planner does not see: it is compared with the primary key in one walk over the index.
_IN, _OF_ARRAY = "image.id IN (", "image.id = ANY (ARRAY("
_IN_ORDER = "(SELECT * FROM image WHERE {keys} ORDER BY created_at DESC, id DESC OFFSET 0) AS image"
#: So many ids are gathered in an array; what the image of one costs beside those of a window, in the planner's units.
_MOST_KEYS, _KEY_COST = 50_000, 0.2
# IS TRUE: what meets it is gathered first, and not asked for image by image.
_IS_GATHERED = "({member}) IS TRUE AND image.created_at >= %(since)s"
# A window whose end is a date needs no step of its own to count its images. No date: there are no statistics yet, or
# so many images of one moment that these say too little.
_SINCE = """
SELECT (SELECT dates[array_length(dates, 1) - ceil((array_length(dates, 1) - 1) * %(window)s / greatest(reltuples, 1))]
          FROM (SELECT histogram_bounds::text::timestamptz[] AS dates FROM pg_stats
                 WHERE schemaname = relnamespace::regnamespace::text AND tablename = relname
                   AND attname = 'created_at' AND most_common_vals IS NULL) AS known)
  FROM pg_class WHERE oid = 'image'::regclass
"""
#: So many are gathered at most; what one of the newest images costs on a walk through their index alone.
_MOST_GATHERED, _WALK_COST = 10_000, 0.004
#: What such a walk does not know.
_NOT_WALKED = re.compile(r"\bimage\.(?!(?:id|created_at)\b)|%\(since\)s")


def packed(conn: Connection, template: str, where: Where, **values: Any) -> Ids:
    """Run a statement that gives its numbers in one value; planned anew, as the best plan depends on the values."""
    sql = template.format(source=where.source, condition=where.condition)
    row = conn.execute(sql, where.values | values, prepare=False, binary=True).fetchone()
    return ids_from(row[0] if row else None)


def estimate(conn: Connection, where: Where) -> tuple[float, float]:
    """Ask the planner, which counts nothing, how many images meet a condition, and what it costs to find them."""
    (plans,) = row_of(conn, _ESTIMATE.format(source=where.source, condition=where.condition), where.values)
    return plans[0]["Plan"]["Plan Rows"], plans[0]["Plan"]["Total Cost"]


def count_images(conn: Connection) -> float:
    """Return about how many images there are, at least 1."""
    return float(row_of(conn, _ROWS, ("image",))[0])


def count_prompts(conn: Connection) -> float:
    """Return about how many prompts there are, at least 1."""
    return float(row_of(conn, _ROWS, ("prompt",))[0])


def newest(conn: Connection, where: Where, limit: int | None) -> Ids:
    """Return the newest images that meet a condition, in a way that the planner chooses."""
    return packed(conn, _NEWEST, where, limit=limit)


def newest_of(
    conn: Connection,
    where: Where,
    limit: int | None,
    expected: float,
    cost: float,
    apart: Callable[[], Ids] | None = None,
) -> Ids:
    """Return the newest images that meet a condition: from a window of the newest images, or from all that meet it.

    Where a window has too few, a larger one is tried for conditions on columns alone, as long as that costs less than
    to find all: however wrong the estimate is, that takes about two and a half times as long as to find all at most.

    Args:
        expected: about how many images meet the condition.
        cost: of finding them all, in the planner's units.
        apart: another way to the same result, which is taken where the first window has too few.
    """
    if limit is None:
        return everything_newest(conn, where, limit)
    least = _least_member(conn, where, expected)
    total = count_images(conn)
    if least is not None and (walked := _walked(conn, where, *least, window_of(limit, expected, total))) is not None:
        found = packed(conn, _NEWEST, walked, limit=limit)
        return found if len(found) >= limit else _all_newest(conn, where, least, limit)
    cost = cost if least is None else min(cost, least[1] * _KEY_COST)
    window = window_of(limit, expected, total)
    near = replace(where, source=where.source.replace("image", _WINDOW, 1))
    while window < total and window * WINDOW_COST < cost:
        found = packed(conn, _NEWEST, near, limit=limit, window=window)
        if len(found) >= limit:
            return found
        if apart is not None:
            return apart()
        window = int(total) if where.asks_other_tables else window * _GROWTH
    return _all_newest(conn, where, least, limit)


def _walked(conn: Connection, where: Where, member: str, count: float, window: float) -> Where | None:
    """Return a condition for a walk through about ``window`` of the newest images; None where that costs too much.

    Args:
        member: the part of the condition that about ``count`` images meet.
    """
    costs_less = count <= _MOST_GATHERED and window * _WALK_COST < count * _KEY_COST
    if not costs_less or where.source != "image" or _NOT_WALKED.search(where.condition):
        return None
    (since,) = row_of(conn, _SINCE, {"window": window})
    if since is None:
        return None
    near = _with(where, member, _IS_GATHERED.format(member=member))
    return replace(near, values=near.values | {"since": since})


def window_of(limit: int, expected: float, total: float) -> int:
    """Return how many of all images a window has that holds enough of those expected."""
    return max(int(_SPARE * limit * total / max(expected, 1)), _LEAST_WINDOW)


def everything_newest(conn: Connection, where: Where, limit: int | None) -> Ids:
    """Return the newest images that meet a condition, from all that do."""
    return _all_newest(conn, where, _least_member(conn, where), limit)


def _all_newest(conn: Connection, where: Where, least: tuple[str, float] | None, limit: int | None) -> Ids:
    if least is None:
        return packed(conn, _ALL, where, limit=limit)
    keys = _in_array(least[0])
    if limit is None or where.condition == least[0]:
        return packed(conn, _ALL, _with(where, least[0], keys), limit=limit)
    # From the newest on, each is asked about what else is to be met, until there are enough.
    in_order = where.source.replace("image", _IN_ORDER.format(keys=keys), 1)
    return packed(conn, _NEWEST, _with(replace(where, source=in_order), least[0], "true"), limit=limit)


def by_keys(conn: Connection, where: Where, expected: float | None = None) -> tuple[Where, float | None]:
    """Return the same condition for a statement that finds all images that meet it, and about how many it looks at.

    Of what a tag, an album or words of captions have few of, the images are found by their ids, and not among all
    others. None: by whatever the planner chooses.

    Args:
        expected: about how many images meet the condition, if that is known.
    """
    least = _least_member(conn, where, expected)
    return (where, None) if least is None else (_with(where, least[0], _in_array(least[0])), least[1])


def _least_member(conn: Connection, where: Where, expected: float | None = None) -> tuple[str, float] | None:
    """Return the member of a condition that the fewest images have, and about how many; None where all have many."""
    if expected is not None and [where.condition] == list(where.members):
        sizes = {where.condition: expected}
    else:
        sizes = {member: estimate(conn, Where(member, where.values))[0] for member in where.members}
    if not sizes or min(sizes.values()) > _MOST_KEYS:
        return None
    least = min(sizes, key=sizes.__getitem__)
    return least, sizes[least]


def _in_array(member: str) -> str:
    return f"{member.replace(_IN, _OF_ARRAY, 1)})"


def _with(where: Where, member: str, instead: str) -> Where:
    return replace(where, condition=where.condition.replace(member, instead, 1), members=())

"""The newest images that meet a condition."""

from __future__ import annotations

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
# Materialised, as a LIMIT that the planner sees makes it walk over all images where it expects too much.
_ALL = """
WITH matched AS MATERIALIZED (SELECT image.id, image.created_at FROM {source} WHERE {condition})
SELECT string_agg(int8send(id), ''::bytea ORDER BY created_at DESC, id DESC)
  FROM (SELECT * FROM matched ORDER BY created_at DESC, id DESC LIMIT %(limit)s) AS found
"""
_WINDOW = "(SELECT * FROM image ORDER BY created_at DESC, id DESC LIMIT %(window)s) AS image"
_ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM {source} WHERE {condition}"
_IMAGES = "SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'image'::regclass"
#: A window is so many times as large as it must be on average, and at least so large.
_SPARE, _LEAST_WINDOW = 2, 1000
#: What an image in a window costs on average, in the planner's units: mostly half of a window is enough.
_WINDOW_COST = 0.5


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
    return float(row_of(conn, _IMAGES)[0])


def newest(conn: Connection, where: Where, limit: int | None) -> Ids:
    """Return the newest images that meet a condition, in a way that the planner chooses."""
    return packed(conn, _NEWEST, where, limit=limit)


def newest_of(conn: Connection, where: Where, limit: int | None, expected: float, cost: float) -> Ids:
    """Return the newest images that meet a condition: from a window of the newest images, or from all that meet it.

    However wrong the estimate is, that takes about twice as long as to find all at most.

    Args:
        expected: about how many images meet the condition.
        cost: of finding them all, in the planner's units.
    """
    if limit is not None:
        total = count_images(conn)
        window = max(int(_SPARE * limit * total / max(expected, 1)), _LEAST_WINDOW)
        if window < total and window * _WINDOW_COST < cost:
            source = where.source.replace("image", _WINDOW, 1)
            near = Where(where.condition, where.values, source)
            found = packed(conn, _NEWEST, near, limit=limit, window=window)
            if len(found) >= limit:
                return found
    return everything_newest(conn, where, limit)


def everything_newest(conn: Connection, where: Where, limit: int | None) -> Ids:
    """Return the newest images that meet a condition, from all that do."""
    return packed(conn, _ALL, where, limit=limit)

"""The images that meet a condition, sorted by their columns.

Images without a value come last, whichever way they are sorted; among equals the newest comes first, and of one moment
the one that came last into the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.domain.query.nodes import Sort
from dtk_tui.store.arrays import Bigints, Doubles
from dtk_tui.store.database import Connection
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.search.conditions import Where
from dtk_tui.store.search.newest import by_keys, count_images, estimate, packed

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

#: What a query sorts by -> the expression, and the column whose absence it shares; None: every image has it.
_KEYS: dict[str, tuple[str, str | None]] = {
    "date": ("image.created_at", None),
    "name": ('lower(left(image.file_name, 255)) COLLATE "C"', None),
    "size": ("image.file_size", None),
    "rating": ("image.rating", "image.rating"),
    "aesthetic_score": ("image.aesthetic_score", "image.aesthetic_score"),
    "seed": ("image.seed", "image.seed"),
    "model": ("lower(left(image.model, 255))", "image.model"),
    "steps": ("image.steps", "image.steps"),
}
_NEWEST = "image.created_at DESC, image.id DESC"
_ALL = "SELECT string_agg(int8send(image.id), ''::bytea ORDER BY {order}) FROM {source} WHERE {condition}"
_FIRST = """
SELECT string_agg(int8send(id), ''::bytea ORDER BY place)
  FROM (SELECT image.id, row_number() OVER (ORDER BY {order}) AS place FROM {source} WHERE {condition}
         ORDER BY {order} LIMIT %(limit)s) AS found
"""
# Planned apart (OFFSET 0), as a LIMIT that the planner sees makes it walk over all images where it expects too much.
_AMONG_ALL = """
SELECT string_agg(int8send(id), ''::bytea ORDER BY key {way} NULLS LAST, created_at DESC, id DESC)
  FROM (SELECT * FROM (SELECT image.id, image.created_at, {key} AS key FROM {source} WHERE {condition} OFFSET 0)
                AS matched
         ORDER BY key {way} NULLS LAST, created_at DESC, id DESC LIMIT %(limit)s) AS found
"""
_EDGE = "SELECT {key} FROM image WHERE {present} ORDER BY {key} {way} LIMIT 1 OFFSET %(skipped)s"
_BEFORE = "SELECT count(*) FROM image WHERE {present} AND {key} {before} %(edge)s"
_WINDOW = """(
    SELECT * FROM (SELECT * FROM image WHERE {present} AND {key} {before} %(edge)s
                    ORDER BY {key} {way} LIMIT %(before)s) AS before
    UNION ALL
    SELECT * FROM (SELECT * FROM image WHERE {key} = %(edge)s
                    ORDER BY image.created_at DESC, image.id DESC LIMIT %(rest)s) AS at_edge
) AS image"""
#: A window is so many times as large as it must be on average, and at least so large.
_SPARE, _LEAST_WINDOW = 2, 1000
#: What an image in a window costs, in the planner's units.
_WINDOW_COST = 0.5
_RANKED = """
SELECT string_agg(int8send(found.place), ''::bytea ORDER BY {order})
  FROM unnest(%(ids)s::bigint[], %(scores)s::float8[]) WITH ORDINALITY AS found (id, score, place)
  JOIN image ON image.id = found.id
"""


def first_sorted(conn: Connection, where: Where, sort: Sequence[Sort], limit: int | None) -> Ids:
    """Return the first ``limit`` images (None: all) that meet a condition; nothing ranks them, so no score sorts.

    By one column the first are looked for among the images with the first values, which an index tells, then among
    those that have a value, and then among those that have none.
    """
    keys = _needed([one for one in sort if one.column in _KEYS])
    if limit is None:
        return packed(conn, _with(_ALL, _order(keys)), where)
    if len(keys) != 1 or keys[0].column == "date":
        return packed(conn, _with(_FIRST, _order(keys)), where, limit=limit)
    found = _by_index(conn, where, keys[0], limit)
    return found if found is not None else _by_values(conn, where, keys[0], limit)


def _needed(keys: Sequence[Sort]) -> Sequence[Sort]:
    """Leave out at the end what says how equals are sorted anyway."""
    if len(keys) > 1 and keys[-1].column == "date" and keys[-1].descending:
        return _needed(keys[:-1])
    return keys


def _by_index(conn: Connection, where: Where, key: Sort, limit: int) -> Ids | None:
    """Return the first images by one column, from a window of the first images of all, or from all that meet it.

    However wrong the estimate is, that takes about twice as long as to find all at most. None: so few images have a
    value that the window would hold them all.
    """
    size = limit
    if where.condition != "true":
        expected, cost = estimate(conn, where)
        size = max(int(_SPARE * limit * count_images(conn) / max(expected, 1)), _LEAST_WINDOW)
        if size * _WINDOW_COST >= cost:
            return _among_all(conn, where, key, limit)
    window = _window(conn, key, size)
    if window is None:
        return None
    near = Where(where.condition, where.values | window.values, where.source.replace("image", window.source, 1))
    found = packed(conn, _with(_FIRST, _order([key])), near, limit=limit)
    return found if len(found) >= limit else _among_all(conn, where, key, limit)


def _among_all(conn: Connection, where: Where, key: Sort, limit: int) -> Ids:
    """Return the first images by one column from all that meet a condition."""
    template = _AMONG_ALL.replace("{key}", _KEYS[key.column][0]).replace("{way}", _way(key))
    return packed(conn, template, by_keys(conn, where)[0], limit=limit)


def _window(conn: Connection, key: Sort, size: int) -> Where | None:
    """Return a source of the first ``size`` images by a column, or None where fewer have a value.

    All images with the values before the last one, and the newest with that one: however many are equal in it, no more
    are read than are wanted.
    """
    expression, column = _KEYS[key.column]
    parts = {
        "key": expression,
        "present": f"{column} IS NOT NULL" if column else "true",
        "way": _way(key),
        "before": ">" if key.descending else "<",
    }
    row = conn.execute(_EDGE.format(**parts), {"skipped": size - 1}, prepare=False).fetchone()
    if row is None:
        return None
    values = {"edge": row[0]}
    # Planned anew: how far it goes depends on the value.
    counted = conn.execute(_BEFORE.format(**parts), values, prepare=False).fetchone()
    before = min(counted[0], size) if counted else 0
    return Where("true", {**values, "before": before, "rest": size - before}, _WINDOW.format(**parts))


def _by_values(conn: Connection, where: Where, key: Sort, limit: int) -> Ids:
    """Return the first images by a column that few have: those with a value, then the newest of those without."""
    expression, column = _KEYS[key.column]
    if column is None:
        return packed(conn, _with(_FIRST, _order([key])), where, limit=limit)
    valued = Where(f"({where.condition}) AND {column} IS NOT NULL", where.values, where.source)
    found = packed(conn, _with(_FIRST, f"{expression} {_way(key)}, {_NEWEST}"), valued, limit=limit)
    if len(found) == limit:
        return found
    others = Where(f"({where.condition}) AND {column} IS NULL", where.values, where.source)
    return np.concatenate([found, packed(conn, _with(_FIRST, _NEWEST), others, limit=limit - len(found))])


def sorted_places(conn: Connection, ids: Ids, scores: npt.NDArray[np.float64], sort: Sequence[Sort]) -> Ids:
    """Return the order of some images as indexes of ``ids``, int64 [n]; images that are gone are left out.

    Args:
        scores: one for each of them, by which they may be sorted, too.
    """
    values = {"ids": Bigints(ids), "scores": Doubles(scores)}
    row = conn.execute(_with(_RANKED, _order(sort)), values, prepare=False, binary=True).fetchone()
    return ids_from(row[0] if row else None) - 1


def _with(template: str, order: str) -> str:
    return template.replace("{order}", order)


def _order(sort: Sequence[Sort]) -> str:
    return ", ".join([*map(_key, sort), _NEWEST])


def _key(one: Sort) -> str:
    if one.column == "score":
        return f"found.score {_way(one)}"
    expression, column = _KEYS[one.column]
    # An index is in the order of a column without absent values only when nothing is said of them.
    return f"{expression} {_way(one)}{' NULLS LAST' if column else ''}"


def _way(one: Sort) -> str:
    return "DESC" if one.descending else "ASC"

"""The images that meet a condition, sorted by their columns.

Images without a value come last, whichever way they are sorted; among equals the newest comes first.
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
from dtk_tui.store.search.newest import packed

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

#: What a query sorts by -> the expression, and the column whose absence it shares; None: every image has it.
_KEYS: dict[str, tuple[str, str | None]] = {
    "date": ("image.created_at", None),
    "name": ('lower(image.file_name) COLLATE "C"', None),
    "size": ("image.file_size", None),
    "rating": ("image.rating", "image.rating"),
    "aesthetic_score": ("image.aesthetic_score", "image.aesthetic_score"),
    "seed": ("image.seed", "image.seed"),
    "model": ("lower(image.model)", "image.model"),
    "steps": ("image.steps", "image.steps"),
}
_NEWEST = "image.created_at DESC, image.id DESC"
_ALL = "SELECT string_agg(int8send(image.id), ''::bytea ORDER BY {order}) FROM {source} WHERE {condition}"
_FIRST = """
SELECT string_agg(int8send(id), ''::bytea ORDER BY place)
  FROM (SELECT image.id, row_number() OVER (ORDER BY {order}) AS place FROM {source} WHERE {condition}
         ORDER BY {order} LIMIT %(limit)s) AS found
"""
_RANKED = """
SELECT string_agg(int8send(found.place), ''::bytea ORDER BY {order})
  FROM unnest(%(ids)s::bigint[], %(scores)s::float8[]) WITH ORDINALITY AS found (id, score, place)
  JOIN image ON image.id = found.id
"""


def first_sorted(conn: Connection, where: Where, sort: Sequence[Sort], limit: int | None) -> Ids:
    """Return the first ``limit`` images (None: all) that meet a condition; nothing ranks them, so no score sorts.

    By one column the first are looked for among those that have a value, where an index may answer, and then among
    those that have none.
    """
    keys = [one for one in sort if one.column in _KEYS]
    if limit is None:
        return packed(conn, _with(_ALL, _order(keys)), where)
    expression, column = _KEYS[keys[0].column] if len(keys) == 1 else ("", None)
    if column is None:
        return packed(conn, _with(_FIRST, _order(keys)), where, limit=limit)
    order = f"{expression} {_way(keys[0])}, {_NEWEST}"
    valued = Where(f"({where.condition}) AND {column} IS NOT NULL", where.values, where.source)
    found = packed(conn, _with(_FIRST, order), valued, limit=limit)
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

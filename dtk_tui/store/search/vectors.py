"""Ranking by vectors: the nearest prompts and images, with or without a filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dtk_tui.store.arrays import Bigints, HalfVector
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.search.conditions import Where
from dtk_tui.store.search.newest import count_images, count_prompts, packed

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Vector = npt.NDArray[np.float32]

#: The most vectors that a term ranks, and the fewest that it looks at; 1,000 is also the largest hnsw.ef_search.
MOST, FEWEST = 1000, 100
#: A filter that keeps less than this share of the vectors is answered exactly: measured, that is faster and complete.
EXACT_SHARE, EXACT_COUNT = 0.02, 1000
#: How far the index is walked for a filter that keeps more; where that does not find enough, the answer is exact, too.
FARTHEST = 20_000
#: What is walked to at least: a shorter walk would miss some of the nearest.
LEAST_WALK = 2 * FEWEST
_SAMPLE_PAGES = 64
#: So many times as many vectors are walked to as have enough of those that are wanted among them on average.
_SPARE = 1.4
#: A step of a walk through the index costs about as much as so many comparisons: most of it is looking for pages.
_STEP_COST = 6

# The order has to come from the vector index.
_INDEX_SETTINGS = """
SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL hnsw.max_scan_tuples = 40000;
SET LOCAL hnsw.ef_search = {ef:d}; SET LOCAL enable_sort = off
"""
_SORT_AGAIN = "SET LOCAL enable_sort = on"
_SIZE = "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)"
# Members of groups, which have no vector of their own.
_MEMBERS = "SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'image_member'::regclass"
_PAGES = "SELECT greatest(pg_relation_size(%s::regclass) / current_setting('block_size')::int, 1)"
# The index is on vec::halfvec(dims): only this very expression finds it, and only where nothing else is in ORDER BY.
_NEAREST = """
SELECT string_agg(int8send(id) || float8send(distance), ''::bytea)
  FROM (SELECT {key} AS id, vec::halfvec({dims:d}) <=> %(vec)s::halfvec({dims:d}) AS distance FROM {table}
         WHERE space_id = %(space)s
         ORDER BY vec::halfvec({dims:d}) <=> %(vec)s::halfvec({dims:d}) LIMIT %(count)s) AS near
"""
# An array that the planner does not see: it would compare each of its numbers with what it knows of the column.
_EXACT = """
SELECT string_agg(int8send(id) || float8send(distance), ''::bytea)
  FROM (SELECT {key} AS id, vec <=> %(vec)s::halfvec AS distance FROM {table}
         WHERE space_id = %(space)s AND {key} = ANY (ARRAY(SELECT unnest(%(keys)s::bigint[])))
         ORDER BY 2 LIMIT %(count)s) AS near
"""
_SAMPLE = """
SELECT string_agg(float8send(distance), ''::bytea)
  FROM (SELECT vec <=> %(vec)s::halfvec AS distance
          FROM {table}_{space:d} TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0) LIMIT 1000) AS sample
"""
_COUNT = "SELECT count(*) FROM {table} WHERE space_id = %s"

# Found and filtered at once, so that each image is looked at once.
_OF_PROMPTS = """
SELECT string_agg(int8send(image.id) || int8send(prompt_id), ''::bytea ORDER BY image.created_at DESC, image.id DESC)
  FROM {source} WHERE prompt_id = ANY (ARRAY(SELECT unnest(%(keys)s::bigint[]))) AND ({condition})
"""
_OF_REPRESENTATIVES = """
SELECT string_agg(int8send(image.id) || int8send(coalesce(image.embedding_source_id, image.id)), ''::bytea
                  ORDER BY image.id)
  FROM {source}
 WHERE (image.id = ANY (ARRAY(SELECT unnest(%(keys)s::bigint[])))
        OR image.embedding_source_id = ANY (ARRAY(SELECT unnest(%(keys)s::bigint[])))) AND ({condition})
"""


@dataclass(frozen=True, slots=True)
class VectorTerm:
    """What to be near to: a unit ``vector``, float32 [dims], of ``space``; at most ``count`` vectors are ranked.

    ``cut`` drops what is not near (see ``_cut``); there the images ``leave_out`` do not count as finds.
    """

    space: int
    vector: Vector
    count: int
    cut: bool
    leave_out: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """The images that meet a filter, in order: id, prompt (0: none), representative, place (from 1); int64 [n] each."""

    ids: Ids
    prompts: Ids
    sources: Ids
    places: Ids


@dataclass(frozen=True, slots=True)
class Ranked:
    """Images in order, each once, with places from 1 that equals share, and cosine similarities where there are."""

    ids: Ids
    places: Ids
    similarity: npt.NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class _Near:
    """Keys of vectors in ascending order, their cosine distances, and their places by distance."""

    keys: Ids
    distances: npt.NDArray[np.float64]
    places: Ids

    def find(self, wanted: Ids) -> Ids:
        """Return where each of ``wanted`` stands in ``keys``, or -1."""
        if not len(self.keys):
            return np.full(len(wanted), -1, np.int64)
        index = np.searchsorted(self.keys, wanted).clip(max=len(self.keys) - 1)
        return cast("Ids", np.where(self.keys[index] == wanted, index, -1))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Distinct keys in ascending order, of which about ``usual`` have a vector."""

    keys: Ids
    usual: int

    @classmethod
    def of(cls, usual: Ids, others: Ids | None = None) -> _Wanted:
        """Gather keys that usually have a vector, and others that seldom have one."""
        keys = distinct(usual)
        return cls(keys if others is None else distinct(np.concatenate([keys, others])), len(keys))


def distinct(values: Ids) -> Ids:
    """Return the distinct values in ascending order; by sorting, as np.unique's hashing takes ten times as long."""
    ordered = np.sort(values)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))]


def count_walked(conn: Connection, of: str, images: float) -> int:
    """Return how many vectors of prompts or images to walk to for about so many images, within bounds.

    As many images share a vector as have the same prompt, or are in a group, on average.

    Args:
        of: ``prompt`` or ``image``.
    """
    total = count_images(conn)
    if of == "prompt":
        shared = max(total / count_prompts(conn), 1)
    else:
        (members,) = row_of(conn, _MEMBERS)
        shared = total / max(total - members, 1)
    return max(LEAST_WALK, min(FARTHEST, int(images / shared)))


def rank_by_prompt(
    conn: Connection, term: VectorTerm, candidates: Candidates | None, where: Where | None = None
) -> Ranked:
    """Return the images, of ``candidates`` where given, whose prompts are nearest; without these, as ``rank_by_image``.

    All images of a prompt share its place, newest first.
    """
    wanted = None if candidates is None else _Wanted.of(candidates.prompts[candidates.prompts > 0])
    near = _near(conn, "prompt_vector", "prompt_id", term, wanted)
    if candidates is None:
        found = packed(conn, _OF_PROMPTS, where or Where(), keys=Bigints(near.keys)).reshape(-1, 2)
        return _ranked(near, found[:, 0], found[:, 1])
    return _ranked(near, candidates.ids, candidates.prompts)


def rank_prompts(conn: Connection, term: VectorTerm, prompts: Ids) -> tuple[Ids, Ids]:
    """Return those of ``prompts`` that are nearest, and their places from 1, which equals share; int64 [n] each."""
    near = _near(conn, "prompt_vector", "prompt_id", term, _Wanted.of(prompts))
    return near.keys, near.places


def rank_by_image(
    conn: Connection, term: VectorTerm, candidates: Candidates | None, where: Where | None = None
) -> Ranked:
    """Return the images, of ``candidates`` where given, that look most alike; without these, those that meet ``where``.

    A representative is followed by the other members of its group, which share its place.
    """
    # A member that was a representative before still has a vector.
    wanted = None if candidates is None else _Wanted.of(candidates.sources, candidates.ids)
    near = _near(conn, "image_vector", "image_id", term, wanted)
    if candidates is None:
        found = packed(conn, _OF_REPRESENTATIVES, where or Where(), keys=Bigints(near.keys)).reshape(-1, 2)
        have = found[near.find(found[:, 0]) >= 0, 0]
        return _ranked(near, np.concatenate([have, found[:, 0]]), np.concatenate([have, found[:, 1]]))
    own = near.find(candidates.ids) >= 0
    ids = np.concatenate([candidates.ids[own], candidates.ids[~own]])
    return _ranked(near, ids, np.concatenate([candidates.ids[own], candidates.sources[~own]]))


def _ranked(near: _Near, ids: Ids, keys: Ids) -> Ranked:
    """Return ``ids`` by the place of their ``keys``, else in the order given; an image stands at its first place."""
    index = near.find(keys)
    ids, index = ids[index >= 0], index[index >= 0]
    order = np.argsort(near.places[index], kind="stable")
    _, first = np.unique(ids[order], return_index=True)
    order = order[np.sort(first)]
    similarity = (1.0 - near.distances[index[order]]).astype(np.float32)
    return Ranked(ids[order], near.places[index[order]], similarity)


def _near(conn: Connection, table: str, key: str, term: VectorTerm, wanted: _Wanted | None) -> _Near:
    names = {"table": table, "key": key, "dims": len(term.vector), "space": term.space}
    values: dict[str, Any] = {"space": term.space, "count": term.count, "vec": HalfVector(term.vector)}
    size = conn.execute(_SIZE, (f"{table}_{term.space:d}",)).fetchone()
    pairs = np.zeros((0, 2))
    if size is not None and (wanted is None or len(wanted.keys)):
        pairs = _query(conn, names, values, wanted, size[0])
    if term.cut and size is not None and len(pairs):
        (pages,) = row_of(conn, _PAGES, (f"{table}_{term.space:d}",))
        values["percent"] = min(100.0, 100.0 * _SAMPLE_PAGES / pages)
        sample = np.frombuffer(_bytes(conn, _SAMPLE.format(**names), values), ">f8")
        pairs = _cut(pairs, sample, term.leave_out)
    keys = pairs[:, 0].astype(np.int64)
    order = np.argsort(keys)
    _, places = np.unique(pairs[:, 1], return_inverse=True)
    return _Near(keys[order], pairs[order, 1], places[order].astype(np.int64) + 1)


def _query(
    conn: Connection, names: dict[str, Any], values: dict[str, Any], wanted: _Wanted | None, estimate: int
) -> npt.NDArray[np.float64]:
    """Return the nearest as (key, distance); among ``wanted``, where given, by the index only if it yields enough."""
    if wanted is None:
        return _by_index(conn, names, values, values["count"])
    total = estimate
    if total <= 0:
        row = conn.execute(_COUNT.format(**names), (values["space"],)).fetchone()
        total = row[0] if row else 0
    walked = min(int(_SPARE * values["count"] * max(total / max(wanted.usual, 1), 1)), FARTHEST)
    if wanted.usual > max(EXACT_COUNT, EXACT_SHARE * total, _STEP_COST * walked):
        pairs = _by_index(conn, names, values, walked)
        pairs = pairs[np.isin(pairs[:, 0].astype(np.int64), wanted.keys)]
        if len(pairs) >= values["count"]:
            return pairs
    return _numbers(conn, _EXACT.format(**names), values | {"keys": Bigints(wanted.keys)})


def _by_index(conn: Connection, names: dict[str, Any], values: dict[str, Any], count: int) -> npt.NDArray[np.float64]:
    # The index is walked in rounds of so many each: the last one need not find more than is asked for.
    rounds = -(-count // MOST)
    conn.execute(_INDEX_SETTINGS.format(ef=-(-count // rounds)).encode())
    found = _numbers(conn, _NEAREST.format(**names), values | {"count": count})
    conn.execute(_SORT_AGAIN)
    return found


def _numbers(conn: Connection, sql: str, values: dict[str, Any]) -> npt.NDArray[np.float64]:
    found = np.frombuffer(_bytes(conn, sql, values), [("id", ">i8"), ("distance", ">f8")])
    return np.column_stack([found["id"].astype(np.float64), found["distance"]])


def _bytes(conn: Connection, sql: str, values: dict[str, Any]) -> bytes:
    # Planned anew, as the best plan depends on the values.
    row = conn.execute(sql, values, prepare=False, binary=True).fetchone()
    return (row[0] if row else None) or b""


def _cut(
    pairs: npt.NDArray[np.float64], sample: npt.NDArray[np.float64], leave_out: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Keep what is nearer to the best find than to what a vector of the library usually is from the query.

    The bound lies halfway between the smallest distance and the median distance of a sample. Cosine distances of
    unrelated things differ by model and by query, so a fixed bound would fit none; two classes split at the middle of
    their centres is the nearest-centroid rule (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning,
    4.3), the centres being the best find and the usual vector.
    """
    others = pairs[~np.isin(pairs[:, 0], leave_out), 1]
    if not len(others) or not len(sample):
        return pairs
    best, usual = float(others.min()), float(np.median(sample))
    return pairs[pairs[:, 1] <= max(best, (best + usual) / 2)]

"""What it would change to embed only the representatives of clusters, measured on pictures that have both.

Each picture with a perceptual hash and a vector of its own is one that could have shared the vector of its cluster's
representative: how near the two vectors are is measured on all, what a search for similar images loses on a sample of
pictures, each held against all vectors, once as they are and once as they would be.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dtk_tui.config import Config
from dtk_tui.domain.duplicates import ClusterBy
from dtk_tui.services.library.alike.clusters import checked, compared_space
from dtk_tui.services.library.alike.mapped_vectors import mapped_vectors, places_in, unit_rows
from dtk_tui.services.library.alike.sets import connection_until, stoppable
from dtk_tui.services.library.hash_pairs import Progress, distinct_hashes, led_sets, near_pairs
from dtk_tui.store.database import Database
from dtk_tui.store.search import duplicates as store
from dtk_tui.store.search import stored_vectors

Ids = npt.NDArray[np.int64]
Halfs = npt.NDArray[np.float16]
Floats = npt.NDArray[np.float32]

#: Vectors that are less similar are told apart by most people.
_BOUND = 0.95
#: So many pictures are asked for, and so many finds are compared.
_QUERIES, _FINDS = 100, 10
#: So many vectors are in memory at a time.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class WouldChange:
    """What sharing would change.

    Attributes:
        within_bits: pictures whose hashes differ in so many bits at most would share a vector.
        pictures: how many have a hash and a vector of their own; skipped: how many of them would not be embedded.
        cosine_least, cosine_p05, cosine_median: cosine similarities of the own vectors of those to what they would
            share; 1 where none is skipped.
        below: how many of those are less similar than ``bound``.
        queries: how many pictures were asked for; recall_at_10: of the ten that are most similar, what share would
            still be among the first ten.
    """

    within_bits: int
    pictures: int
    skipped: int
    cosine_least: float
    cosine_p05: float
    cosine_median: float
    bound: float
    below: int
    queries: int
    recall_at_10: float


def measure(
    db: Database,
    config: Config,
    within: float | None = None,
    progress: Progress = lambda share: None,
    stop: threading.Event | None = None,
) -> WouldChange:
    """Measure what sharing vectors within so many bits (None: 8) would change; nothing is changed.

    Raises:
        UsageError: the number of bits is out of its range.
        SearchStoppedError: ``stop`` was set.
        DtkError: nothing is embedded, or hardly two images differ.
    """
    bits = int(checked(ClusterBy.HASH, within))
    asked = stop or threading.Event()
    tell = stoppable(progress, asked)
    with connection_until(db, asked) as conn:
        space = compared_space(conn, config)
        seen = store.seen_images(conn)
        with_vector = stored_vectors.own(conn, space)
    has_both = np.isin(seen.ids, with_vector)
    ids, pixels = seen.ids[has_both], seen.pixels[has_both]
    if not len(ids):
        return WouldChange(bits, 0, 0, 1.0, 1.0, 1.0, _BOUND, 0, 0, 1.0)
    order, firsts, own = distinct_hashes(seen.bits[has_both], seen.colours[has_both], pixels, ids)
    pairs, _ = near_pairs(
        seen.bits[has_both][firsts], seen.colours[has_both][firsts], bits, lambda share: tell(0.5 * share)
    )
    leaders = np.zeros(len(ids), np.int64)
    leaders[order] = firsts[led_sets(pairs, pixels[firsts])[own]]
    with mapped_vectors(db, space, asked, lambda share: tell(0.5 + 0.25 * share)) as (known, vectors):
        places = places_in(known, ids)
        is_there = (places >= 0) & (places[leaders] >= 0)  # nobody has deleted them meanwhile
        images, sources = places[is_there], places[leaders][is_there]
        return _measured(bits, known, vectors, images, sources, lambda share: tell(0.75 + 0.25 * share))


def _measured(bits: int, known: Ids, vectors: Halfs, images: Ids, sources: Ids, tell: Progress) -> WouldChange:
    """Return the measurement.

    Args:
        known, vectors: all images with a vector, and their vectors.
        images, sources: places of the pictures that have a hash as well, and of those whose vectors they would have.
    """
    stands_for = np.arange(len(known))
    stands_for[images] = sources
    queries = np.sort(np.random.default_rng(0).choice(images, min(_QUERIES, len(images)), replace=False))
    sought, sought_then = unit_rows(vectors[queries]), unit_rows(vectors[stands_for[queries]])
    now, then = _Best(len(queries)), _Best(len(queries))
    cosines: list[Floats] = [np.zeros(0, np.float32)]
    for start in range(0, len(known), _AT_ONCE):
        block = unit_rows(vectors[start : start + _AT_ONCE])
        ids = known[start : start + _AT_ONCE]
        now.add(ids, sought @ block.T)
        source = stands_for[start : start + _AT_ONCE]
        changes = np.flatnonzero(source != start + np.arange(len(ids)))
        shared = unit_rows(vectors[source[changes]])
        cosines.append(np.einsum("ij,ij->i", block[changes], shared))
        block[changes] = shared
        then.add(ids, sought_then @ block.T)
        tell(min(1.0, (start + _AT_ONCE) / len(known)))
    found = np.concatenate(cosines).clip(max=1)
    recall = now.share_in(then, known[queries])
    if not len(found):
        return WouldChange(bits, len(images), 0, 1.0, 1.0, 1.0, _BOUND, 0, len(queries), recall)
    least, low, median = (float(value) for value in np.quantile(found, (0, 0.05, 0.5)))
    below = int((found < _BOUND).sum())
    return WouldChange(bits, len(images), len(found), least, low, median, _BOUND, below, len(queries), recall)


class _Best:
    """The most similar images of some queries, gathered block by block."""

    def __init__(self, queries: int) -> None:
        self._ids = np.full((queries, 0), -1, np.int64)
        self._near = np.zeros((queries, 0), np.float32)

    def add(self, ids: Ids, near: Floats) -> None:
        """Take the best of ``ids``, similarities float32 [queries, n], beside those that are known."""
        every = np.concatenate([self._ids, np.broadcast_to(ids, near.shape)], axis=1)
        values = np.concatenate([self._near, near], axis=1)
        # One more than is compared: the picture that is asked for finds itself. Equals go by id, as they are found.
        best = np.argsort(-values, axis=1, kind="stable")[:, : _FINDS + 1]
        self._ids, self._near = np.take_along_axis(every, best, axis=1), np.take_along_axis(values, best, axis=1)

    def share_in(self, other: _Best, queries: Ids) -> float:
        """Return how many of the first ten, besides the queries themselves, are among the first ten of another."""
        kept = total = 0
        for query, own, others in zip(queries.tolist(), self._ids.tolist(), other._ids.tolist(), strict=True):
            wanted = [number for number in own if number != query][:_FINDS]
            there = [number for number in others if number != query][:_FINDS]
            kept += len(set(wanted) & set(there))
            total += len(wanted)
        return kept / total if total else 1.0

"""Clusters: images that look like their representative, by vectors or by perceptual hash.

The largest image leads a cluster of all that are near to it and in none yet, so that images do not become one cluster
by a chain of others between them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dtk_tui.config import Config
from dtk_tui.domain.duplicates import ClusterBy
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.alike.mapped_vectors import mapped_vectors, places_in
from dtk_tui.services.library.alike.sets import DuplicateSets, connection_until, stoppable
from dtk_tui.services.library.alike.vector_pairs import near_vectors
from dtk_tui.services.library.hash_pairs import ALIKE_BITS, Progress, distinct_hashes, led_sets, near_pairs
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.search import duplicates as store

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

#: The cosine similarity of vectors that look alike, where none is named.
SIMILARITY = 0.95
_LEAST_SIMILARITY = 0.5


class NothingEmbeddedError(DtkError):
    """Vectors were to be compared, and there are none."""

    def __init__(self) -> None:
        super().__init__(
            "Clusters by vectors need embeddings, and nothing is embedded yet.",
            "Queue and run the work: dtk queue add --all --kind embed, then dtk worker run --until-empty. Or compare"
            " perceptual hashes: dtk clusters --by hash",
        )


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of images, the largest first.

    Attributes:
        sets: the images of each, its representative first, then by nearness; ``unseen`` is how many were not compared.
        nearness: of each image of ``sets`` to its representative, float32 [n]: cosine similarity, or bits that differ.
    """

    sets: DuplicateSets
    nearness: Floats


def find(
    db: Database,
    config: Config,
    by: ClusterBy = ClusterBy.VECTORS,
    threshold: float | None = None,
    progress: Progress = lambda share: None,
    stop: threading.Event | None = None,
) -> Clusters:
    """Return the clusters of the library; images whose files are missing are in none.

    Args:
        threshold: the lowest cosine similarity to the representative, 0.5 to 1, or the most bits that differ, 0 to 8;
            None is 0.95, or 8 bits.
        progress: is told how much is done, from 0 to 1.
        stop: ends it when it is set.

    Raises:
        UsageError: the threshold is out of its range.
        SearchStoppedError: ``stop`` was set.
        DtkError: there are no vectors, or hardly two images differ, so that there are too many pairs.
    """
    bound = checked(by, threshold)
    asked = stop or threading.Event()
    tell = stoppable(progress, asked)
    tell(0.0)
    return (
        _by_vectors(db, config, bound, tell, asked)
        if by is ClusterBy.VECTORS
        else _by_hash(db, int(bound), tell, asked)
    )


def compared_space(conn: Connection, config: Config) -> int:
    """Return the space of the default image embedder; NothingEmbeddedError where it has no vectors."""
    space = embedding_spaces.newest(conn, config.settings.models.image_embedder, "image")
    if space is None or not embedding_spaces.count_up_to(conn, space, 1):
        raise NothingEmbeddedError
    return space


def checked(by: ClusterBy, threshold: float | None) -> float:
    """Return a threshold, or the default one; UsageError where it is out of its range."""
    if threshold is None:
        return SIMILARITY if by is ClusterBy.VECTORS else float(ALIKE_BITS)
    if by is ClusterBy.VECTORS and not _LEAST_SIMILARITY <= threshold <= 1:
        raise UsageError(f"{threshold:g} is no threshold for vectors.", "Name a cosine similarity from 0.5 to 1.")
    if by is ClusterBy.HASH and not (0 <= threshold <= ALIKE_BITS and threshold == int(threshold)):
        raise UsageError(f"{threshold:g} is no threshold for hashes.", f"Name a number of bits from 0 to {ALIKE_BITS}.")
    return threshold


def _by_hash(db: Database, within: int, tell: Progress, stop: threading.Event) -> Clusters:
    """Return the clusters of images whose perceptual hashes are at most ``within`` bits from the representative's."""
    with connection_until(db, stop) as conn:
        seen, unseen = store.seen_images(conn), store.count_unseen(conn)
    if not len(seen.ids):
        return _no_clusters(unseen)
    order, firsts, own = distinct_hashes(seen.bits, seen.colours, seen.pixels, seen.ids)
    pairs, _ = near_pairs(seen.bits[firsts], seen.colours[firsts], within, tell)
    leaders = firsts[led_sets(pairs, seen.pixels[firsts])[own]]
    hashes = seen.bits.view(np.uint64)
    apart = np.bitwise_count(hashes[order] ^ hashes[leaders]).astype(np.float32)
    return _clusters(seen.ids[leaders], seen.ids[order], apart, apart, unseen)


def _by_vectors(db: Database, config: Config, least: float, tell: Progress, stop: threading.Event) -> Clusters:
    """Return the clusters of images whose vectors are similar to the representative's."""
    with connection_until(db, stop) as conn:
        space = compared_space(conn, config)
        images = store.vector_images(conn)
    with mapped_vectors(db, space, stop, lambda share: tell(0.2 * share)) as (known, vectors):
        places = places_in(known, images.ids)
        places = np.where(places >= 0, places, places_in(known, images.sources))
        has_vector = places >= 0
        ids, places = images.ids[has_vector], places[has_vector]
        ranks = np.full(len(known), -1, np.int64)
        np.maximum.at(ranks, places, images.pixels[has_vector])
        pairs, similar = near_vectors(vectors, least, lambda share: tell(0.2 + 0.8 * share))
        del vectors
    # A vector whose images are all missing leads nothing and follows nobody.
    is_there = (ranks[pairs] >= 0).all(axis=1)
    pairs, similar = pairs[is_there], similar[is_there]
    leaders = led_sets(pairs, ranks)
    nearness = np.ones(len(known), np.float32)
    led = np.flatnonzero(leaders != np.arange(len(known)))
    keys = np.minimum(led, leaders[led]) * len(known) + np.maximum(led, leaders[led])
    nearness[led] = similar[np.searchsorted(pairs[:, 0] * len(known) + pairs[:, 1], keys)].clip(max=1)
    found = leaders[places]
    # The images of the leading vector come first, the one that it was computed of before those that share it.
    order = -nearness[places] - (places == found) - (ids == known[found])
    return _clusters(known[found], ids, order, nearness[places], int((~has_vector).sum()))


def _clusters(leaders: Ids, ids: Ids, order: Floats, nearness: Floats, unseen: int) -> Clusters:
    """Return the clusters of several images.

    Args:
        leaders: what leads each of ``ids``, any number that is the same for all of a cluster.
        order: by which the images of a cluster are sorted, ascending; the leader goes before its equals.
    """
    by_leader = np.lexsort((ids, ids != leaders, order, leaders))
    leaders, ids, nearness = leaders[by_leader], ids[by_leader], nearness[by_leader]
    starts = np.flatnonzero(np.diff(leaders, prepend=leaders[:1] - 1))
    sizes = np.diff(np.append(starts, len(ids)))
    several = sizes > 1
    starts, sizes = starts[several], sizes[several]
    # The largest first; of equal ones that with the newest representative.
    largest = np.lexsort((-ids[starts], -sizes))
    starts, sizes = starts[largest], sizes[largest]
    ends = np.cumsum(sizes)
    chosen = np.repeat(starts - (ends - sizes), sizes) + np.arange(sizes.sum())
    return Clusters(DuplicateSets(ids[chosen], ends - sizes, unseen), nearness[chosen])


def _no_clusters(unseen: int) -> Clusters:
    none = np.zeros(0, np.int64)
    return Clusters(DuplicateSets(none, none, unseen), np.zeros(0, np.float32))

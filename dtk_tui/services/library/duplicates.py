"""Finding images that are the same or nearly so."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from dtk_tui.config import Config
from dtk_tui.domain.duplicates import DuplicateImage, DuplicateKind, KeepRule, best
from dtk_tui.domain.organise import EditDone, Mark, MarkEdit
from dtk_tui.services.library.alike import clusters
from dtk_tui.services.library.alike.sets import DuplicateSets, connection_until, stoppable
from dtk_tui.services.library.edits import EditStoppedError
from dtk_tui.services.library.edits import Progress as EditProgress
from dtk_tui.services.library.hash_pairs import ALIKE_BITS, Progress, distinct_hashes, led_sets, near_pairs
from dtk_tui.services.library.organise import marks
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.search import duplicates as store

Ids = npt.NDArray[np.int64]

#: Pictures that are farther apart than those that look alike by their hash alone may still be cut or edited copies: up
#: to so many bits, where their vectors are so similar.
_CLOSE_BITS, _SIMILARITY = 11, 0.95
#: So many sets are looked at in one statement.
_SETS_AT_ONCE = 500


def find(
    db: Database,
    config: Config,
    kind: DuplicateKind,
    progress: Progress = lambda share: None,
    stop: threading.Event | None = None,
) -> DuplicateSets:
    """Return all sets of a kind, those with the newest images first, of clusters the largest.

    Args:
        progress: is told how much is done, from 0 to 1.
        stop: ends it when it is set.

    Raises:
        SearchStoppedError: ``stop`` was set.
        DtkError: hardly two pictures of the library differ, so that there are too many pairs; or clusters are asked for
            and nothing is embedded.
    """
    stop = stop or threading.Event()
    if kind is DuplicateKind.CLUSTER:
        return clusters.find(db, config, progress=progress, stop=stop).sets
    tell = stoppable(progress, stop)
    with connection_until(db, stop) as conn:
        if kind is DuplicateKind.NEAR:
            return _near(conn, config, tell)
        firsts, ids = store.exact(conn) if kind is DuplicateKind.EXACT else store.groups(conn)
        tell(1.0)
        return _sets(firsts, ids)


def images_of(db: Database, sets: Sequence[Sequence[int]]) -> list[list[DuplicateImage]]:
    """Return what is known of the images of some sets, in their order; images that are gone are left out."""
    with db.connection() as conn:
        known = store.facts(conn, [number for ids in sets for number in ids])
    return [[known[number] for number in ids if number in known] for ids in sets]


def _near(conn: Connection, config: Config, tell: Progress) -> DuplicateSets:
    seen = store.seen_images(conn)
    unseen = store.count_unseen(conn)
    if not len(seen.ids):
        return DuplicateSets(seen.ids, seen.ids, unseen)
    order, firsts, own = distinct_hashes(seen.bits, seen.colours, seen.pixels, seen.ids)
    pairs, distances = near_pairs(seen.bits[firsts], seen.colours[firsts], _CLOSE_BITS, tell)
    left, right = firsts[pairs[:, 0]], firsts[pairs[:, 1]]
    doubtful = np.flatnonzero((distances > ALIKE_BITS) & (seen.sources[left] != seen.sources[right]))
    is_alike = distances <= ALIKE_BITS
    sources = seen.sources[left[doubtful]], seen.sources[right[doubtful]]
    space = embedding_spaces.newest(conn, config.settings.models.image_embedder, "image")
    if space is not None:
        is_alike[doubtful[store.similar(conn, space, *sources, _SIMILARITY)]] = True
    leaders = led_sets(pairs[is_alike], seen.pixels[firsts])
    found = _sets(seen.ids[firsts[leaders[own]]], seen.ids[order])
    return DuplicateSets(found.ids, found.starts, unseen)


def _sets(firsts: Ids, ids: Ids) -> DuplicateSets:
    """Return the sets of several images that have the same first one."""
    order = np.lexsort((ids, firsts))
    firsts, ids = firsts[order], ids[order]
    starts = np.flatnonzero(np.diff(firsts, prepend=firsts[:1] - 1))
    sizes = np.diff(np.append(starts, len(ids)))
    several = sizes > 1
    starts, sizes = starts[several], sizes[several]
    # The set of the image that came last into the library is the first.
    newest = np.argsort(-ids[starts + sizes - 1], kind="stable")
    starts, sizes = starts[newest], sizes[newest]
    ends = np.cumsum(sizes)
    return DuplicateSets(ids[np.repeat(starts - (ends - sizes), sizes) + np.arange(sizes.sum())], ends - sizes)


def mark_rest(
    db: Database,
    sets: DuplicateSets,
    rule: KeepRule,
    chosen: Mapping[int, int],
    progress: EditProgress = lambda done, total: None,
    stop: threading.Event | None = None,
    numbers: Sequence[int] | None = None,
) -> EditDone:
    """Mark the images of sets for deletion, all but one of each, as one edit in the journal.

    Args:
        rule: which one stays of a set.
        chosen: by the number of a set, from 1, the image that stays whatever the rule says.
        progress, stop: as ``marks.apply``.
        numbers: only these sets, from 0; None: all.
    """
    wanted = range(len(sets)) if numbers is None else numbers
    rest: list[int] = []
    for start in range(0, len(wanted), _SETS_AT_ONCE):
        if stop is not None and stop.is_set():
            raise EditStoppedError
        some = wanted[start : start + _SETS_AT_ONCE]
        for number, images in zip(some, images_of(db, [sets.members(one) for one in some]), strict=True):
            if not images:
                continue
            kept = best(images, rule).id
            own = chosen.get(number + 1)
            kept = own if own is not None and any(image.id == own for image in images) else kept
            rest += [image.id for image in images if image.id != kept]
    return marks.apply(db, rest, MarkEdit(Mark.FOR_DELETION, 1), progress, stop)

"""Leaving images out of the queue that look like one that is embedded or about to be, and share its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from dtk_tui.services.library.hash_pairs import distinct_hashes, led_sets, near_pairs
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import shared_vectors

Ids = npt.NDArray[np.int64]

#: More than any picture has pixels.
_WAITS, _EMBEDDED = 1 << 47, 1 << 48
#: So many vectors are copied at a time: each goes into an index, which takes a few milliseconds.
_SOME = 100


def share_vectors(
    conn: Connection, wanted: Ids, spaces: Sequence[int | None], within: int, *, dry_run: bool = False
) -> Ids:
    """Note which images share vectors, of those ``wanted`` that are to be embedded and have none of their own.

    Whoever is embedded leads, then who is in the queue, then the largest; only images whose looks are known take part.

    Args:
        spaces: the image spaces of the config, None for one that does not exist yet.
        within: so many bits of their hashes differ at most.
        dry_run: only note who would share, for a transaction that is rolled back: nobody waits for it.

    Returns:
        The images to which ``copy_vectors`` is to copy what there is.

    Raises:
        DtkError: hardly two images differ.
    """
    known = [space for space in spaces if space is not None]
    images = shared_vectors.hashed_images(conn, known)
    is_embedded = images.is_embedded & (len(known) == len(spaces))
    is_wanted = np.isin(images.ids, wanted) & ~images.has_own & ~images.waits
    chosen = np.flatnonzero(is_embedded | images.waits | is_wanted)
    if not is_wanted.any():
        return images.ids[:0]
    ids, is_wanted = images.ids[chosen], is_wanted[chosen]
    ranks = images.pixels[chosen] + _WAITS * images.waits[chosen] + _EMBEDDED * is_embedded[chosen]
    bits, colours = images.bits[chosen], images.colours[chosen]
    order, firsts, own = distinct_hashes(bits, colours, ranks, ids)
    pairs, _ = near_pairs(bits[firsts], colours[firsts], within)
    leaders = np.zeros(len(ids), np.int64)
    leaders[order] = firsts[led_sets(pairs, ranks[firsts])[own]]
    joins = is_wanted & (leaders != np.arange(len(ids)))
    shared: Ids
    shared, sources, alone = ids[joins], ids[leaders[joins]], ids[is_wanted & ~joins]
    if dry_run:
        shared_vectors.note(conn, shared, sources, alone)
        return shared
    stays = shared_vectors.hold(conn, shared, sources)
    alone = np.concatenate([alone, shared[~stays]])
    shared_vectors.note(conn, shared[stays], sources[stays], alone)
    kept: Ids = shared[stays]
    return kept


def copy_vectors(db: Database, spaces: Sequence[int | None], images: Ids) -> None:
    """Copy the vectors of others to images that share them, and to all that were left without, be it by a crash.

    Some at a time: a worker or a person who changes one of them waits for these.
    """
    for space in spaces:
        if space is None:
            continue
        with db.connection() as conn:
            ids = np.union1d(images, shared_vectors.without_vectors(conn, space))
        for begin in range(0, len(ids), _SOME):
            retry_on_conflict(partial(_copy_some, db, space, ids[begin : begin + _SOME]))


def _copy_some(db: Database, space: int, ids: Ids) -> None:
    with db.connection() as conn:
        shared_vectors.copy(conn, space, ids)

"""Pairs of perceptual hashes that are few bits apart, among millions, without comparing each with each.

Of two hashes of three blocks that are at most 8 bits apart, one block is at most 2 bits apart (the pigeonhole
principle; multi-index hashing, Norouzi, Punjani and Fleet, CVPR 2012). So each hash is held against those whose block
is 0, 1 or 2 bits from its own, which a table of the blocks gives: up to 5 bits 0 or 1 do, up to 2 bits equal blocks.
Pairs up to 11 bits apart are found as well, if they are so in a block: about four in five of those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from dtk_tui.errors import DtkError

Ids = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Levels = npt.NDArray[np.uint8]

#: So many of 64 bits may differ in pictures that look alike (docs/adr/0011), so many of 32 levels of each colour.
ALIKE_BITS, ALIKE_LEVELS = 8, 6
#: Each block of a hash: its first bit, and how many it has.
_BLOCKS = ((0, 22), (22, 21), (43, 21))
_BLOCK_BITS = 2
#: So many pairs are compared at a time, and so many may be alike.
_AT_ONCE, _MOST = 2_000_000, 20_000_000
#: Each of twelve colours has 5 bits.
_SHIFTS = np.arange(55, -1, -5, dtype=np.int64)

#: Is told how much of the work is done, from 0 to 1.
Progress = Callable[[float], None]


def near_pairs(
    bits: Ids, colours: Ids, within: int = ALIKE_BITS, progress: Progress = lambda share: None
) -> tuple[Ids, Levels]:
    """Return the pairs of hashes that are alike, each once: places int64 [m, 2] and the bits between them uint8 [m].

    Args:
        bits, colours: of ``PerceptualHash``, int64 [n] each; of equal hashes one is enough.
        within: so many bits may differ. Up to 8 all pairs are found, beyond that most.
        progress: is told how far it is; may raise, which ends it.

    Raises:
        DtkError: there are more pairs than can be held.
    """
    hashes = bits.view(np.uint64)
    levels = ((colours[:, None] >> _SHIFTS) & 31).astype(np.int8)
    found: list[Ids] = []
    total = 0
    apart = min(within // len(_BLOCKS), _BLOCK_BITS)
    for number, (first, width) in enumerate(_BLOCKS):
        keys = ((hashes >> np.uint64(first)) & np.uint64((1 << width) - 1)).astype(np.int32)
        order = np.argsort(keys, kind="stable")
        for done, candidates in _candidates(keys[order], width, apart):
            near = order[candidates]
            near = near[:, np.bitwise_count(hashes[near[0]] ^ hashes[near[1]]) <= within]
            near = near[:, (np.abs(levels[near[0]] - levels[near[1]]) <= ALIKE_LEVELS).all(axis=1)]
            if near.size:
                found.append(near.min(axis=0) * len(bits) + near.max(axis=0))
                total += near.shape[1]
                if total > 3 * _MOST:
                    raise DtkError(
                        f"More than {_MOST:,} pairs of pictures look alike.",
                        "Most pictures of this library are nearly the same: dtk duplicates --kind exact finds copies.",
                    )
            progress((number + done) / len(_BLOCKS))
    numbers = np.unique(np.concatenate([*found, np.zeros(0, np.int64)]))
    pairs = np.stack(np.divmod(numbers, max(len(bits), 1)), axis=1)
    return pairs, np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])


def distinct_hashes(bits: Ids, colours: Ids, ranks: Ids, ids: Ids) -> tuple[Ids, Ids, Ids]:
    """Return an order in which equal hashes stand together, the best of each, and in that order whose hash each has.

    Args:
        bits, colours: of ``PerceptualHash``, int64 [n] each, at least one.
        ranks: int64 [n], the best is the highest; ties go to the lowest of ``ids``.

    Returns:
        Places in the arguments, int64 [n]; of them the first of each hash, int64 [m]; for each of the order the number
        of its hash among those, int64 [n].
    """
    order = np.lexsort((ids, -ranks, colours, bits))
    keys = np.stack([bits, colours])[:, order]
    is_first = np.append(True, np.any(np.diff(keys, axis=1), axis=0))
    return order, order[is_first], np.cumsum(is_first) - 1


def _candidates(keys: npt.NDArray[np.int32], width: int, apart: int) -> Iterator[tuple[float, Ids]]:
    """Yield pairs of places of ascending keys that are 0 to 2 bits apart, each once, and the share that is done."""
    starts = np.zeros((1 << width) + 1, np.int32)
    np.cumsum(np.bincount(keys, minlength=1 << width), out=starts[1:])
    places = np.arange(len(keys), dtype=np.int64)
    for pair in _ranges(places, places + 1, starts[keys + 1]):
        yield 0.0, pair
    pairs = width * (width - 1) // 2 if apart > 1 else 0
    masks, done = 1 + width + pairs, 1
    for top in range(width if apart else 0):
        # The one of two keys that lacks the highest bit in which they differ looks for the other.
        lower = np.flatnonzero(keys & (1 << top) == 0)
        of_lower = keys[lower]
        seconds = range(top) if apart > 1 else ()
        for mask in (1 << top, *((1 << top) | (1 << bit) for bit in seconds)):
            wanted = of_lower ^ mask
            for pair in _ranges(lower, starts[wanted], starts[wanted + 1]):
                yield done / masks, pair
            done += 1
    yield 1.0, np.zeros((2, 0), np.int64)


def _ranges(left: Ids, first: npt.NDArray[np.signedinteger], last: npt.NDArray[np.signedinteger]) -> Iterator[Ids]:
    """Yield each of ``left`` with every number of its range, some pairs at a time; int64 [2, n]."""
    some = np.flatnonzero(last > first)
    left, first = left[some], first[some].astype(np.int64)
    counts = last[some] - first
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(some):
        before = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + _AT_ONCE, side="right")))
        here = counts[begin:end]
        starts = np.repeat(first[begin:end] - (ends[begin:end] - here - before), here)
        yield np.stack([np.repeat(left[begin:end], here), starts + np.arange(len(starts))])
        begin = end


def led_sets(pairs: Ids, ranks: Ids) -> Ids:
    """Return, for each place, the one that leads its set; int64 [n].

    From the best rank on, who is in no set yet leads one, of all those in none that look like it. So each member looks
    like the first, and pictures do not become one set by a chain of others between them.

    Args:
        pairs: places that look alike, int64 [m, 2].
        ranks: int64 [n], the best is the highest; ties go to the first place.
    """
    leaders = np.arange(len(ranks))
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    nodes, starts = np.unique(both[:, 0], return_index=True)
    ends = np.append(starts[1:], len(both))
    is_taken = np.zeros(len(ranks), np.bool_)
    for place in np.argsort(-ranks[nodes], kind="stable").tolist():
        node = nodes[place]
        if not is_taken[node]:
            near = both[starts[place] : ends[place], 1]
            near = near[~is_taken[near]]
            leaders[near] = node
            is_taken[near] = is_taken[node] = True
    return leaders

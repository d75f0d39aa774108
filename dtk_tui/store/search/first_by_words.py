"""The first images of a search by words, alone or with vectors: the best prompts, spread until a page is full.

Which prompts have a word, and how high it ranks them, is told by an index of the best, by lists of prompts, or by the
prompts themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection
from dtk_tui.store.search.conditions import Where
from dtk_tui.store.search.listed import any_of, in_lists
from dtk_tui.store.search.newest import count_images, count_prompts, estimate, packed
from dtk_tui.store.search.spreading import among, few_others, first_of, spread
from dtk_tui.store.search.vectors import VectorTerm, distinct, rank_prompts
from dtk_tui.store.search.words import Ordered, PromptSearch, reciprocal

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Scores = npt.NDArray[np.float64]

#: What is asked about prompts first, and not about images, must be expected to have so many times as many images as are
#: asked for, and at least so many.
_MANY, _FEW = 4, 5000
_GROWTH = 4
#: So many times as many of the nearest prompts are looked at as have enough with images by what was found up to then.
_SPARE = 1.5
# As V043 has it: what ranks at least so high, without a look at what has the word, of which there may be many.
_RANKS_HIGH = """
ts_match_vq(prompt.search, {query})
AND dtk_word_ranks(prompt.search) && ARRAY(SELECT (hashtext(%(lexeme)s) & 134217727) << 4 | level
                                             FROM generate_series(%(level)s, 15) AS level)
"""
#: Levels of ranks that are tried one after the other; level n begins with a rank of 0.017 times 2 to the power n / 3.
_LEVELS, _LEVEL_STARTS, _LEVELS_AN_OCTAVE = (8, 7, 5, 4, 2), 0.017, 3
#: What is computed in another order may differ by so much.
_ROUNDING = 1 + 1e-5
_HAS_WORDS = "prompt.search @@ {query}"
_HAS_WORDS_AND_MEETS = "prompt.search @@ {query} AND ({condition})"
_HAS_NO_WORDS = "NOT (prompt.search @@ {query}) AND ({condition})"
_WITH_IMAGES = """
SELECT string_agg(int8send(asked), ''::bytea) FROM unnest(%(prompts)s::bigint[]) AS asked
 WHERE EXISTS (SELECT FROM {source} WHERE image.prompt_id = asked AND ({condition}))
"""


def first_by_words(conn: Connection, search: PromptSearch, where: Where, limit: int) -> Ordered | None:
    """Return the first ``limit`` images by the rank of their prompts, then by date.

    None: other conditions are expected to leave so few that these are to be found first.

    Args:
        where: the whole condition, of which the search is made.
    """
    words = any_of(conn, search)
    if search.is_alone and search.is_loose and (best := _best_by_word(conn, search, words, limit)) is not None:
        return best
    if (listed := in_lists(conn, search, words)) is not None:
        return first_of(conn, search, Ordered.by_rank(*listed), limit)
    if not search.is_alone and estimate(conn, where)[0] <= max(_MANY * limit, _FEW):
        return None
    if search.words.rank != "ts_rank_cd":
        return spread(conn, search, search.order(conn, "{condition}"), limit)
    condition = _HAS_WORDS if search.is_loose else _HAS_WORDS_AND_MEETS
    found = spread(conn, search, search.order(conn, condition), limit, is_loose=search.is_loose)
    if len(found.ids) < limit:
        # Only ts_rank gives a rank to what does not match.
        rest = search.order(conn, _HAS_NO_WORDS, ranked=False)
        last = spread(conn, search, rest, limit - len(found.ids))
        behind = found.groups.max(initial=0) + 1
        found = Ordered(np.concatenate([found.ids, last.ids]), np.concatenate([found.groups, last.groups + behind]))
    return found


def _best_by_word(conn: Connection, search: PromptSearch, words: Sequence[str] | None, limit: int) -> Ordered | None:
    """Return the first ``limit`` images of a search by one word, if its prompts of the highest ranks have so many."""
    if words is None or len(words) != 1:
        return None
    few = limit * count_prompts(conn) / count_images(conn)
    for level in _LEVELS:
        least = _LEVEL_STARTS * 2 ** (level / _LEVELS_AN_OCTAVE) * _ROUNDING
        prompts = search.order(conn, _RANKS_HIGH, above=least, lexeme=words[0], level=level)
        if len(prompts.ids) >= few:
            found = spread(conn, search, prompts, limit, is_loose=True)
            if len(found.ids) == limit:
                return found
    return None


def first_by_words_and_meaning(
    conn: Connection, search: PromptSearch, meaning: Sequence[VectorTerm], limit: int
) -> tuple[Ids, Scores] | None:
    """Return the first ``limit`` images, and their scores, by reciprocal ranks of the words and of each vector term.

    What ranks is the same for all images of a prompt. Only prompts with images that meet the search take places. None:
    images meet other conditions, and the lists do not tell which prompts have the words.
    """
    listed = in_lists(conn, search, any_of(conn, search))
    if listed is None and not search.is_alone:
        return None
    ranked = search.order(conn, "{condition}") if listed is None else Ordered.by_rank(*listed)
    rows = None if search.is_alone else few_others(conn, search)
    if rows is None:
        prompts = _without_empty_groups(conn, search, ranked)
    else:
        has_images = _is_among(ranked.ids, distinct(rows[:, 1]))
        prompts = Ordered(ranked.ids[has_images], ranked.groups[has_images])
    places = prompts.places()
    scores = reciprocal(places)
    is_near = np.zeros(len(places), np.bool_)
    for term in meaning:
        near, near_places = _nearest_with_images(conn, search, term, prompts.ids, asks=rows is None)
        found = np.flatnonzero(_is_among(prompts.ids, near))
        scores[found] += reciprocal(near_places)[np.searchsorted(near, prompts.ids[found])]
        is_near[found] = True
    order = _merged(places, scores, is_near)
    pairs = np.stack([scores[order], places[order].astype(np.float64)])
    starts = np.any(np.diff(pairs, axis=1, prepend=-1.0) != 0, axis=0)
    groups = np.cumsum(starts)
    best = Ordered(prompts.ids[order], groups.astype(np.int64))
    first = spread(conn, search, best, limit) if rows is None else among(rows, best, limit)
    return first.ids, scores[order][np.searchsorted(groups, first.groups)]


def _is_among(ids: Ids, some: Ids) -> npt.NDArray[np.bool_]:
    """Tell which ids are among some in ascending order; np.isin would make an array of all numbers between these."""
    if not len(some):
        return np.zeros(len(ids), np.bool_)
    return cast("npt.NDArray[np.bool_]", some[np.searchsorted(some, ids).clip(max=len(some) - 1)] == ids)


def _merged(places: Ids, scores: Scores, is_near: npt.NDArray[np.bool_]) -> Ids:
    """Return the order by score, then by place, of prompts in the order of their places.

    But for the few that are near they have the scores of their places, and are in order already.
    """
    near, others = np.flatnonzero(is_near), np.flatnonzero(~is_near)
    near = near[np.lexsort((places[near], -scores[near]))]
    # One that is not near and has the same score has the lower place.
    return np.insert(others, np.searchsorted(-scores[others], -scores[near], side="right"), near)


def _with_images(conn: Connection, search: PromptSearch, prompts: Ids) -> npt.NDArray[np.bool_]:
    """Return which of some prompts have images that meet what else is asked."""
    return np.isin(prompts, packed(conn, _WITH_IMAGES, search.others, prompts=Bigints(prompts)))


def _without_empty_groups(conn: Connection, search: PromptSearch, prompts: Ordered) -> Ordered:
    """Return the prompts without those groups in which none has images: they take no place.

    Mostly the first of a group that is asked for has some, so that few are asked for.
    """
    starts = np.flatnonzero(np.diff(prompts.groups, prepend=-1))
    ends = np.append(starts[1:], len(prompts.ids))
    is_empty, size = np.ones(len(starts), np.bool_), 1
    asked = starts.copy()
    while len(open_groups := np.flatnonzero(is_empty & (asked < ends))):
        stops = np.minimum(asked[open_groups] + size, ends[open_groups])
        counts = stops - asked[open_groups]
        owners = np.repeat(open_groups, counts)
        offsets = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        some = _with_images(conn, search, prompts.ids[np.repeat(asked[open_groups], counts) + offsets])
        is_empty[owners[some]] = False
        asked[open_groups] = stops
        size *= _GROWTH
    kept = ~np.repeat(is_empty, ends - starts)
    return Ordered(prompts.ids[kept], prompts.groups[kept])


def _nearest_with_images(
    conn: Connection, search: PromptSearch, term: VectorTerm, prompts: Ids, *, asks: bool
) -> tuple[Ids, Ids]:
    """Return the nearest of those prompts that have images, by ascending ids, and their places from 1.

    With ``asks`` some may have none, and the nearest are asked for them: more of the nearest until there are enough.
    """
    count = term.count
    while True:
        near, places = rank_prompts(conn, replace(term, count=count), prompts)
        has_images = _with_images(conn, search, near) if asks else np.ones(len(near), np.bool_)
        if count == term.count and has_images.all():
            return near, places
        if has_images.sum() >= term.count or len(near) < count:
            near, places = near[has_images], places[has_images]
            first = np.sort(np.argsort(places, kind="stable")[: term.count])
            return near[first], np.unique(places[first], return_inverse=True)[1].astype(np.int64) + 1
        count = max(2 * count, int(_SPARE * term.count * len(near) / max(int(has_images.sum()), 1)))

"""The prompts that meet a search by words, and how high the words rank each, as the lists of prompts tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.search import postings
from dtk_tui.store.search.newest import by_keys, count_images, count_prompts, estimate, packed
from dtk_tui.store.search.vectors import Candidates
from dtk_tui.store.search.words import QUERY, PromptSearch

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Ranks = npt.NDArray[np.float32]

_LEXEMES = f"SELECT numnode({QUERY}), {QUERY}::text, tsvector_to_array(to_tsvector('english', %(words)s))"
# What stands between words that follow each other, that must all be there, or that must not.
_NOT_OR = "<&!"
_IS_UNLISTED = "(prompt.id > %(up_to)s OR prompt.id = ANY (%(long)s::bigint[])) AND ({each})"
_IS_CANDIDATE = "(prompt.id > %(up_to)s OR prompt.id = ANY (%(ids)s::bigint[])) AND ({each})"
_IMAGES = """
SELECT string_agg(int8send(image.id) || int8send(image.prompt_id) || timestamptz_send(image.created_at)
                  || int8send(coalesce(image.embedding_source_id, image.id)), ''::bytea)
  FROM {source} WHERE {prompts} AND ({condition})
"""
# An array that the planner does not see: it is looked up in the index on prompts, which has all that is asked for.
_OF_PROMPTS = "image.prompt_id = ANY (ARRAY(SELECT unnest(%(prompts)s::bigint[])))"
_OF_ANY_PROMPT = "image.prompt_id IS NOT NULL"
#: What an image of one of many prompts costs, in the planner's units: where its index tells all, and where it does not.
_INDEXED_COST, _LOOKED_AT_COST = 0.1, 0.8


def any_of(conn: Connection, search: PromptSearch) -> list[str] | None:
    """Return the words that rank, as the full-text search has them; None where they are not just any of some words."""
    if search.words.rank != "ts_rank_cd":
        return None
    nodes, query, lexemes = row_of(conn, _LEXEMES, {"words": search.words.text})
    is_any = nodes == max(2 * len(lexemes) - 1, 0) and not any(sign in query for sign in _NOT_OR)
    return list(lexemes) if is_any else None


def in_lists(conn: Connection, search: PromptSearch, words: Sequence[str] | None) -> tuple[Ids, Ranks] | None:
    """Return all prompts of a search with their ranks, int64 [n] and float32 [n]; None where the lists do not tell.

    Args:
        words: as ``any_of`` has them.
    """
    listed = None if words is None else postings.find(conn, search.tree, words)
    if listed is None:
        few = postings.candidates(conn, search.tree)
        if few is None:
            return None
        values = search.others.values | {"ids": Bigints(few[0]), "up_to": few[1]}
        return search.ranks(conn, _IS_CANDIDATE.replace("{each}", search.each), **values)
    if listed.is_all:
        return listed.ids, listed.ranks
    values = search.others.values | {"up_to": listed.up_to, "long": Bigints(listed.long)}
    ids, ranks = search.ranks(conn, _IS_UNLISTED.replace("{each}", search.each), **values)
    return np.concatenate([listed.ids, ids]), np.concatenate([listed.ranks, ranks])


def images_in_lists(conn: Connection, search: PromptSearch) -> Candidates | None:
    """Return all images of a search by the rank of their prompts, then by date; None where the lists do not tell."""
    listed = in_lists(conn, search, any_of(conn, search))
    if listed is None:
        return None
    prompts, ranks = listed
    rows = _images(conn, search, prompts)
    # One more, as there may be none; and 0 is the place of what is no prompt of the search.
    places = np.zeros(int(max(prompts.max(initial=0), rows[:, 1].max(initial=0))) + 1, np.int64)
    places[prompts] = np.unique(-ranks, return_inverse=True)[1] + 1
    rows = rows[places[rows[:, 1]] > 0]
    order = np.lexsort((-rows[:, 0], -rows[:, 2], places[rows[:, 1]]))
    rows = rows[order]
    # Places without images are left out.
    own = np.cumsum(np.diff(places[rows[:, 1]], prepend=0) != 0, dtype=np.int64)
    return Candidates(rows[:, 0], rows[:, 1], rows[:, 3], own)


def _images(conn: Connection, search: PromptSearch, prompts: Ids) -> Ids:
    """Return images that meet what else a search asks, those of the prompts at least: id, prompt, time, representative.

    In no order. By the prompts, or by what else is asked, whichever is expected to cost less.
    """
    expected, cost = estimate(conn, search.others)
    others, keys = by_keys(conn, search.others, expected)
    # What was estimated may read an index alone, which has no prompts.
    cost = max(cost, expected * _LOOKED_AT_COST)
    count = len(prompts) * count_images(conn) / count_prompts(conn)
    if count * (_INDEXED_COST if search.is_alone else _LOOKED_AT_COST) <= (cost if keys is None else min(cost, keys)):
        template = _IMAGES.replace("{prompts}", _OF_PROMPTS)
        return packed(conn, template, search.others, prompts=Bigints(prompts)).reshape(-1, 4)
    return packed(conn, _IMAGES.replace("{prompts}", _OF_ANY_PROMPT), others).reshape(-1, 4)

"""Ranking by the words of prompts.

Prompts are ranked, of which there are far fewer than images, and spread to images only as far as is asked for. The
images of a prompt share its place, newest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtk_tui.domain.query.nodes import And, Node, Prompt
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.search import conditions, postings, texts
from dtk_tui.store.search.newest import count_images, estimate, newest_of, packed
from dtk_tui.store.search.vectors import Candidates, VectorTerm, rank_prompts
from dtk_tui.store.text_codec import to_db

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Scores = npt.NDArray[np.float64]

RRF_K = 60
#: How near words stand to each other costs the square of their number: of more terms only how often they occur counts.
_COVERED_TERMS = 8
_RANKING_TERMS = 100
#: The first prompts are spread so many at a time, then more and more; of more equals than that, the newest are found.
_FIRST_PROMPTS, _GROWTH, _MANY_EQUALS = 16, 4, 128
#: What the planner's cost of finding an image of a prompt is about.
_IMAGE_COST = 2.5

_QUERY = "websearch_to_tsquery('english', %(words)s)"
# A prompt that holds a term only within a longer word ranks behind those that hold it as a word.
_MATCHED = """
WITH matched AS (
    SELECT image.id, image.prompt_id, image.embedding_source_id, image.created_at FROM {source} WHERE {condition}),
ranked AS (
    SELECT id, dense_rank() OVER (ORDER BY {rank}(search, {query}, 1) DESC) place
      FROM prompt WHERE id IN (SELECT prompt_id FROM matched)),
best AS (
    SELECT matched.*, coalesce(place, (SELECT count(*) FROM ranked) + 1) AS place
      FROM matched LEFT JOIN ranked ON ranked.id = matched.prompt_id
     ORDER BY place, created_at DESC, matched.id DESC LIMIT %(limit)s)
SELECT string_agg(int8send(id) || int8send(coalesce(prompt_id, 0)) || int8send(coalesce(embedding_source_id, id))
                  || int8send(place), '' ORDER BY place, created_at DESC, id DESC)
  FROM best
"""
# Not sorted here, which would take the words of each prompt along and compute each rank twice.
_RANKED = "SELECT string_agg(int8send(prompt.id) || float4send({rank}), ''::bytea) FROM prompt WHERE {condition}"
# As V043 has it: what ranks at least so high, without a look at what has the word, of which there may be many.
_RANKS_HIGH = """
ts_match_vq(prompt.search, {query})
AND dtk_word_ranks(prompt.search) && ARRAY(SELECT (hashtext(%(lexeme)s) & 134217727) << 4 | level
                                             FROM generate_series(%(level)s, 15) AS level)
"""
_LEXEMES = f"SELECT numnode({_QUERY}), tsvector_to_array(to_tsvector('english', %(words)s))"
#: Levels of ranks that are tried one after the other; level n begins with a rank of 0.017 times 2 to the power n / 3.
_LEVELS, _LEVEL_STARTS, _LEVELS_AN_OCTAVE = (8, 7, 5, 4, 2), 0.017, 3
#: What is computed in another order may differ by so much.
_ROUNDING = 1 + 1e-5
_HAS_WORDS = "prompt.search @@ {query}"
_IS_UNLISTED = "(prompt.id > %(up_to)s OR prompt.id = ANY (%(long)s::bigint[])) AND ({each})"
_HAS_WORDS_AND_MEETS = "prompt.search @@ {query} AND ({condition})"
_HAS_NO_WORDS = "NOT (prompt.search @@ {query}) AND ({condition})"
_MET = """
SELECT string_agg(int8send(prompt.id), ''::bytea) FROM {source}
 WHERE prompt.id = ANY (%(ids)s::bigint[]) AND ({condition})
"""
_WITH_IMAGES = """
SELECT string_agg(int8send(asked), ''::bytea) FROM unnest(%s::bigint[]) AS asked
 WHERE EXISTS (SELECT FROM image WHERE image.prompt_id = asked)
"""
_PROMPTS = "SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'prompt'::regclass"
_OF_PROMPTS = """
SELECT string_agg(int8send(image.id) || int8send(image.prompt_id), ''::bytea
                  ORDER BY image.created_at DESC, image.id DESC)
  FROM {source} WHERE image.prompt_id = ANY (%(prompts)s::bigint[]) AND ({condition})
"""
_OF_PROMPTS_THAT_MEET = _OF_PROMPTS.replace(
    "ANY (%(prompts)s::bigint[])",
    "ANY (ARRAY(SELECT prompt.id FROM prompt WHERE prompt.id = ANY (%(prompts)s::bigint[]) AND ({each})))",
)
_OF_MANY_PROMPTS = "image.prompt_id IN (SELECT unnest(%(prompts)s::bigint[])) AND ({condition})"


# Image by image, so that only the prompts of these are looked at.
_MEETING = """
SELECT string_agg(int8send(image.id), ''::bytea) FROM image
 WHERE image.id = ANY (%(ids)s::bigint[])
   AND EXISTS (SELECT FROM prompt WHERE prompt.id = image.prompt_id AND ({condition}) OFFSET 0)
"""


@dataclass(frozen=True, slots=True)
class Words:
    """The terms that rank: as a query of the full-text search, and the function that ranks (PostgreSQL, 12.3.3)."""

    text: str
    rank: str

    @classmethod
    def of(cls, terms: Sequence[str]) -> Words:
        """Return what ranks by terms, of which any may be missing."""
        forms = [form for term in terms for form in conditions.both_forms(term)][:_RANKING_TERMS]
        text = " or ".join('"' + form.replace('"', " ") + '"' for form in forms)
        return cls(to_db(text), "ts_rank_cd" if len(forms) <= _COVERED_TERMS else "ts_rank")


@dataclass(frozen=True, slots=True)
class PromptSearch:
    """A search whose images all have a prompt that meets ``prompts``; ``others`` is what else they meet.

    With ``is_loose`` most prompts that have the words meet it, and only those that are shown are looked at: ``each`` is
    the condition for a few of them, whose values are with the others. ``term`` is the text that prompts must have in
    them, where that is all.
    """

    prompts: conditions.Where
    others: conditions.Where
    words: Words
    each: str
    is_loose: bool
    term: str | None

    @property
    def is_alone(self) -> bool:
        """Whether images meet nothing else."""
        return self.others.condition == "true"

    def order(
        self, conn: Connection, condition: str, *, ranked: bool = True, above: float = 0, **values: Any
    ) -> Ordered:
        """Return the prompts that meet a condition by their rank, from one on; without one, as equals."""
        ids, ranks = self.ranks(conn, condition, ranked=ranked, **values)
        return Ordered.by_rank(ids[ranks >= above], ranks[ranks >= above])

    def ranks(
        self, conn: Connection, condition: str, *, ranked: bool = True, **values: Any
    ) -> tuple[Ids, npt.NDArray[np.float32]]:
        """Return the prompts that meet a condition with their ranks; int64 [n] and float32 [n]."""
        rank = f"{self.words.rank}(search, {_QUERY}, 1)" if ranked else "0::real"
        text = condition.format(query=_QUERY, condition=self.prompts.condition)
        sql = _RANKED.format(rank=rank, condition=text)
        # Planned anew, as the best plan depends on the words.
        row = conn.execute(sql, self.prompts.values | values | {"words": self.words.text}, prepare=False).fetchone()
        rows = np.frombuffer(row[0] or b"" if row else b"", np.dtype([("id", ">i8"), ("rank", ">f4")]))
        return rows["id"].astype(np.int64), rows["rank"].astype(np.float32)

    def met_by(self, conn: Connection, prompts: Ordered) -> Ordered:
        """Return those of some prompts that meet the condition."""
        each = conditions.Where(self.each, self.others.values, "prompt")
        met = np.isin(prompts.ids, packed(conn, _MET, each, ids=Bigints(prompts.ids)))
        return Ordered(prompts.ids[met], prompts.groups[met])


@dataclass(frozen=True, slots=True)
class Ordered:
    """Ids in order, and to which group of equals each belongs, by ascending numbers; int64 [n] each."""

    ids: Ids
    groups: Ids

    @classmethod
    def by_rank(cls, ids: Ids, ranks: npt.NDArray[np.float32]) -> Ordered:
        """Return ids by their ranks, the highest first."""
        best = np.argsort(-ranks)
        return cls(ids[best], np.cumsum(np.diff(ranks[best], prepend=np.inf) != 0, dtype=np.int64))

    def places(self) -> Ids:
        """Return the places, from 1, that equals share."""
        return np.cumsum(np.diff(self.groups, prepend=-1) != 0, dtype=np.int64)


def of_prompts(filtered: Node | None, terms: Sequence[str], name_ids: conditions.NameIds) -> PromptSearch | None:
    """Return a search by words as one in prompts; None when images without a matching prompt may meet the filter."""
    parts = filtered.parts if isinstance(filtered, And) else (filtered,) if filtered else ()
    inside = [part for part in parts if texts.column_of(part) == "image.prompt_id"]
    others = [part for part in parts if part not in inside]
    tree = And(tuple(inside)) if len(inside) > 1 else inside[0] if inside else None
    if tree is None or texts.is_met_without(tree):
        return None
    prompts = conditions.Where(source="prompt")
    prompts.condition = texts.on_prompts(tree, prompts.bind_text)
    other = And(tuple(others)) if len(others) > 1 else others[0] if others else None
    where = conditions.where(other, name_ids)
    is_loose = texts.is_one_look_up(tree)
    each = texts.on_each_prompt(tree, where.bind_text) if is_loose else "true"
    term = tree.text if isinstance(tree, Prompt) else None
    return PromptSearch(prompts, where, Words.of(terms), each, is_loose, term)


def all_by_words(conn: Connection, where: conditions.Where, terms: Sequence[str], limit: int | None) -> Candidates:
    """Return the matching images by the rank of their prompts, then by date, with places from 1."""
    words = Words.of(terms)
    template = _MATCHED.replace("{rank}", words.rank).replace("{query}", _QUERY)
    rows = packed(conn, template, where, words=words.text, limit=limit).reshape(-1, 4)
    return Candidates(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3])


def first_by_words(conn: Connection, search: PromptSearch, limit: int) -> Ordered:
    """Return the first ``limit`` images by the rank of their prompts, then by date."""
    if search.words.rank != "ts_rank_cd":
        return _spread(conn, search, search.order(conn, "{condition}"), limit)
    if search.is_alone and search.is_loose and (best := _best_by_word(conn, search, limit)) is not None:
        return best
    condition = _HAS_WORDS if search.is_loose else _HAS_WORDS_AND_MEETS
    found = _spread(conn, search, search.order(conn, condition), limit, is_loose=search.is_loose)
    if len(found.ids) < limit:
        # Only ts_rank gives a rank to what does not match.
        rest = search.order(conn, _HAS_NO_WORDS, ranked=False)
        last = _spread(conn, search, rest, limit - len(found.ids))
        behind = found.groups.max(initial=0) + 1
        found = Ordered(np.concatenate([found.ids, last.ids]), np.concatenate([found.groups, last.groups + behind]))
    return found


def _best_by_word(conn: Connection, search: PromptSearch, limit: int) -> Ordered | None:
    """Return the first ``limit`` images of a search by one word, if its prompts of the highest ranks have so many."""
    lexeme = _only_word(conn, search)
    if lexeme is None:
        return None
    few = limit * row_of(conn, _PROMPTS)[0] / count_images(conn)
    for level in _LEVELS:
        least = _LEVEL_STARTS * 2 ** (level / _LEVELS_AN_OCTAVE) * _ROUNDING
        prompts = search.order(conn, _RANKS_HIGH, above=least, lexeme=lexeme, level=level)
        if len(prompts.ids) >= few:
            found = _spread(conn, search, prompts, limit, is_loose=True)
            if len(found.ids) == limit:
                return found
    return None


def _only_word(conn: Connection, search: PromptSearch) -> str | None:
    """Return the word that ranks, as the full-text search has it; None where none does, or several."""
    nodes, lexemes = row_of(conn, _LEXEMES, {"words": search.words.text})
    return str(lexemes[0]) if nodes == 1 and len(lexemes) == 1 else None


def _all_by_word(conn: Connection, search: PromptSearch) -> Ordered | None:
    """Return all prompts of a search by one word, from the lists of prompts; None where these do not tell."""
    if search.term is None or not search.is_loose or search.words.rank != "ts_rank_cd":
        return None
    lexeme = _only_word(conn, search)
    listed = None if lexeme is None else postings.find(conn, search.term, lexeme)
    if listed is None:
        return None
    values = search.others.values | {"up_to": listed.up_to, "long": Bigints(listed.long)}
    ids, ranks = search.ranks(conn, _IS_UNLISTED.replace("{each}", search.each), **values)
    is_new = ~np.isin(ids, listed.ids)
    return Ordered.by_rank(np.concatenate([listed.ids, ids[is_new]]), np.concatenate([listed.ranks, ranks[is_new]]))


def first_by_words_and_meaning(
    conn: Connection, search: PromptSearch, meaning: Sequence[VectorTerm], limit: int
) -> tuple[Ids, Scores]:
    """Return the first ``limit`` images, and their scores, by reciprocal ranks of the words and of each vector term.

    For searches in prompts alone: what ranks is the same for all images of a prompt.
    """
    ranked = _all_by_word(conn, search)
    prompts = _without_empty_groups(conn, search.order(conn, "{condition}") if ranked is None else ranked)
    places = prompts.places()
    scores = reciprocal(places)
    is_near = np.zeros(len(places), np.bool_)
    for term in meaning:
        near, near_places = _nearest_with_images(conn, term, prompts.ids)
        found = np.flatnonzero(np.isin(prompts.ids, near))
        scores[found] += reciprocal(near_places)[np.searchsorted(near, prompts.ids[found])]
        is_near[found] = True
    order = _merged(places, scores, is_near)
    pairs = np.stack([scores[order], places[order].astype(np.float64)])
    starts = np.any(np.diff(pairs, axis=1, prepend=-1.0) != 0, axis=0)
    groups = np.cumsum(starts)
    first = _spread(conn, search, Ordered(prompts.ids[order], groups.astype(np.int64)), limit)
    return first.ids, scores[order][np.searchsorted(groups, first.groups)]


def _merged(places: Ids, scores: Scores, is_near: npt.NDArray[np.bool_]) -> Ids:
    """Return the order by score, then by place, of prompts in the order of their places.

    But for the few that are near they have the scores of their places, and are in order already.
    """
    near, others = np.flatnonzero(is_near), np.flatnonzero(~is_near)
    near = near[np.lexsort((places[near], -scores[near]))]
    # One that is not near and has the same score has the lower place.
    return np.insert(others, np.searchsorted(-scores[others], -scores[near], side="right"), near)


def _with_images(conn: Connection, prompts: Ids) -> npt.NDArray[np.bool_]:
    """Return which of some prompts have images."""
    row = conn.execute(_WITH_IMAGES, (Bigints(prompts),), prepare=False, binary=True).fetchone()
    return np.isin(prompts, ids_from(row[0] if row else None))


def _without_empty_groups(conn: Connection, prompts: Ordered) -> Ordered:
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
        some = _with_images(conn, prompts.ids[np.repeat(asked[open_groups], counts) + offsets])
        is_empty[owners[some]] = False
        asked[open_groups] = stops
        size *= _GROWTH
    kept = ~np.repeat(is_empty, ends - starts)
    return Ordered(prompts.ids[kept], prompts.groups[kept])


def _nearest_with_images(conn: Connection, term: VectorTerm, prompts: Ids) -> tuple[Ids, Ids]:
    """Return the nearest of those prompts that have images, and their places from 1, which equals share."""
    near = rank_prompts(conn, term, prompts)
    if _with_images(conn, near[0]).all():
        return near
    return rank_prompts(conn, term, prompts[_with_images(conn, prompts)])


def reciprocal(places: Ids) -> Scores:
    """Return the scores of places (Cormack, Clarke and Buettcher, SIGIR 2009), float64."""
    return 1.0 / (RRF_K + places.astype(np.float64))


def _spread(conn: Connection, search: PromptSearch, prompts: Ordered, limit: int, *, is_loose: bool = False) -> Ordered:
    """Return the first ``limit`` images of prompts in order, with the groups of these.

    With ``is_loose`` some prompts do not meet the condition of the search.
    """
    ids, groups = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    start, size, wanted = 0, _FIRST_PROMPTS, limit
    while start < len(prompts.ids) and wanted > 0:
        stop = _end(prompts.groups, start, size)
        batch = Ordered(prompts.ids[start:stop], prompts.groups[start:stop])
        if stop - start > _MANY_EQUALS and batch.groups[0] == batch.groups[-1]:
            found = _newest_of_equals(conn, search, batch, wanted, is_loose)
        else:
            found = _images(conn, search, batch, is_loose)
        ids.append(found.ids[:wanted])
        groups.append(found.groups[:wanted])
        start, size, wanted = stop, size * _GROWTH, wanted - len(found.ids)
    return Ordered(np.concatenate(ids), np.concatenate(groups))


def _end(groups: Ids, start: int, size: int) -> int:
    """Return where a batch of whole groups ends, of about ``size``; a long group is a batch of its own."""
    last = groups[min(start + size, len(groups)) - 1]
    begin, end = (int(number) for number in np.searchsorted(groups, [last, last + 1]))
    return begin if start < begin and end - start > 2 * size else end


def _newest_of_equals(conn: Connection, search: PromptSearch, prompts: Ordered, limit: int, is_loose: bool) -> Ordered:
    """Return the newest images of many prompts of one group, at most ``limit``."""
    others, images = search.others, count_images(conn)
    count = len(prompts.ids) * images / row_of(conn, _PROMPTS)[0]
    expected = count if search.is_alone else count * estimate(conn, others)[0] / images
    condition = _OF_MANY_PROMPTS.format(condition=others.condition)
    where = replace(others, condition=condition, values=others.values | {"prompts": Bigints(prompts.ids)})
    most = 2 * limit if is_loose else limit
    found = newest_of(conn, where, most, expected, count * _IMAGE_COST)
    if is_loose and len(found):
        each = conditions.Where(search.each, others.values)
        kept = found[np.isin(found, packed(conn, _MEETING, each, ids=Bigints(found)))]
        if len(kept) < limit and len(found) == most:
            return _newest_of_equals(conn, search, search.met_by(conn, prompts), limit, is_loose=False)
        found = kept
    return Ordered(found, np.full(len(found), prompts.groups[0]))


def _images(conn: Connection, search: PromptSearch, prompts: Ordered, is_loose: bool) -> Ordered:
    """Return all images of some prompts by group, then the newest first."""
    template = _OF_PROMPTS_THAT_MEET.replace("{each}", search.each) if is_loose else _OF_PROMPTS
    rows = packed(conn, template, search.others, prompts=Bigints(prompts.ids)).reshape(-1, 2)
    by_id = np.argsort(prompts.ids)
    groups = prompts.groups[by_id[np.searchsorted(prompts.ids, rows[:, 1], sorter=by_id)]]
    order = np.argsort(groups, kind="stable")
    return Ordered(rows[order, 0], groups[order])

"""Search: images that meet a query's filter exactly, ranked by words and by vectors.

Ranking by several lists is reciprocal-rank fusion: an image scores the sum of 1 / (60 + place) over the lists that it
is on (Cormack, Clarke and Buettcher, SIGIR 2009). Images of one prompt share the place of the prompt, members of a
group that of the representative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.domain.query.nodes import Album, And, CaptionText, Folder, Named, Negative, Node, Or, Query, Tag
from dtk_tui.store.arrays import Bigints
from dtk_tui.store.database import Connection
from dtk_tui.store.search import captioned, conditions, models, negatives, texts, words
from dtk_tui.store.search.first_by_words import first_by_words, first_by_words_and_meaning
from dtk_tui.store.search.listed import images_in_lists
from dtk_tui.store.search.newest import by_keys, count_images, estimate, newest, newest_of, packed
from dtk_tui.store.search.sorting import first_sorted, sorted_places
from dtk_tui.store.search.vectors import (
    FEWEST,
    MOST,
    Candidates,
    Ranked,
    VectorTerm,
    count_walked,
    rank_by_image,
    rank_by_prompt,
)
from dtk_tui.store.text_codec import to_nfc

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Vector = npt.NDArray[np.float32]
    About = Sequence[tuple[int, Vector]]
    Like = Sequence[tuple[int, Vector, int | None]]

_TAG_IDS = """
SELECT wanted, array_agg(tag.id)
  FROM unnest(%s::text[]) AS wanted
  JOIN tag ON replace(lower(dtk_nfc(tag.name)), '_', ' ') = replace(lower(wanted), '_', ' ')
 GROUP BY wanted
"""
_FOLDER_IDS = """
SELECT wanted, array_agg(folder.id)
  FROM unnest(%s::text[]) AS wanted
  JOIN folder ON lower(dtk_nfc(name)) = lower(wanted)
    OR lower(dtk_nfc(path)) = lower(coalesce(nullif(rtrim(wanted, '/'), ''), '/'))
 GROUP BY wanted
"""
_ALBUM_IDS = """
SELECT wanted, array_agg(album.id) FROM unnest(%s::text[]) AS wanted JOIN album ON lower(dtk_nfc(name)) = lower(wanted)
 GROUP BY wanted
"""
# Words that are not searched, such as "the", give an empty query. Where a dictionary gives several words in one place,
# any of them will do, and their pairs say nothing.
_CAPTION_QUERY = """
SELECT CASE WHEN is_phrase THEN phraseto_tsquery(language.name::regconfig, words)
            ELSE plainto_tsquery(language.name::regconfig, words) END::text,
       CASE WHEN is_phrase AND (SELECT count(*) = count(DISTINCT at)
                                  FROM unnest(found) AS word (lexeme, places, weights), unnest(places) AS at)
            THEN dtk_word_pairs(found) ELSE '{}' END
  FROM unnest(%s::text[], %s::boolean[]) WITH ORDINALITY AS part (words, is_phrase, place), caption_language language,
       to_tsvector(language.name::regconfig, words) AS found
 ORDER BY place
"""
# Hashed subqueries must fit into memory: beyond that a negated one is searched anew for every image.
_SETTINGS = "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off"

_MATCHED = """
SELECT string_agg(int8send(id) || int8send(coalesce(prompt_id, 0)) || int8send(coalesce(embedding_source_id, id)), '')
  FROM (SELECT image.id, prompt_id, embedding_source_id FROM {source} WHERE {condition}
         ORDER BY image.created_at DESC, image.id DESC) AS found
"""
_IS_ONE_OF = "image.id = ANY (%(ids)s::bigint[])"
#: Of so many alternatives the newest are found one by one.
_MOST_ALTERNATIVES = 4
#: What words rank is in this order anyway: equals have one place, and the newest of them comes first.
_AS_RANKED = ([("score", True)], [("score", True), ("date", True)])
#: So many times as many of the nearest images are looked at as hold enough on average that meet a filter.
_SPARE = 1.5
#: Where these have too few, so many times as many are.
_GROWTH = 3
#: What it costs, in the planner's units, to walk to one of the nearest images and look at it, and to compare any one.
_WALK_COST, _COMPARE_COST = 10, 1


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Image ids, int64 [n], in order: best first with ``scores`` float32 [n], or newest first with None.

    A score is the cosine similarity where one vector term ranks alone, else the sum of the reciprocal ranks.
    """

    ids: Ids
    scores: npt.NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class _VectorTerms:
    about: About
    like: Like
    left_out: tuple[int, ...]

    def meaning(self, count: int, cut: bool) -> list[VectorTerm]:
        """Return the terms that rank prompts."""
        return [VectorTerm(space, vector, count, cut) for space, vector in self.about]

    def rank(self, conn: Connection, count: int, cut: bool, candidates: Candidates | None) -> list[Ranked]:
        """Return a ranking for each term."""
        looks = [VectorTerm(space, vector, count, cut, self.left_out) for space, vector, _ in self.like]
        return [
            *(rank_by_prompt(conn, term, candidates) for term in self.meaning(count, cut)),
            *(rank_by_image(conn, term, candidates) for term in looks),
        ]

    def nearest(self, conn: Connection, images: float, where: conditions.Where) -> list[Ranked]:
        """Return for each term a ranking of those of about so many of the nearest images that meet a condition."""

        def term(of: str, space: int, vector: Vector) -> VectorTerm:
            return VectorTerm(space, vector, count_walked(conn, of, images), cut=False)

        return [
            *(rank_by_prompt(conn, term("prompt", *some), None, where) for some in self.about),
            *(rank_by_image(conn, term("image", space, vector), None, where) for space, vector, _ in self.like),
        ]


def find_images(
    conn: Connection, query: Query, *, about: About, like: Like, limit: int | None, left_out: Sequence[int] = ()
) -> SearchResult:
    """Return the images that a query asks for.

    Args:
        conn: a connection in a transaction; some of its settings are changed up to the end of the transaction.
        query: its filter is applied exactly and its free text ranks.
        about: text space and unit vector, float32 [dims], of each ``about:`` term.
        like: image space, unit vector and an image to leave out, of each ``like:`` term.
        limit: at most so many; None is all that match, where vectors rank all of their nearest 1,000. Of what is
            sorted, the first so many.
        left_out: more images to leave out.
    """
    conn.execute(_SETTINGS)
    if query.sort:
        return _sorted(conn, query, about, like, limit, left_out)
    name_ids = _name_ids(conn, query)
    where = conditions.where(query.filter, name_ids)
    if not about and not like:
        return (
            _by_words(conn, query, where, name_ids, limit)
            if query.terms
            else _by_date(conn, query, where, name_ids, limit)
        )
    count = MOST if limit is None else min(max(2 * limit, FEWEST), MOST)
    named = tuple(image_id for _, _, image_id in like if image_id is not None)
    terms = _VectorTerms(about, like, (*named, *left_out))
    if query.terms:
        search = words.of_prompts(query.filter, query.terms, name_ids)
        if search is not None and limit is not None and not like and not left_out:
            found = first_by_words_and_meaning(conn, search, terms.meaning(count, False), limit)
            if found is not None:
                return _limited(*found, limit)
        listed = None if search is None else images_in_lists(conn, search)
        candidates = words.all_by_words(conn, where, query.terms, None) if listed is None else listed
        rankings = [Ranked(candidates.ids, candidates.places, None), *terms.rank(conn, count, False, candidates)]
    elif query.filter is None:
        rankings = terms.rank(conn, count, True, None)
    else:
        rankings = _rank_then_filter(conn, where, terms, limit) or terms.rank(
            conn, count, False, _matching(conn, where)
        )
    ids, scores = _fused(rankings)
    kept = ~np.isin(ids, terms.left_out)
    return _limited(ids[kept], scores[kept], limit)


def condition_of(conn: Connection, query: Query) -> conditions.Where:
    """Return what the images of a query meet, but for what ranks by vectors; as ``find_images`` for the connection."""
    conn.execute(_SETTINGS)
    return conditions.where(query.filter, _name_ids(conn, query))


def _sorted(
    conn: Connection, query: Query, about: About, like: Like, limit: int | None, left_out: Sequence[int]
) -> SearchResult:
    """Return the whole result of a query sorted, the first ``limit`` of it, with scores where something ranks it."""
    if query.terms and not about and not like and [(key.column, key.descending) for key in query.sort] in _AS_RANKED:
        return find_images(conn, replace(query, sort=()), about=(), like=(), limit=limit, left_out=left_out)
    ranks_by_score = query.terms and any(key.column == "score" for key in query.sort)
    if not about and not like and not ranks_by_score:
        where = conditions.where(query.filter, _name_ids(conn, query))
        return SearchResult(first_sorted(conn, where, query.sort, limit), None)
    found = find_images(conn, replace(query, sort=()), about=about, like=like, limit=None, left_out=left_out)
    scores = np.zeros(len(found.ids)) if found.scores is None else found.scores.astype(np.float64)
    places = sorted_places(conn, found.ids, scores, query.sort)
    return _limited(found.ids[places], scores[places], limit)


def _by_date(
    conn: Connection, query: Query, where: conditions.Where, name_ids: conditions.NameIds, limit: int | None
) -> SearchResult:
    if parts := captioned.required(query.filter):
        return SearchResult(captioned.newest_captioned(conn, where, *parts, name_ids, limit), None)
    # The planner takes the images of one of these for evenly spread over the time, which they seldom are.
    if limit is not None and any(_is_of_a_time(leaf) for leaf in texts.leaves(query.filter)):
        apart = partial(_newest_apart, conn, query, name_ids, limit) if _alternatives(query.filter) else None
        return SearchResult(newest_of(conn, where, limit, *estimate(conn, where), apart), None)
    return SearchResult(newest(conn, where, limit), None)


def _newest_apart(conn: Connection, query: Query, name_ids: conditions.NameIds, limit: int) -> Ids:
    """Return the newest images from the newest of each alternative, each of which may have an index of its own."""
    found = [
        _by_date(conn, replace(query, filter=part), conditions.where(part, name_ids), name_ids, limit).ids
        for part in _alternatives(query.filter)
    ]
    return newest(conn, conditions.Where(_IS_ONE_OF, {"ids": Bigints(np.concatenate(found))}), limit)


def _alternatives(filtered: Node | None) -> list[Node]:
    """Return filters of which images that meet a filter meet any; none where it has not just one few alternatives."""
    parts = filtered.parts if isinstance(filtered, And) else (filtered,)
    choices = [part for part in parts if isinstance(part, Or)]
    if len(choices) != 1 or len(choices[0].parts) > _MOST_ALTERNATIVES:
        return []
    rest = tuple(part for part in parts if part is not None and part is not choices[0])
    return [And((*rest, *(part.parts if isinstance(part, And) else (part,)))) for part in choices[0].parts]


def _is_of_a_time(leaf: Node) -> bool:
    """Tell whether images that meet a condition are often of one time; of one model an index has them by time."""
    if isinstance(leaf, Named):
        return leaf.field != "model" or len(leaf.names) > 1 or bool(leaf.globs())
    return isinstance(leaf, Album | CaptionText | Folder | Tag)


def _by_words(
    conn: Connection, query: Query, where: conditions.Where, name_ids: conditions.NameIds, limit: int | None
) -> SearchResult:
    search = words.of_prompts(query.filter, query.terms, name_ids)
    if limit is not None and search is not None:
        first = first_by_words(conn, search, where, limit)
        if first is not None:
            return _limited(first.ids, words.reciprocal(first.places()), limit)
    listed = None if search is None or limit is not None else images_in_lists(conn, search)
    matched = words.all_by_words(conn, where, query.terms, limit) if listed is None else listed
    return _limited(matched.ids, words.reciprocal(matched.places), limit)


def nearest_images(
    conn: Connection, space_id: int, vec: Vector, limit: int, leave_out: int | None = None
) -> list[tuple[int, float]]:
    """Return the ids of the images that look most like ``vec`` (unit, float32 [dims]) with their cosine similarity.

    A representative is followed by the other members of its group.
    """
    found = rank_by_image(conn, VectorTerm(space_id, vec, min(limit + 1, MOST), cut=False), None)
    kept = found.ids != (leave_out or 0)
    ids, scores = _fused([Ranked(found.ids[kept], found.places[kept], _kept(found.similarity, kept))])
    return list(zip(ids[:limit].tolist(), scores[:limit].tolist(), strict=True))


def _kept(values: npt.NDArray[np.float32] | None, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32] | None:
    return None if values is None else values[kept]


def _name_ids(conn: Connection, query: Query) -> conditions.NameIds:
    leaves = list(texts.leaves(query.filter))
    return conditions.NameIds(
        tags=_ids(conn, _TAG_IDS, [leaf.name for leaf in leaves if isinstance(leaf, Tag)]),
        folders=_ids(conn, _FOLDER_IDS, [leaf.value for leaf in leaves if isinstance(leaf, Folder)]),
        albums=_ids(conn, _ALBUM_IDS, [leaf.name for leaf in leaves if isinstance(leaf, Album)]),
        captions={
            leaf: words
            for leaf in leaves
            if isinstance(leaf, CaptionText) and (words := _caption_query(conn, leaf)) is not None
        },
        models=models.like(conn, [name for leaf in leaves if isinstance(leaf, Named) for name in leaf.globs()]),
        negatives=negatives.holding(conn, [leaf.text for leaf in leaves if isinstance(leaf, Negative)]),
    )


def _caption_query(conn: Connection, node: CaptionText) -> conditions.CaptionQuery | None:
    """Return the query of the full-text search for a condition, or None when it has no word that is searched."""
    parts = [to_nfc(part.text) for part in node.parts], [part.is_phrase for part in node.parts]
    words, phrases, numbers = [], [], set()
    for part, (query, pairs) in zip(node.parts, conn.execute(_CAPTION_QUERY, parts), strict=True):
        if query and pairs and not part.negated:
            phrases.append(f"({query})")
            numbers.update(pairs)
        elif query:
            words.append(f"!({query})" if part.negated else f"({query})")
    if not words and not phrases:
        return None
    return conditions.CaptionQuery(" & ".join(words), " & ".join(phrases), sorted(numbers))


def _ids(conn: Connection, sql: str, names: Sequence[str]) -> dict[str, list[int]]:
    if not names:
        return {}
    wanted = {name: to_nfc(name) for name in names}
    found: dict[str, list[int]] = dict(conn.execute(sql, (sorted(set(wanted.values())),)).fetchall())
    return {name: found[form] for name, form in wanted.items() if form in found}


def _matching(conn: Connection, where: conditions.Where) -> Candidates:
    rows = packed(conn, _MATCHED, by_keys(conn, where)[0]).reshape(-1, 3)
    return Candidates(rows[:, 0], rows[:, 1], rows[:, 2], np.zeros(len(rows), np.int64))


def _rank_then_filter(
    conn: Connection, where: conditions.Where, terms: _VectorTerms, limit: int | None
) -> list[Ranked] | None:
    """Rank without the filter and apply it after that; None where that costs more or too few are left to be sure."""
    wanted = (MOST if limit is None else max(limit, FEWEST)) + len(terms.left_out)
    expected, cost = estimate(conn, where)
    images = _SPARE * wanted * count_images(conn) / max(expected, 1)
    # However wrong the estimate is, these walks take about one and a half times as long as to find all at most.
    while images * _WALK_COST <= cost + expected * _COMPARE_COST:
        kept = terms.nearest(conn, images, where)
        if all(len(ranked.ids) >= wanted for ranked in kept):
            return [replace(ranked, places=_closed_up(ranked.places)) for ranked in kept]
        images *= _GROWTH
    return None


def _closed_up(places: Ids) -> Ids:
    """Return places from 1 without gaps."""
    return np.unique(places, return_inverse=True)[1].astype(np.int64) + 1


def _fused(rankings: Sequence[Ranked]) -> tuple[Ids, npt.NDArray[np.float64]]:
    """Return every image that is on a list, with its score, best first; among equals the first on the first list."""
    ids = np.concatenate([ranked.ids for ranked in rankings])
    if len(rankings) == 1 and rankings[0].similarity is not None:
        unique, first = np.unique(ids, return_index=True)
        scores = rankings[0].similarity[first].astype(np.float64)
    else:
        weights = np.concatenate([words.reciprocal(ranked.places) for ranked in rankings])
        unique, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
        scores = np.zeros(len(unique))
        np.add.at(scores, inverse, weights)
    order = np.lexsort((first, -scores))
    return unique[order], scores[order]


def _limited(ids: Ids, scores: npt.NDArray[np.float64], limit: int | None) -> SearchResult:
    return SearchResult(ids[:limit], scores[:limit].astype(np.float32))

"""Search: images that meet a query's filter exactly, ranked by words and by vectors.

Ranking by several lists is reciprocal-rank fusion: an image scores the sum of 1 / (60 + place) over the lists that it
is on (Cormack, Clarke and Buettcher, SIGIR 2009). Images of one prompt share the place of the prompt, members of a
group that of the representative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dtk_tui.domain.query.nodes import Album, CaptionText, Folder, Query, Tag
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.search import conditions, texts
from dtk_tui.store.search.vectors import FEWEST, MOST, Candidates, Ranked, VectorTerm, rank_by_image, rank_by_prompt
from dtk_tui.store.text_codec import to_db, to_nfc

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Vector = npt.NDArray[np.float32]
    About = Sequence[tuple[int, Vector]]
    Like = Sequence[tuple[int, Vector, int | None]]

RRF_K = 60

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
# Words that are not searched, such as "the", give an empty query.
_CAPTION_QUERY = """
SELECT CASE WHEN is_phrase THEN phraseto_tsquery(language.name::regconfig, words)
            ELSE plainto_tsquery(language.name::regconfig, words) END::text
  FROM unnest(%s::text[], %s::boolean[]) WITH ORDINALITY AS part (words, is_phrase, place), caption_language language
 ORDER BY place
"""
# Hashed subqueries must fit into memory: beyond that a negated one is searched anew for every image.
_SETTINGS: tuple[str, ...] = ("SET LOCAL work_mem = '128MB'", "SET LOCAL jit = off")

_NEWEST = """
SELECT string_agg(int8send(id), ''::bytea ORDER BY created_at DESC, id DESC)
  FROM (SELECT image.id, image.created_at FROM {source} WHERE {condition}
         ORDER BY image.created_at DESC, image.id DESC LIMIT %(limit)s) AS found
"""
_WITH_MATCHED = """
WITH matched AS (
    SELECT image.id, image.prompt_id, image.embedding_source_id, image.created_at FROM {source} WHERE {condition})"""
_MATCHED = """
SELECT string_agg(int8send(id) || int8send(coalesce(prompt_id, 0)) || int8send(coalesce(embedding_source_id, id)), ''
                  ORDER BY created_at DESC, id DESC)
  FROM matched
"""
_MATCHING_OF = """
SELECT string_agg(int8send(image.id), ''::bytea) FROM {source}
 WHERE image.id = ANY (%(ids)s::bigint[]) AND ({condition})
"""
_ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM {source} WHERE {condition}"
_IMAGES = "SELECT reltuples FROM pg_class WHERE oid = 'image'::regclass"
# From this share on, the nearest images and their groups hold enough that meet the filter.
_BROAD = 0.15
#: How near words stand to each other costs the square of their number: of more terms only how often they occur counts.
_COVERED_TERMS = 8
_RANKING_TERMS = 100
# A prompt that holds a term only within a longer word ranks behind those that hold it as a word.
_BY_WORDS = """,
ranked AS (
    SELECT id, dense_rank() OVER (ORDER BY {rank}(search, websearch_to_tsquery('english', %(words)s), 1) DESC) place
      FROM prompt WHERE id IN (SELECT prompt_id FROM matched)),
best AS (
    SELECT matched.*, coalesce(place, (SELECT count(*) FROM ranked) + 1) AS place
      FROM matched LEFT JOIN ranked ON ranked.id = matched.prompt_id
     ORDER BY place, created_at DESC, matched.id DESC LIMIT %(limit)s)
SELECT string_agg(int8send(id) || int8send(coalesce(prompt_id, 0)) || int8send(coalesce(embedding_source_id, id))
                  || int8send(place), '' ORDER BY place, created_at DESC, id DESC)
  FROM best
"""


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

    def rank(self, conn: Connection, count: int, cut: bool, candidates: Candidates | None) -> list[Ranked]:
        """Return a ranking for each term."""
        meaning = [VectorTerm(space, vector, count, cut) for space, vector in self.about]
        looks = [VectorTerm(space, vector, count, cut, left_out) for space, vector, left_out in self.like]
        return [
            *(rank_by_prompt(conn, term, candidates) for term in meaning),
            *(rank_by_image(conn, term, candidates) for term in looks),
        ]


def find_images(conn: Connection, query: Query, *, about: About, like: Like, limit: int | None) -> SearchResult:
    """Return the images that a query asks for.

    Args:
        conn: a connection in a transaction; some of its settings are changed up to the end of the transaction.
        query: its filter is applied exactly and its free text ranks.
        about: text space and unit vector, float32 [dims], of each ``about:`` term.
        like: image space, unit vector and an image to leave out, of each ``like:`` term.
        limit: at most so many; None is all that match, where vectors rank all of their nearest 1,000.
    """
    for setting in _SETTINGS:
        conn.execute(setting)
    where = conditions.where(query.filter, _name_ids(conn, query))
    if not about and not like:
        if not query.terms:
            return SearchResult(_packed(conn, _NEWEST, where, limit=limit), None)
        matched = _by_words(conn, where, query.terms, limit)
        return _limited(matched.ids, _reciprocal(matched.places), limit)
    count = MOST if limit is None else min(max(2 * limit, FEWEST), MOST)
    terms = _VectorTerms(about, like)
    if query.terms:
        candidates = _by_words(conn, where, query.terms, None)
        rankings = [Ranked(candidates.ids, candidates.places, None), *terms.rank(conn, count, False, candidates)]
    elif query.filter is None:
        rankings = terms.rank(conn, count, True, None)
    else:
        rankings = _rank_then_filter(conn, where, terms, limit) or terms.rank(
            conn, count, False, _matching(conn, where)
        )
    left_out = [image_id for _, _, image_id in like if image_id is not None]
    ids, scores = _fused(rankings)
    kept = ~np.isin(ids, left_out)
    return _limited(ids[kept], scores[kept], limit)


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
    )


def _caption_query(conn: Connection, node: CaptionText) -> str | None:
    """Return the query of the full-text search for a condition, or None when it has no word that is searched."""
    parts = [to_nfc(part.text) for part in node.parts], [part.is_phrase for part in node.parts]
    queries = [query for (query,) in conn.execute(_CAPTION_QUERY, parts)]
    named = [
        f"!({query})" if part.negated else f"({query})"
        for part, query in zip(node.parts, queries, strict=True)
        if query
    ]
    return " & ".join(named) or None


def _ids(conn: Connection, sql: str, names: Sequence[str]) -> dict[str, list[int]]:
    if not names:
        return {}
    wanted = {name: to_nfc(name) for name in names}
    found: dict[str, list[int]] = dict(conn.execute(sql, (sorted(set(wanted.values())),)).fetchall())
    return {name: found[form] for name, form in wanted.items() if form in found}


def _packed(conn: Connection, template: str, where: conditions.Where, **values: Any) -> Ids:
    """Run a statement that gives its numbers in one value; planned anew, as the best plan depends on the values."""
    sql = template.format(source=where.source, condition=where.condition)
    row = conn.execute(sql, where.values | values, prepare=False).fetchone()
    return ids_from(row[0] if row else None)


def _matching(conn: Connection, where: conditions.Where) -> Candidates:
    rows = _packed(conn, _WITH_MATCHED + _MATCHED, where).reshape(-1, 3)
    return Candidates(rows[:, 0], rows[:, 1], rows[:, 2], np.zeros(len(rows), np.int64))


def _rank_then_filter(
    conn: Connection, where: conditions.Where, terms: _VectorTerms, limit: int | None
) -> list[Ranked] | None:
    """Rank without the filter and apply it after that; None when too few are left to be sure of the nearest."""
    if limit is None or not _is_broad(conn, where):
        return None
    kept: list[Ranked] = []
    for ranked in terms.rank(conn, min(4 * max(limit, FEWEST), MOST), False, None):
        ids = "{" + ",".join(map(str, ranked.ids.tolist())) + "}"
        meets = np.isin(ranked.ids, _packed(conn, _MATCHING_OF, where, ids=ids))
        if np.count_nonzero(meets) <= limit:
            return None
        places = np.unique(ranked.places[meets], return_inverse=True)[1].astype(np.int64) + 1
        kept.append(Ranked(ranked.ids[meets], places, _kept(ranked.similarity, meets)))
    return kept


def _is_broad(conn: Connection, where: conditions.Where) -> bool:
    """Ask the planner, which counts nothing, whether a filter keeps a good part of the library."""
    sql = _ESTIMATE.format(source=where.source, condition=where.condition)
    (plans,) = row_of(conn, sql, where.values)
    return bool(plans[0]["Plan"]["Plan Rows"] > _BROAD * max(row_of(conn, _IMAGES)[0], 1))


def _by_words(conn: Connection, where: conditions.Where, terms: Sequence[str], limit: int | None) -> Candidates:
    """Return the matching images by the full-text rank of their prompts (PostgreSQL manual, 12.3.3), then by date."""
    forms = [form for term in terms for form in conditions.both_forms(term)][:_RANKING_TERMS]
    words = " or ".join('"' + form.replace('"', " ") + '"' for form in forms)
    by_words = _BY_WORDS.replace("{rank}", "ts_rank_cd" if len(forms) <= _COVERED_TERMS else "ts_rank")
    rows = _packed(conn, _WITH_MATCHED + by_words, where, words=to_db(words), limit=limit).reshape(-1, 4)
    return Candidates(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3])


def _reciprocal(places: Ids) -> npt.NDArray[np.float64]:
    return 1.0 / (RRF_K + places.astype(np.float64))


def _fused(rankings: Sequence[Ranked]) -> tuple[Ids, npt.NDArray[np.float64]]:
    """Return every image that is on a list, with its score, best first; among equals the first on the first list."""
    ids = np.concatenate([ranked.ids for ranked in rankings])
    if len(rankings) == 1 and rankings[0].similarity is not None:
        unique, first = np.unique(ids, return_index=True)
        scores = rankings[0].similarity[first].astype(np.float64)
    else:
        weights = np.concatenate([_reciprocal(ranked.places) for ranked in rankings])
        unique, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
        scores = np.zeros(len(unique))
        np.add.at(scores, inverse, weights)
    order = np.lexsort((first, -scores))
    return unique[order], scores[order]


def _limited(ids: Ids, scores: npt.NDArray[np.float64], limit: int | None) -> SearchResult:
    return SearchResult(ids[:limit], scores[:limit].astype(np.float32))

"""Ranking by the words of prompts: what ranks, and the prompts and images that it ranks.

Prompts are ranked, of which there are far fewer than images. The images of a prompt share its place, newest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dtk_tui.domain.query.nodes import And, Node
from dtk_tui.store.database import Connection
from dtk_tui.store.search import conditions, texts
from dtk_tui.store.search.newest import packed
from dtk_tui.store.search.vectors import Candidates
from dtk_tui.store.text_codec import to_db

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Scores = npt.NDArray[np.float64]

RRF_K = 60
#: How near words stand to each other costs the square of their number: of more terms only how often they occur counts.
_COVERED_TERMS = 8
_RANKING_TERMS = 100

QUERY = "websearch_to_tsquery('english', %(words)s)"
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

    ``each`` is the condition for a few prompts that are at hand, whose values are with the others. With ``is_loose``
    most prompts that have the words meet it, and only those that are shown are looked at. ``tree`` is the condition as
    it was asked.
    """

    prompts: conditions.Where
    others: conditions.Where
    words: Words
    each: str
    is_loose: bool
    tree: Node

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
        rank = f"{self.words.rank}(search, {QUERY}, 1)" if ranked else "0::real"
        text = condition.format(query=QUERY, condition=self.prompts.condition)
        sql = _RANKED.format(rank=rank, condition=text)
        # Planned anew, as the best plan depends on the words.
        row = conn.execute(sql, self.prompts.values | values | {"words": self.words.text}, prepare=False).fetchone()
        rows = np.frombuffer(row[0] or b"" if row else b"", np.dtype([("id", ">i8"), ("rank", ">f4")]))
        return rows["id"].astype(np.int64), rows["rank"].astype(np.float32)


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
    each = texts.on_each_prompt(tree, where.bind_text)
    return PromptSearch(prompts, where, Words.of(terms), each, is_loose, tree)


def all_by_words(conn: Connection, where: conditions.Where, terms: Sequence[str], limit: int | None) -> Candidates:
    """Return the matching images by the rank of their prompts, then by date, with places from 1."""
    words = Words.of(terms)
    template = _MATCHED.replace("{rank}", words.rank).replace("{query}", QUERY)
    rows = packed(conn, template, where, words=words.text, limit=limit).reshape(-1, 4)
    return Candidates(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3])


def reciprocal(places: Ids) -> Scores:
    """Return the scores of places (Cormack, Clarke and Buettcher, SIGIR 2009), float64."""
    return 1.0 / (RRF_K + places.astype(np.float64))

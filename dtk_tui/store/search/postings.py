"""The prompts that have some terms, and how high words rank each, from lists and not from the prompts.

The rank is that of ts_rank_cd for words of which any may be missing, with the normalisation by length (PostgreSQL,
12.3.3): each place of one of the words counts 0.1, and the sum is divided by the logarithm of the number of words. As
there, it is a float32 in the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from dtk_tui.domain.query.nodes import And, Node, Not, Or, Prompt
from dtk_tui.store.database import Connection
from dtk_tui.store.library.postings import LONG_TOKEN, SEPARATORS
from dtk_tui.store.search.texts import has_trigram, leaves, like_pattern
from dtk_tui.store.search.vectors import distinct
from dtk_tui.store.text_codec import to_nfc

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Ranks = npt.NDArray[np.float32]
    Flags = npt.NDArray[np.bool_]

#: Of more terms the lists are not read.
_MOST_TERMS = 8
#: With more prompts that are in no list yet, all prompts are looked at as without lists.
_MOST_UNLISTED = 4096
#: With more prompts that may have a term of several words, these are found without lists.
_MOST_CANDIDATES = 2000
_PARTS = re.compile("[" + re.escape(SEPARATORS) + "]")
_WEIGHT = np.float64(np.float32(0.1))
# In one statement, and first: a prompt that is listed meanwhile is found twice then, and not never.
_STATE = """
SELECT up_to, (SELECT coalesce(max(id), 0) FROM prompt), EXISTS (SELECT FROM token_posting WHERE token = '')
  FROM posting_state
"""
_TOKENS = "SELECT first_id, prompts FROM token_posting WHERE token LIKE lower(%(pattern)s)"
_LONG = "SELECT first_id, prompts FROM token_posting WHERE token = ''"
_LEXEMES = "SELECT first_id, prompts FROM lexeme_posting WHERE lexeme = ANY (%(lexemes)s::text[])"
_RANK = np.dtype([("offset", ">u2"), ("times", ">u2"), ("words", ">u2")])


@dataclass(frozen=True, slots=True)
class Listed:
    """The prompts that meet a tree of terms, int64 [n], by ascending ids, with their ranks, float32 [n].

    Those above ``up_to`` and those of ``long`` are not among them: they have to be looked at. ``is_all``: none are.
    """

    ids: Ids
    ranks: Ranks
    up_to: int
    long: Ids
    is_all: bool


@dataclass(frozen=True, slots=True)
class _State:
    """The last prompt in the lists, and the last one that there is; ``has_long``: some are listed as too long."""

    up_to: int
    last: int
    has_long: bool


def find(conn: Connection, tree: Node, lexemes: Sequence[str]) -> Listed | None:
    """Find the prompts that meet a tree of terms, ranked by the words ``lexemes``; None where the lists do not tell."""
    terms = _terms(tree)
    if len(terms) > _MOST_TERMS or not all(map(_is_listed, terms)):
        return None
    if any(len(lexeme.encode()) > LONG_TOKEN for lexeme in lexemes):
        return None
    state = _state(conn)
    if state is None:
        return None
    up_to = state.up_to
    have = {term: _have(conn, f"%{like_pattern(term)}%", up_to) for term in terms}
    long = _long(conn, state)
    meets = _meets(tree, have)
    meets[long[long <= up_to]] = False
    ids = np.flatnonzero(meets)
    lists = conn.execute(_LEXEMES, {"lexemes": list(lexemes)}, prepare=False, binary=True).fetchall()
    return Listed(ids, _ranks(ids, lists), up_to, long, state.last <= up_to and not len(long))


def candidates(conn: Connection, tree: Node) -> tuple[Ids, int] | None:
    """Return ids of prompts, int64 [n], and the last one in the lists: none but these, and later ones, meet a tree.

    None where the lists leave more than a few. A term of several words is only where each of them is.
    """
    terms = _terms(tree)
    if len(terms) > _MOST_TERMS or not any(_is_listed(part) for term in terms for part in _parts(term)):
        return None
    state = _state(conn)
    if state is None:
        return None
    up_to = state.up_to
    may = _may_meet(tree, {term: _may_have(conn, term, up_to) for term in terms}, negated=False)
    long = _long(conn, state)
    may[long[long <= up_to]] = True
    ids = np.flatnonzero(may)
    return (ids, up_to) if len(ids) <= _MOST_CANDIDATES else None


def _may_have(conn: Connection, term: str, up_to: int) -> Flags:
    """Return which prompts may have a term: a part of it between separators is a whole word, but at the ends."""
    parts = _parts(term)
    flags = np.ones(up_to + 1, np.bool_)
    for place, part in enumerate(parts):
        if _is_listed(part):
            begin, end = "%" if place == 0 else "", "%" if place == len(parts) - 1 else ""
            flags &= _have(conn, f"{begin}{like_pattern(part)}{end}", up_to)
    return flags


def _parts(term: str) -> list[str]:
    """Return what stands between separators, of the composed form: a sign may be part of a character there."""
    return _PARTS.split(to_nfc(term))


def _may_meet(node: Node, have: Mapping[str, Flags], negated: bool) -> Flags:
    if isinstance(node, And | Or):
        combine = np.logical_and if isinstance(node, And) != negated else np.logical_or
        return cast("Flags", combine.reduce([_may_meet(part, have, negated) for part in node.parts]))
    if isinstance(node, Not):
        return _may_meet(node.part, have, not negated)
    assert isinstance(node, Prompt)
    if not negated:
        return have[node.text].copy()
    return ~have[node.text] if _is_listed(node.text) else np.ones_like(have[node.text])


def _terms(tree: Node) -> set[str]:
    return {leaf.text for leaf in leaves(tree) if isinstance(leaf, Prompt)}


def _is_listed(term: str) -> bool:
    return has_trigram(term) and not any(sign in term for sign in SEPARATORS)


def _state(conn: Connection) -> _State | None:
    """Return what the lists hold, which is to be asked first; None where too many prompts are in no list yet."""
    row = conn.execute(_STATE).fetchone()
    return None if row is None or row[1] - row[0] > _MOST_UNLISTED else _State(*row)


def _long(conn: Connection, state: _State) -> Ids:
    if not state.has_long:
        return np.zeros(0, np.int64)
    return distinct(_ids(conn.execute(_LONG, prepare=False, binary=True).fetchall()))


def _have(conn: Connection, pattern: str, up_to: int) -> Flags:
    """Return which of the prompts up to one have a token like a pattern, by their ids."""
    values = {"pattern": to_nfc(pattern)}
    flags = np.zeros(up_to + 1, np.bool_)
    ids = _ids(conn.execute(_TOKENS, values, prepare=False, binary=True).fetchall())
    flags[ids[ids <= up_to]] = True
    return flags


def _meets(node: Node, have: Mapping[str, Flags]) -> Flags:
    if isinstance(node, And | Or):
        combine = np.logical_and if isinstance(node, And) else np.logical_or
        parts = [_meets(part, have) for part in node.parts]
        return cast("Flags", combine.reduce(parts))
    if isinstance(node, Not):
        return ~_meets(node.part, have)
    assert isinstance(node, Prompt)
    return have[node.text].copy()


def _ids(lists: Sequence[tuple[int, bytes]]) -> Ids:
    offsets = np.frombuffer(b"".join(some for _, some in lists), ">u2").astype(np.int64)
    return offsets + _firsts(lists, 2)


def _firsts(lists: Sequence[tuple[int, bytes]], size: int) -> Ids:
    """Return the first id of the list of each entry of ``size`` bytes."""
    firsts = np.array([first for first, _ in lists], np.int64)
    return np.repeat(firsts, [len(some) // size for _, some in lists])


def _ranks(ids: Ids, lists: Sequence[tuple[int, bytes]]) -> Ranks:
    """Return the ranks of prompts by ascending ids; of those that have none of the words 0."""
    entries = np.frombuffer(b"".join(some for _, some in lists), _RANK)
    listed = entries["offset"].astype(np.int64) + _firsts(lists, _RANK.itemsize)
    # Looked for, and not told by an array of all prompts: that is new memory, which costs more for few.
    place = np.searchsorted(ids, listed)
    known = np.flatnonzero(place < len(ids))
    known = known[ids[place[known]] == listed[known]]
    place = place[known]
    # Two words of one prompt are two entries, which np.add.at would add a hundred times more slowly.
    times = np.bincount(place, entries["times"][known], len(ids))
    words = np.ones(len(ids))
    words[place] = entries["words"][known]
    return (_WEIGHT * times / np.log(1.0 + words)).astype(np.float32)

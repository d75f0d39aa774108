"""The prompts that have a term, and how high a word ranks each, from lists and not from the prompts.

The rank is that of ts_rank_cd for one word, with the normalisation by length (PostgreSQL, 12.3.3): each place of the
word counts 0.1, and the sum is divided by the logarithm of the number of words. As there, it is a float32 in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.store.database import Connection
from dtk_tui.store.library.postings import LONG_TOKEN, SEPARATORS
from dtk_tui.store.search.texts import has_trigram, like_pattern
from dtk_tui.store.search.vectors import distinct
from dtk_tui.store.text_codec import to_nfc

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Ranks = npt.NDArray[np.float32]

#: With more prompts that are in no list yet, all prompts are looked at as without lists.
_MOST_UNLISTED = 4096
_WEIGHT = np.float64(np.float32(0.1))
_UP_TO = "SELECT up_to, (SELECT coalesce(max(id), 0) FROM prompt) FROM posting_state"
_TOKENS = """
SELECT first_id, prompts, token = '' FROM token_posting WHERE token LIKE lower(%(pattern)s) OR token = ''
"""
_LEXEMES = "SELECT first_id, prompts FROM lexeme_posting WHERE lexeme = %(lexeme)s"
_RANK = np.dtype([("offset", ">u2"), ("times", ">u2"), ("words", ">u2")])


@dataclass(frozen=True, slots=True)
class Listed:
    """The prompts that have a term, int64 [n], by ascending ids, with their ranks, float32 [n].

    Those above ``up_to`` and those of ``long`` are in no list: they have to be looked at.
    """

    ids: Ids
    ranks: Ranks
    up_to: int
    long: Ids


def find(conn: Connection, term: str, lexeme: str) -> Listed | None:
    """Find the prompts that have ``term`` in them, ranked by the word ``lexeme``; None where the lists do not tell."""
    if not has_trigram(term) or any(sign in term for sign in SEPARATORS) or len(lexeme.encode()) > LONG_TOKEN:
        return None
    # First, as what is listed meanwhile is then looked at and listed, and found twice in place of never.
    row = conn.execute(_UP_TO).fetchone()
    if row is None or row[1] - row[0] > _MOST_UNLISTED:
        return None
    values = {"pattern": to_nfc(f"%{like_pattern(term)}%"), "lexeme": lexeme}
    found = conn.execute(_TOKENS, values, prepare=False, binary=True).fetchall()
    ids = distinct(_ids([(first, some) for first, some, is_long in found if not is_long]))
    long = distinct(_ids([(first, some) for first, some, is_long in found if is_long]))
    lists = conn.execute(_LEXEMES, values, prepare=False, binary=True).fetchall()
    return Listed(ids, _ranks(ids, lists), int(row[0]), long)


def _ids(lists: Sequence[tuple[int, bytes]]) -> Ids:
    offsets = np.frombuffer(b"".join(some for _, some in lists), ">u2").astype(np.int64)
    return offsets + _firsts(lists, 2)


def _firsts(lists: Sequence[tuple[int, bytes]], size: int) -> Ids:
    """Return the first id of the list of each entry of ``size`` bytes."""
    firsts = np.array([first for first, _ in lists], np.int64)
    return np.repeat(firsts, [len(some) // size for _, some in lists])


def _ranks(ids: Ids, lists: Sequence[tuple[int, bytes]]) -> Ranks:
    """Return the ranks of prompts; of those that do not have the word 0."""
    entries = np.frombuffer(b"".join(some for _, some in lists), _RANK)
    ranks = np.zeros(len(ids), np.float32)
    if not len(entries) or not len(ids):
        return ranks
    listed = entries["offset"].astype(np.int64) + _firsts(lists, _RANK.itemsize)
    place = np.searchsorted(ids, listed).clip(max=len(ids) - 1)
    has = ids[place] == listed
    found = entries[has]
    ranks[place[has]] = _WEIGHT * found["times"] / np.log(1.0 + found["words"])
    return ranks

"""The negative prompts that hold a text: looked up before, so that the planner knows how many images have each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import LiteralString

from dtk_tui.domain.query.nodes import And, Negative, Node, Not, Or
from dtk_tui.store.database import Connection
from dtk_tui.store.search.texts import COLUMN_OF_NEGATIVE, has_trigram, is_met_without, leaves, like_pattern
from dtk_tui.store.text_codec import to_nfc

#: Of so many different negative prompts each is looked at; of more, those that hold a text, where they are so few.
_MOST_DIFFERENT, _MOST_HOLDING = 1000, 5000
# From one to the next through their index. One more tells that there are too many.
_DIFFERENT: LiteralString = """
WITH RECURSIVE walk (id, step) AS (
    SELECT min(negative_prompt_id), 1 FROM image
    UNION ALL
    SELECT (SELECT min(negative_prompt_id) FROM image WHERE negative_prompt_id > walk.id), step + 1
      FROM walk WHERE walk.id IS NOT NULL AND step <= %(most)s)
SELECT count(*), coalesce(array_agg(id) FILTER (WHERE id IS NOT NULL), '{}') FROM walk
"""
_HOLDING_OF: LiteralString = """
SELECT place, coalesce(array_agg(prompt.id) FILTER (WHERE strpos(prompt.lowered, lower(asked.text)) > 0), '{}')
  FROM unnest(%(texts)s::text[]) WITH ORDINALITY AS asked (text, place)
  LEFT JOIN prompt ON prompt.id = ANY (%(ids)s::bigint[])
 GROUP BY place
"""
_HOLDING: LiteralString = """
SELECT array_agg(id) FROM (SELECT id FROM prompt WHERE lowered LIKE lower(%(pattern)s) LIMIT %(most)s) AS found
"""

Holding = Mapping[str, frozenset[int]]


def holding(conn: Connection, asked: Iterable[str]) -> dict[str, frozenset[int]]:
    """Return the prompts that hold each text, at least those that are negative prompts; no text of which many do."""
    texts = sorted(set(asked))
    if not texts:
        return {}
    steps, ids = conn.execute(_DIFFERENT, {"most": _MOST_DIFFERENT}).fetchone() or (0, [])
    if steps <= _MOST_DIFFERENT:
        found = conn.execute(_HOLDING_OF, {"texts": [to_nfc(text) for text in texts], "ids": ids})
        return {texts[place - 1]: frozenset(held) for place, held in found}
    result = {}
    for text in filter(has_trigram, texts):
        values = {"pattern": f"%{like_pattern(to_nfc(text))}%", "most": _MOST_HOLDING + 1}
        held = (conn.execute(_HOLDING, values).fetchone() or (None,))[0] or []
        if len(held) <= _MOST_HOLDING:
            result[text] = frozenset(held)
    return result


def sql(node: Node, held: Holding, bind: Callable[[list[int]], str]) -> str | None:
    """Return the condition on ``image`` for a tree about the negative prompt; None where not all of its texts are held.

    Args:
        bind: binds ids and returns their placeholder.
    """
    asked = list(leaves(node))
    if not all(isinstance(leaf, Negative) and leaf.text in held for leaf in asked):
        return None
    some = frozenset[int]().union(*(_held_by(leaf, held) for leaf in asked))
    met = _met(node, some, held)
    if not is_met_without(node):
        return _is_one_of(met, bind)
    # Whatever holds none of the texts meets it, like no prompt at all.
    return f"({_is_one_of(some - met, bind)}) IS NOT TRUE"


def _is_one_of(ids: frozenset[int], bind: Callable[[list[int]], str]) -> str:
    return f"{COLUMN_OF_NEGATIVE} = ANY ({bind(sorted(ids))}::bigint[])"


def _held_by(leaf: Node, held: Holding) -> frozenset[int]:
    return held[leaf.text] if isinstance(leaf, Negative) else frozenset()


def _met(node: Node, some: frozenset[int], held: Holding) -> frozenset[int]:
    """Return which of some prompts meet a tree."""
    if isinstance(node, Not):
        return some - _met(node.part, some, held)
    if isinstance(node, And):
        return some.intersection(*(_met(part, some, held) for part in node.parts))
    if isinstance(node, Or):
        return frozenset[int]().union(*(_met(part, some, held) for part in node.parts))
    return _held_by(node, held)

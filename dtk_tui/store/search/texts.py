"""The conditions on the text of a prompt: a tree of them is one subquery, so that each prompt is looked at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from operator import not_

from dtk_tui.domain.query import nodes

COLUMN_OF_NEGATIVE = "image.negative_prompt_id"
_COLUMNS: dict[type[nodes.Node], str] = {nodes.Prompt: "image.prompt_id", nodes.Negative: COLUMN_OF_NEGATIVE}
# ILIKE would make lower case of each text, which costs many times as much as looking for a word.
_HOLDS = "prompt.lowered LIKE lower({pattern})"
# The index would only be in the way of what it does not answer.
_HOLDS_UNINDEXED = "strpos(prompt.lowered, lower({text})) > 0"
# An index of trigrams finds a text that has one.
_TRIGRAM = re.compile(r"[^\W_]{3}")
#: So many alternatives are looked up in the index, one after the other; of more, each prompt is looked at.
_MOST_LOOKUPS = 64

Bind = Callable[[str], str]


def like_pattern(text: str, wild: bool = False) -> str:
    """Return ``text`` as a LIKE pattern in which ``%`` and ``_`` are ordinary; with ``wild``, * and ? are not."""
    pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return pattern.replace("*", "%").replace("?", "_") if wild else pattern


def leaves(node: nodes.Node | None) -> Iterator[nodes.Node]:
    """Yield the conditions in a tree that are no combinations."""
    if isinstance(node, nodes.And | nodes.Or):
        for part in node.parts:
            yield from leaves(part)
    elif isinstance(node, nodes.Not):
        yield from leaves(node.part)
    elif node is not None:
        yield node


def column_of(node: nodes.Node) -> str | None:
    """Return the column of ``image`` whose text alone decides about a tree; None when anything else does."""
    columns = {_COLUMNS.get(type(leaf)) for leaf in leaves(node)}
    return columns.pop() if len(columns) == 1 else None


def merged(parts: Sequence[nodes.Node], kind: type[nodes.And] | type[nodes.Or]) -> list[nodes.Node]:
    """Return ``parts`` with one combination in place of all those about the same column."""
    together: dict[str | None, list[nodes.Node]] = {}
    for part in parts:
        together.setdefault(column_of(part), []).append(part)
    result = together.pop(None, [])
    for same in together.values():
        result.append(same[0] if len(same) == 1 else kind(tuple(same)))
    return result


def sql(node: nodes.Node, column: str, bind: Bind) -> str:
    """Return the condition on ``image`` for a tree about one column.

    Args:
        bind: binds a text in its composed form and returns its placeholder.
    """
    if is_met_without(node):
        # Without a prompt nothing stands in it: what that meets is asked the other way round. The planner may look at
        # the prompts of the newest images one by one, or gather all that hold a text first.
        tree = _normal(node, negated=True)
        parts = tree.parts if isinstance(tree, nodes.Or) else (tree,)
        few = len(parts) <= _MOST_LOOKUPS
        holds = " OR ".join(f"({_holds(part, bind)})" for part in parts) if few else _tree(tree, bind)
        return f"NOT EXISTS (SELECT 1 FROM prompt WHERE prompt.id = {column} AND ({holds}))"  # noqa: S608 (constants)
    return _in_prompts(_normal(node), column, bind)


def _normal(node: nodes.Node, negated: bool = False) -> nodes.Node:
    """Return a tree, or its negation, in which only terms are negated."""
    if isinstance(node, nodes.Not):
        return _normal(node.part, not negated)
    if isinstance(node, nodes.And | nodes.Or):
        kind = nodes.And if isinstance(node, nodes.And) != negated else nodes.Or
        parts = [_normal(part, negated) for part in node.parts]
        return kind(tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))))
    return nodes.Not(node) if negated else node


def is_met_without(node: nodes.Node) -> bool:
    """Tell whether an image without a prompt meets a tree."""
    if isinstance(node, nodes.And):
        return all(is_met_without(part) for part in node.parts)
    if isinstance(node, nodes.Or):
        return any(is_met_without(part) for part in node.parts)
    return not is_met_without(node.part) if isinstance(node, nodes.Not) else False


def on_prompts(node: nodes.Node, bind: Bind) -> str:
    """Return the condition on ``prompt`` for a tree about one column that an image without a prompt does not meet."""
    node = _normal(node)
    return _in_prompts(node, "prompt.id", bind) if isinstance(node, nodes.Or) else _holds(node, bind)


def on_each_prompt(node: nodes.Node, bind: Bind) -> str:
    """Return the same condition for a few prompts that are at hand: it asks no index."""
    return _tree(_normal(node), bind)


def is_one_look_up(node: nodes.Node) -> bool:
    """Tell whether a prompt meets a tree by any of some terms, and by lacking others."""
    parts = node.parts if isinstance(node, nodes.And) else (node,)
    wanted = [part for part in parts if not isinstance(part, nodes.Not)]
    alternatives = wanted[0].parts if len(wanted) == 1 and isinstance(wanted[0], nodes.Or) else wanted[:1]
    return len(wanted) == 1 and all(isinstance(part, nodes.Prompt) for part in alternatives)


def _in_prompts(node: nodes.Node, column: str, bind: Bind) -> str:
    """Return the condition for a tree that an image without a prompt does not meet."""
    alternatives = node.parts if isinstance(node, nodes.Or) else (node,)
    found, others = _apart(alternatives)
    if len(found) > _MOST_LOOKUPS:
        found, others = [], list(alternatives)
    selects = [_select(part, bind) for part in found]
    if others:
        selects.append(_select(others[0] if len(others) == 1 else nodes.Or(tuple(others)), bind))
    return f"{column} IN ({' UNION ALL '.join(selects)})"


def has_trigram(text: str) -> bool:
    """Tell whether an index of trigrams finds what has a text."""
    return _TRIGRAM.search(text) is not None


def _is_indexed(node: nodes.Node) -> bool:
    """Tell whether the index leaves few prompts to look at."""
    parts = node.parts if isinstance(node, nodes.And) else (node,)
    return any(type(part) in _COLUMNS and has_trigram(_text(part)) for part in parts)


def _apart(parts: Sequence[nodes.Node]) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Return what the index answers, and the rest."""
    found = [_is_indexed(part) for part in parts]
    return list(compress(parts, found)), list(compress(parts, map(not_, found)))


def _select(node: nodes.Node, bind: Bind) -> str:
    return f"SELECT prompt.id FROM prompt WHERE {_holds(node, bind)}"  # noqa: S608 (constants)


def _holds(node: nodes.Node, bind: Bind) -> str:
    parts = node.parts if isinstance(node, nodes.And) else (node,)
    # The index takes terms that must all be there at once, however many.
    found, others = _apart(parts)
    conditions = [_HOLDS.format(pattern=bind(f"%{like_pattern(_text(part))}%")) for part in found]
    conditions += [_tree(part, bind) for part in others]
    return " AND ".join(conditions)


def _tree(node: nodes.Node, bind: Bind) -> str:
    if isinstance(node, nodes.Not):
        return "NOT (" + _tree(node.part, bind) + ")"
    if isinstance(node, nodes.And | nodes.Or):
        operator = " AND " if isinstance(node, nodes.And) else " OR "
        return "(" + operator.join(_tree(part, bind) for part in node.parts) + ")"
    return _HOLDS_UNINDEXED.format(text=bind(_text(node)))


def _text(node: nodes.Node) -> str:
    return node.text if isinstance(node, nodes.Prompt | nodes.Negative) else ""

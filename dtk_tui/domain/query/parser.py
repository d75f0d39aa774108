"""The query line: text in, tree out.

    line        = conditions { OR conditions }           AND binds stronger than OR
    conditions  = condition { [","] condition }           all of them
    condition   = { NOT | "-" } ( "(" line ")" | token | term )
    term        = quoted text, or words up to a comma, an operator, a bracket or a token

A token stands at the start of a word and touches its colon; any other word with a colon is ordinary text. A minus
sign negates when it touches what follows. Brackets inside a word and after a backslash are ordinary text, and so is
everything inside quotes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from dtk_tui.domain.query.nodes import About, And, Like, Looks, Node, Not, Or, Prompt, Query, Sort
from dtk_tui.domain.query.scanner import Scanner, query_error
from dtk_tui.domain.query.tokens import TOKEN_START, read_value

MAX_LENGTH = 10_000
MAX_DEPTH = 50
MAX_RANKING = 20

_BETWEEN = re.compile(r"[\s,]*")
_Lifted = About | Like | Looks | Sort


def parse(line: str, today: date | None = None) -> Query:
    """Return what ``line`` asks for; ``today`` is the local day that relative days count from (default: now).

    Raises UsageError, which says where in the line it is and what was expected, for a line that is not understood.
    """
    if len(line) > MAX_LENGTH:
        raise query_error(line, MAX_LENGTH, f"expected the end of the query after at most {MAX_LENGTH:,} characters")
    parser = _Parser(line, today or date.today(), TOKEN_START)
    tree = parser.whole()
    lifted: list[_Lifted] = []
    kept = _lift(tree, lifted, line) if tree else None
    terms = tuple(dict.fromkeys(_wanted(kept))) if kept else ()
    return Query(
        line=line,
        filter=kept,
        terms=terms,
        about=tuple(part for part in lifted if isinstance(part, About)),
        like=tuple(part for part in lifted if isinstance(part, Like)),
        looks=tuple(part for part in lifted if isinstance(part, Looks)),
        sort=tuple(part for part in lifted if isinstance(part, Sort)),
    )


class _Parser(Scanner):
    """Recursive descent; the depth of conditions within conditions is bounded."""

    _depth = 0

    def whole(self) -> Node | None:
        """Read the whole line; None when it asks for nothing."""
        self.accept(_BETWEEN)
        if not self.peek():
            return None
        tree = self._alternatives()
        if self.peek():
            raise self.error("expected words, not a closing bracket (put it in quotes to find it in the prompt)")
        return tree

    def factor(self) -> Node:
        """Read one condition with its negations."""
        if self._depth == MAX_DEPTH:
            raise self.error(f"expected at most {MAX_DEPTH} conditions within each other")
        self._depth += 1
        negated = False
        self.skip_space()
        while self.accept_not():
            negated = not negated
            self.skip_space()
        node = self._condition()
        self._depth -= 1
        return Not(node) if negated else node

    def _alternatives(self) -> Node:
        parts = [self._conditions()]
        while self.accept_or():
            parts.append(self._conditions())
        return _joined(Or, parts)

    def _conditions(self) -> Node:
        parts: list[Node] = []
        while True:
            self.accept(_BETWEEN)
            start = self.pos
            if self.peek() in ("", ")") or self.accept_or():
                self.pos = start
                break
            parts.append(self.factor())
        if not parts:
            raise self.error("expected words, or a condition such as tag:fox")
        return _joined(And, parts)

    def _condition(self) -> Node:
        if self.peek() == "(":
            return self._group()
        name = self.accept_token()
        if name is not None:
            return read_value(self, name)
        at = self.pos
        text = self.phrase()
        if text:
            return self.text(text)
        raise self.error("expected words, or a condition such as tag:fox", at)

    def _group(self) -> Node:
        opened, text = self.pos, self.text
        self.pos += 1
        tree = self._alternatives()
        if self.peek() != ")":
            raise self.error("expected a closing bracket for the one that opens here", opened)
        self.pos += 1
        self.text = text
        return tree


def _joined(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    """Return one node for ``parts``, without the same kind within itself and without repetitions."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else kind(unique)


def _lift(node: Node, lifted: list[_Lifted], line: str) -> Node | None:
    """Take what ranks or sorts out of the tree: it is about the whole result, so it cannot be an alternative."""
    inner, negated = node, False
    while isinstance(inner, Not):
        inner, negated = inner.part, not negated
    if isinstance(inner, About | Like | Looks):
        node = replace(inner, negated=negated)
    if isinstance(node, _Lifted):
        if len(lifted) == MAX_RANKING:
            raise query_error(line, node.at, f"expected at most {MAX_RANKING} terms that rank or sort")
        lifted.append(node)
        return None
    if isinstance(node, And):
        kept = [part for part in (_lift(part, lifted, line) for part in node.parts) if part is not None]
        return _joined(And, kept) if kept else None
    _refuse_lifted(node, line)
    return node


def _refuse_lifted(node: Node, line: str) -> None:
    if isinstance(node, About | Like | Looks):
        expected = f"{type(node).__name__.lower()}: outside of OR and of brackets behind NOT, because it ranks"
        raise query_error(line, node.at, f"expected {expected} the whole result")
    if isinstance(node, Sort):
        raise query_error(line, node.at, "expected sort: outside of OR and NOT, because it sorts the whole result")
    if isinstance(node, And | Or):
        for part in node.parts:
            _refuse_lifted(part, line)
    elif isinstance(node, Not):
        _refuse_lifted(node.part, line)


def _wanted(node: Node) -> list[str]:
    """Return the prompt terms that are not negated, in the order of the line."""
    if isinstance(node, Prompt):
        return [node.text]
    if isinstance(node, And | Or):
        return [text for part in node.parts for text in _wanted(part)]
    return []

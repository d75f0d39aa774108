"""Facets: what the images of a result have in common, how many of each there are, and the query of those alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtk_tui.errors import UsageError

if TYPE_CHECKING:
    from dtk_tui.domain.query.nodes import Node, Query

#: In the order in which they are shown.
FACETS = ("model", "tag", "folder", "rating", "month", "dialect", "caption")
#: A longer name is shown, but cannot be asked for.
_MOST_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet, how many images of the result have it, and the query line of those.

    ``query`` is None where the query line has no words for it.
    """

    name: str
    count: int
    query: str | None


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one facet that most images have.

    Attributes:
        name: one of ``FACETS``.
        values: in the order in which they are shown.
        others: how many more values there are.
        is_exact: False: each count is a lower bound, as not all images were looked at.
    """

    name: str
    values: Sequence[FacetValue]
    others: int = 0
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """The facets of a result of ``images`` images."""

    images: int
    facets: Sequence[Facet]


def term(facet: str, name: str) -> str | None:
    """Return the term of the query line for a value of a facet (``FacetValue.name``); None: there is none."""
    from dtk_tui.domain.query.dates import calendar_days

    if facet == "rating":
        return f"rating:{name}" if name == "none" or name.isdecimal() else None
    if facet == "caption":
        return {"yes": "has:caption", "no": "-has:caption"}[name]
    if facet == "month":
        return f"date:{name}" if calendar_days(name) else None
    if not name.isprintable() or name != name.strip() or not 0 < len(name) <= _MOST_CHARACTERS:
        return None
    if facet == "model" and any(sign in name for sign in ",*?"):
        return None
    quoted = name.replace('"', '""')
    return f'{facet}:"{quoted}"'


def narrowed(line: str, another: str | None) -> str | None:
    """Return a query line for what meets ``line`` and another term; None where no line says that."""
    from dtk_tui.domain.query.parser import parse

    if another is None:
        return None
    query, added = parse(line), parse(another)
    wanted = {*_parts(query.filter), *_parts(added.filter)}
    if wanted == set(_parts(query.filter)):
        return line
    for form in (another if not line.strip() else f"{another} {line}", f"{another} ({line})"):
        try:
            found = parse(form)
        except UsageError:
            continue
        if set(_parts(found.filter)) == wanted and _ranking(found) == _ranking(query):
            return form
    return None


def _parts(node: Node | None) -> Sequence[Node]:
    from dtk_tui.domain.query.nodes import And

    return node.parts if isinstance(node, And) else (node,) if node is not None else ()


def _ranking(query: Query) -> tuple[Sequence[object], ...]:
    return (
        query.terms,
        [(one.space, one.text, one.negated) for one in query.about],
        [(one.space, one.image, one.negated) for one in query.like],
        [(one.space, one.text, one.negated) for one in query.looks],
        [(one.column, one.descending) for one in query.sort],
    )

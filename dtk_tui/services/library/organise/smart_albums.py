"""Smart albums: which queries they may have, and what these stand for in other queries."""

from __future__ import annotations

from dataclasses import replace

from dtk_tui.domain.query import nodes
from dtk_tui.domain.query.parser import parse
from dtk_tui.errors import UsageError
from dtk_tui.services.library.organise.collections import quoted
from dtk_tui.store.database import Connection
from dtk_tui.store.library.organise import albums as store

#: Smart albums whose queries name smart albums are followed so far.
_DEEPEST = 5


def check_query(line: str) -> None:
    """Check that a query may be that of a smart album.

    Raises:
        UsageError: it is not understood, or it ranks.
    """
    query = parse(line)
    if query.about or query.like or query.looks:
        raise UsageError(
            "A smart album is what fits a query exactly.", "about:, like: and looks: only rank: leave them out."
        )


def with_smart_albums(conn: Connection, query: nodes.Query) -> nodes.Query:
    """Return a query with what smart albums stand for in the place of their names.

    Raises:
        UsageError: a smart album names itself, by others.
    """
    return replace(query, filter=None if query.filter is None else _expanded(conn, query.filter, 0))


def _expanded(conn: Connection, node: nodes.Node, depth: int) -> nodes.Node:
    names = {leaf.name for leaf in _leaves(node) if isinstance(leaf, nodes.Album)}
    found = store.queries(conn, sorted(names)) if names else {}
    if not found:
        return node
    if depth == _DEEPEST:
        raise UsageError(f"The smart album {quoted(next(iter(found)))} is made of itself.", "dtk album list shows it.")
    everything: nodes.Node = nodes.Or((nodes.Flag("in_album", True), nodes.Flag("in_album", False)))
    stands = {name: _parsed(name, line).filter or everything for name, line in found.items()}
    return _replaced(node, {name: _expanded(conn, one, depth + 1) for name, one in stands.items()})


def _parsed(name: str, line: str) -> nodes.Query:
    try:
        return parse(line)
    except UsageError as error:
        raise UsageError(
            f"The query of the smart album {quoted(name)} is not understood by this version.", str(error)
        ) from error


def _replaced(node: nodes.Node, stands: dict[str, nodes.Node]) -> nodes.Node:
    if isinstance(node, nodes.And | nodes.Or):
        return type(node)(tuple(_replaced(part, stands) for part in node.parts))
    if isinstance(node, nodes.Not):
        return nodes.Not(_replaced(node.part, stands))
    return stands.get(node.name, node) if isinstance(node, nodes.Album) else node


def _leaves(node: nodes.Node) -> list[nodes.Node]:
    if isinstance(node, nodes.And | nodes.Or):
        return [leaf for part in node.parts for leaf in _leaves(part)]
    return _leaves(node.part) if isinstance(node, nodes.Not) else [node]

"""The ComfyUI graph in a file as a tree, from what it gave down to what that was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dtk_tui.domain.parameters import RawChunk
from dtk_tui.metadata.comfy.graph import Graph, Node
from dtk_tui.metadata.dialects.comfyui import find_graph
from dtk_tui.metadata.fields import collect_fields
from dtk_tui.text import counted

#: More of a graph is of no use to a reader: lines, levels, settings of one node, characters of one setting.
LINES_LIMIT, DEPTH_LIMIT, SETTINGS_LIMIT, CHARS_LIMIT = 1000, 60, 40, 300
_MALFORMED = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class TreeLine:
    """One node, or one setting of the node above it.

    Attributes:
        depth: how many links it is away from what the graph gave.
        name: the input of the node above that it feeds, or the name of the setting; empty at the top.
        text: the class of the node, or the value of the setting.
        number: the id of the node in its graph; empty: this is a setting.
        is_again: what it is made of stands further up already.
    """

    depth: int
    name: str
    text: str
    number: str = ""
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowTree:
    """A graph as lines, from top to bottom; ``nodes`` counts all of it, ``is_cut`` says that lines are left out."""

    lines: tuple[TreeLine, ...]
    nodes: int
    is_cut: bool = False


def workflow_tree(chunks: Sequence[RawChunk]) -> WorkflowTree | None:
    """Return the ComfyUI graph in the raw metadata of a file as a tree; None: there is none that can be understood.

    A node that feeds several others has its branches where it comes first.
    """
    try:
        graph = find_graph(collect_fields(chunks, None, None))
    except _MALFORMED:
        return None
    return None if graph is None else _tree(graph)


def _tree(graph: Graph) -> WorkflowTree:
    lines: list[TreeLine] = []
    seen: set[str] = set()
    fed = {source for node in graph.nodes.values() for _, source in node.sources}
    ends = [node for node in graph.nodes.values() if node.id not in fed]
    # A circle has no end: whatever is left after the ends is begun anywhere.
    for start in (*ends, *graph.nodes.values()):
        if start.id not in seen:
            _add(graph, start, lines, seen)
        if len(lines) > LINES_LIMIT:
            return WorkflowTree(tuple(lines[:LINES_LIMIT]), len(graph.nodes), is_cut=True)
    return WorkflowTree(tuple(lines), len(graph.nodes))


def _add(graph: Graph, start: Node, lines: list[TreeLine], seen: set[str]) -> None:
    waiting: list[tuple[int, str, Node]] = [(0, "", start)]
    while waiting and len(lines) <= LINES_LIMIT:
        depth, name, node = waiting.pop()
        is_again = node.id in seen
        lines.append(TreeLine(depth, name, node.kind[:CHARS_LIMIT], node.id[:CHARS_LIMIT], is_again))
        if is_again or depth >= DEPTH_LIMIT:
            continue
        seen.add(node.id)
        lines += _settings(graph, node, depth + 1)
        waiting += [(depth + 1, key[:CHARS_LIMIT], source) for key, source in reversed([*graph.links(node)])]


def _settings(graph: Graph, node: Node, depth: int) -> list[TreeLine]:
    found = [(name, value) for name, value in node.inputs.items() if graph.link(value) is None]
    return [TreeLine(depth, name[:CHARS_LIMIT], _words(value)) for name, value in found[:SETTINGS_LIMIT]]


def _words(value: object) -> str:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return str(value)[:CHARS_LIMIT] if not isinstance(value, int) or abs(value) < 10**100 else "\u2026"
    return counted(len(value), "value") if isinstance(value, (list, dict)) else type(value).__name__

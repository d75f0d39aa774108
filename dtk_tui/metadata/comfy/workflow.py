"""The editor's form of a ComfyUI graph (``workflow``), for pictures that carry no executed one (``prompt``).

Nodes keep their values in ``widgets_values`` by position; newer editors name them in ``inputs``, for older files the
order of the core nodes is known here. Muted nodes are left out, bypassed ones passed through, subgraphs and groups
opened.
"""

from __future__ import annotations

import re
from typing import Any

from dtk_tui.metadata.comfy import group_nodes, use_everywhere
from dtk_tui.metadata.comfy.graph import NODE_LIMIT, RANDOM_TEXT, Graph, Node, node
from dtk_tui.metadata.comfy.group_nodes import SUBGRAPH_INPUT_ID, SUBGRAPH_OUTPUT_ID
from dtk_tui.metadata.comfy.widgets import WIDGETS

_MUTED, _BYPASSED = 2, 4
# ComfyUI-KJNodes and ComfyUI-Easy-Use
_SETTERS, _GETTERS = ("SetNode", "easy setNode"), ("GetNode", "easy getNode")
_SUBGRAPH_DEPTH = 6
_GROUP_LIMIT = 200
_TEXTS = frozenset({"text", "text_g", "text_l", "clip_l", "clip_g", "t5xxl", "llama", "qwen25_7b", "prompt"})
_DRAWN = ("CLIPTextEncode", "TextEncode")
_ESCAPED = re.compile(r"\\[{}]")
_CHOICE = re.compile(r"\{[^{}]*\|[^{}]*\}|\{[^{}]*\{")
_BRACE = re.compile(r"(?<!\\)[{}]")
_COMMENT = re.compile(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*")
_CONTROL = ("fixed", "increment", "decrement", "randomize")


def from_workflow(source: dict[str, Any]) -> Graph | None:
    """Return the graph in a ``workflow`` object, or None when it holds no node."""
    if not isinstance(source.get("nodes"), list):
        return None
    flat = _FlatWorkflow(source)
    nodes = flat.nodes()
    return Graph(nodes) if nodes else None


def shown_text(source: dict[str, Any], key: str) -> str | None:
    """Return the text that a node of ComfyUI-Custom-Scripts showed when the graph ran: it writes it as a list."""
    nodes = source.get("nodes")
    for item in nodes if isinstance(nodes, list) else []:
        if isinstance(item, dict) and str(item.get("id")) == key:
            values = item.get("widgets_values")
            shown = values[0] if isinstance(values, list) and len(values) == 1 else None
            if isinstance(shown, list) and len(shown) == 1 and isinstance(shown[0], str):
                return shown[0]
    return None


class _FlatWorkflow:
    """A workflow with its subgraphs opened; nodes inside one are called ``outer:inner`` as ComfyUI calls them."""

    def __init__(self, source: dict[str, Any]) -> None:
        definitions = source.get("definitions")
        listed = definitions.get("subgraphs") if isinstance(definitions, dict) else None
        self._subgraphs = {
            item["id"]: item
            for item in (listed if isinstance(listed, list) else [])
            if isinstance(item, dict) and isinstance(item.get("id"), str)
        }
        self._raw: dict[str, dict[str, Any]] = {}
        self._links: dict[str, dict[Any, tuple[Any, int]]] = {}
        self._outputs: dict[str, dict[int, tuple[Any, int]]] = {}
        self._inputs_by_subgraph: dict[str, tuple[list[str], dict[str, Any], dict[str, Any]]] = {}
        self._variables: dict[tuple[str, object], Any] = {}
        self._broadcast: dict[tuple[str, int], tuple[str, tuple[Any, int]]] = {}
        extra = source.get("extra")
        self._groups = extra.get("groupNodes") if isinstance(extra, dict) else None
        self._opened_groups = 0
        self._add_level(source, "", 0)

    def _add_level(self, level: dict[str, Any], prefix: str, depth: int) -> None:
        """Take in one level: its nodes, its links by id, and what leaves it by which slot."""
        self._links[prefix] = {}
        self._outputs[prefix] = {}
        links = level.get("links")
        for link in links if isinstance(links, list) else []:
            if isinstance(link, list) and len(link) >= 5:
                number, origin, slot, target, target_slot = link[:5]
            elif isinstance(link, dict):
                names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
                number, origin, slot, target, target_slot = (link.get(name) for name in names)
            else:
                continue
            if not isinstance(number, (int, str)) or not isinstance(slot, int) or not isinstance(target_slot, int):
                continue
            self._links[prefix][number] = (origin, slot)
            if target == SUBGRAPH_OUTPUT_ID:
                self._outputs[prefix][target_slot] = (origin, slot)
        for (key, slot), origin in use_everywhere.implicit_links(
            level, self._links[prefix], (_MUTED, _BYPASSED)
        ).items():
            self._broadcast[prefix + key, slot] = prefix, origin
        nodes = level.get("nodes")
        for given in nodes if isinstance(nodes, list) else []:
            if not isinstance(given, dict) or not isinstance(given.get("type"), str) or len(self._raw) >= NODE_LIMIT:
                continue
            item = self._expand_group(given)
            key = f"{prefix}{item.get('id')}"
            self._raw[key] = item
            if item["type"] in _SETTERS:
                self._variables.setdefault(
                    (prefix, _variable_name(item)), next((entry.get("link") for entry in _inputs(item)), None)
                )
            inner = self._subgraphs.get(item["type"])
            if inner is not None and depth < _SUBGRAPH_DEPTH and item.get("mode") not in (_MUTED, _BYPASSED):
                self._add_level(inner, f"{key}:", depth + 1)

    def _expand_group(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return a node, an instance of a group as one of a subgraph that is made for it."""
        group = group_nodes.definition(item["type"], self._groups)
        if group is None or self._opened_groups >= _GROUP_LIMIT:
            return item
        self._opened_groups += 1
        made = f"{item['type']} {self._opened_groups}"
        self._subgraphs[made] = group_nodes.as_subgraph(group, item)
        return {**item, "type": made, "widgets_values": None}

    def nodes(self) -> dict[str, Node]:
        """Return the nodes that run, with links that lead to nodes that run."""
        found = {}
        for key, item in self._raw.items():
            if item.get("mode") in (_MUTED, _BYPASSED) or f"{key}:" in self._links:
                continue
            inputs = _widget_values(item)
            prefix = key.rpartition(":")[0]
            prefix = f"{prefix}:" if prefix else ""
            for slot, entry in enumerate(_inputs(item)):
                number = entry.get("link")
                origin = self._links[prefix].get(number) if isinstance(number, (int, str)) else None
                level, origin = (prefix, origin) if origin else self._broadcast.get((key, slot), (prefix, None))
                source = self._resolve(level, origin) if origin else None
                if source is not None:
                    inputs[str(entry.get("name", ""))] = source
            found[key] = node(key, item["type"], inputs)
        return found

    def _subgraph_inputs(self, outer: str) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        """Return the names of a subgraph's inputs, and by name the links and the values that its instance has for them.

        An instance may list fewer inputs than its subgraph, in another order.
        """
        if outer not in self._inputs_by_subgraph:
            instance = self._raw.get(outer, {})
            names = [str(entry.get("name")) for entry in _inputs(self._subgraphs.get(str(instance.get("type")), {}))]
            wired = {str(entry.get("name")): entry.get("link") for entry in _inputs(instance)}
            self._inputs_by_subgraph[outer] = names, wired, self._values_of(instance)
        return self._inputs_by_subgraph[outer]

    def _values_of(self, instance: dict[str, Any]) -> dict[str, Any]:
        """Return the values that the instance of a subgraph keeps for its inputs; those inside stand for the others."""
        values = instance.get("widgets_values")
        if isinstance(values, dict):
            return values
        level = self._subgraphs.get(str(instance.get("type")), {})
        properties = instance.get("properties")
        listed = properties.get("proxyWidgets") if isinstance(properties, dict) else None
        if isinstance(listed, list) and listed:
            pairs = [pair if isinstance(pair, list) and len(pair) >= 2 else ("", "") for pair in listed]
            names = [str(pair[1]) if str(pair[0]) == "-1" else "" for pair in pairs]
        else:
            shown = _widget_slots(level)
            names = [str(entry.get("name")) for slot, entry in enumerate(_inputs(level)) if slot in shown]
        return dict(zip(names, values, strict=False)) if isinstance(values, list) else {}

    def _resolve(self, prefix: str, origin: tuple[Any, int]) -> object:
        """Follow a link through bypassed nodes and the edges of subgraphs: to a node as [id, slot], or to a value."""
        for _ in range(200):
            number, slot = origin
            if number == SUBGRAPH_INPUT_ID:
                outer = prefix[:-1]
                names, wired, kept = self._subgraph_inputs(outer)
                name = names[slot] if 0 <= slot < len(names) else ""
                link = wired.get(name)
                if link is None:
                    return kept.get(name)
                prefix = outer.rpartition(":")[0]
                prefix = f"{prefix}:" if prefix else ""
            else:
                key = f"{prefix}{number}"
                item = self._raw.get(key)
                if item is None or item.get("mode") == _MUTED:
                    return None
                if f"{key}:" in self._links:
                    prefix = f"{key}:"
                    inner = self._outputs[prefix].get(slot)
                    if inner is None:
                        return None
                    origin = inner
                    continue
                if item["type"] in _GETTERS:
                    link = self._variables.get((prefix, _variable_name(item)))
                elif item.get("mode") == _BYPASSED:
                    link = _bypass_link(item, slot)
                else:
                    return [key, slot]
            following = self._links.get(prefix, {}).get(link) if isinstance(link, (int, str)) else None
            if following is None:
                return None
            origin = following
        return None


def _inputs(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the inputs of a node."""
    entries = item.get("inputs")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _variable_name(item: dict[str, Any]) -> str:
    """Return the name under which a SetNode keeps what a GetNode of the same name gives."""
    values = item.get("widgets_values")
    return str(values[0]) if isinstance(values, list) and values else ""


def _widget_slots(level: dict[str, Any]) -> set[int]:
    """Return which inputs of a subgraph lead to a widget, and so have one on the outside."""
    nodes = level.get("nodes")
    inner = {str(item.get("id")): item for item in (nodes if isinstance(nodes, list) else []) if isinstance(item, dict)}
    links = level.get("links")
    found = set()
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("origin_id") != SUBGRAPH_INPUT_ID:
            continue
        entries = _inputs(inner.get(str(link.get("target_id")), {}))
        origin, slot = link.get("origin_slot"), link.get("target_slot")
        if not isinstance(origin, int) or not isinstance(slot, int):
            continue
        if 0 <= slot < len(entries) and isinstance(entries[slot].get("widget"), dict):
            found.add(origin)
    return found


def _as_sent(kind: str, name: str, value: object) -> object:
    """Return a value as the editor sends it: it takes the comments out of prompts, and draws lots over ``{a|b}``."""
    if name not in _TEXTS or not isinstance(value, str):
        return value
    text = _COMMENT.sub("", value)
    if "{" not in text or not kind.startswith(_DRAWN):
        return text
    bare = _ESCAPED.sub("", text)
    if _CHOICE.search(bare):
        return RANDOM_TEXT
    # A choice of one is that one.
    return _ESCAPED.sub(lambda match: match[0][1], _BRACE.sub("", text)) if bare.count("{") == bare.count("}") else text


def _bypass_link(item: dict[str, Any], slot: int) -> Any:
    """Return the link that a bypassed node passes on by an output: its first input of the same type."""
    outputs = item.get("outputs")
    entry = outputs[slot] if isinstance(outputs, list) and 0 <= slot < len(outputs) else None
    wanted = entry.get("type") if isinstance(entry, dict) else None
    for candidate in _inputs(item):
        if candidate.get("type") == wanted and isinstance(candidate.get("link"), (int, str)):
            return candidate["link"]
    return None


def _widget_values(item: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a node by name."""
    values = item.get("widgets_values")
    if isinstance(values, dict):
        return dict(values)
    if not isinstance(values, list):
        return {}
    # ComfyUI-Lora-Manager keeps a note for itself before the values.
    values = [value for value in values if not (isinstance(value, dict) and "textWidgetName" in value)]
    named = [entry["widget"].get("name") for entry in _inputs(item) if isinstance(entry.get("widget"), dict)]
    known = WIDGETS.get(item["type"])
    # Newer editors name all values, older ones those alone that have become inputs.
    if known and len(named) >= len(known) - known.count("control"):
        known = None
    names = list(known) if known else [str(name) for name in named]
    found: dict[str, Any] = {}
    position = 0
    for name in names:
        if position >= len(values):
            break
        if name != "control":
            found[name] = _as_sent(item["type"], name, values[position])
        position += 1
        follows = values[position] if position < len(values) else None
        if not known and name in ("seed", "noise_seed") and isinstance(follows, str) and follows in _CONTROL:
            position += 1
    for number, value in enumerate(values):
        if isinstance(value, dict) and isinstance(value.get("lora"), str):
            found[f"lora_{number}"] = value
    if not names and values and len([value for value in values if value not in _CONTROL]) == 1:
        if isinstance(values[0], str) and _outputs_text(item):
            found["text"] = values[0]
        elif isinstance(values[0], (int, float)) and {"INT", "FLOAT"}.intersection(_output_types(item)):
            found["value"] = values[0]
    return found


def _output_types(item: dict[str, Any]) -> list[str]:
    """Return the types of what a node gives."""
    outputs = item.get("outputs")
    return [
        str(entry.get("type")) for entry in (outputs if isinstance(outputs, list) else []) if isinstance(entry, dict)
    ]


def _outputs_text(item: dict[str, Any]) -> bool:
    """Return whether a node whose values have no names gives a text or encodes one."""
    kinds = _output_types(item)
    return "STRING" in kinds or (
        "CONDITIONING" in kinds and all(entry.get("type") != "CONDITIONING" for entry in _inputs(item))
    )

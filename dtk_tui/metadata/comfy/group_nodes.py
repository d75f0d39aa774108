"""Group nodes of older ComfyUI editors (``extra.groupNodes``), opened as the subgraphs that took their place.

A group keeps its nodes by position and its links as [node, slot, node, slot, ...]. What it shows outside is named as
src/extensions/core/groupNode.ts of ComfyUI_frontend names it: a name that is taken gets its node's title before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dtk_tui.metadata.comfy.widgets import WIDGETS

SUBGRAPH_INPUT_ID, SUBGRAPH_OUTPUT_ID = -10, -20
_PREFIXES = ("workflow>", "workflow/")
_NODE_LIMIT = 200
_LINK_LIMIT = 2000

Link = tuple[int, int, int, int]


def definition(kind: str, groups: object) -> dict[str, Any] | None:
    """Return the group that a node of class ``kind`` stands for, or None."""
    if not isinstance(groups, dict) or not kind.startswith(_PREFIXES):
        return None
    found = groups.get(kind[len(_PREFIXES[0]) :])
    return found if isinstance(found, dict) and isinstance(found.get("nodes"), list) else None


def as_subgraph(group: dict[str, Any], instance: dict[str, Any]) -> dict[str, Any]:
    """Return the group as a subgraph, its widgets with the values that ``instance`` has for them."""
    originals = [item if isinstance(item, dict) else {} for item in group["nodes"][:_NODE_LIMIT]]
    values = _values(originals, instance.get("widgets_values"))
    nodes = []
    for index, item in enumerate(originals):
        inputs = [{**entry, "link": None} for entry in entries(item, "inputs")]
        kept = item.get("widgets_values") if values is None else values[index]
        nodes.append({**item, "id": index, "inputs": inputs, "widgets_values": kept})
    links = [link for link in _links(group) if link[0] < len(nodes) and link[2] < len(nodes)]
    outer_inputs = entries(instance, "inputs")
    wires = [*links, *_input_links(nodes, links, group, outer_inputs), *_output_links(nodes, links, group)]
    for number, (_, _, target, slot) in enumerate(wires):
        if target != SUBGRAPH_OUTPUT_ID and slot < len(nodes[target]["inputs"]):
            nodes[target]["inputs"][slot]["link"] = number
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
    return {
        "nodes": nodes,
        "links": [dict(zip(names, (number, *wire), strict=True)) for number, wire in enumerate(wires)],
        "inputs": [{"name": entry.get("name")} for entry in outer_inputs],
    }


def entries(item: dict[str, Any], side: str) -> list[dict[str, Any]]:
    """Return the ``inputs`` or ``outputs`` of a node."""
    listed = item.get(side)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _links(group: dict[str, Any]) -> list[Link]:
    """Return the links inside the group; those from outside have no origin."""
    listed = group.get("links")
    found = []
    for link in listed[:_LINK_LIMIT] if isinstance(listed, list) else []:
        if isinstance(link, list) and all(isinstance(part, int) and part >= 0 for part in link[:4]) and len(link) >= 4:
            found.append((link[0], link[1], link[2], link[3]))
    return found


def _input_links(
    nodes: list[dict[str, Any]], links: list[Link], group: dict[str, Any], outer_inputs: list[dict[str, Any]]
) -> Iterator[Link]:
    """Yield links from the inputs of the instance to the inputs inside that go by their names."""
    free = {str(entry.get("name")): place for place, entry in reversed(list(enumerate(outer_inputs)))}
    rest = []
    for name, index, slot in _exposed_inputs(nodes, {link[2:] for link in links}, group):
        place = free.pop(name, None)
        if place is None:
            rest.append((index, slot))
        else:
            yield SUBGRAPH_INPUT_ID, place, index, slot
    for index, slot in rest:
        kind = nodes[index]["inputs"][slot].get("type")
        place = next((place for place in sorted(free.values()) if outer_inputs[place].get("type") == kind), None)
        if place is not None:
            free = {name: other for name, other in free.items() if other != place}
            yield SUBGRAPH_INPUT_ID, place, index, slot


def _exposed_inputs(nodes: list[dict[str, Any]], linked: set[tuple[int, int]], group: dict[str, Any]) -> Iterator[Any]:
    """Yield (name outside, node, slot) of the inputs that no link of the group leads to; former widgets come last."""
    seen: dict[str, int] = {}
    converted = []
    for index, item in enumerate(nodes):
        inputs = item["inputs"]
        former = {str(entry.get("name")) for entry in inputs if isinstance(entry.get("widget"), dict)}
        for name in WIDGETS.get(str(item.get("type")), ()):
            if name != "control" and name not in former:
                _exposed_name(item, index, name, seen, group)
        for slot, entry in enumerate(inputs):
            name = str(entry.get("name"))
            if (index, slot) in linked:
                continue
            if name in former:
                converted.append((item, index, name, slot))
            else:
                exposed = _exposed_name(item, index, name, seen, group)
                if _config(group, index, "input", name).get("visible") is not False:
                    yield exposed, index, slot
    for item, index, name, slot in converted:
        yield _exposed_name(item, index, name, seen, group), index, slot


def _exposed_name(item: dict[str, Any], index: int, name: str, seen: dict[str, int], group: dict[str, Any]) -> str:
    """Return the name that an input has outside, and note that it is taken."""
    label = next((entry.get("label") for entry in item["inputs"] if entry.get("name") == name), None)
    exposed = str(_config(group, index, "input", name).get("name") or label or name)
    key = exposed
    if exposed in seen or (item.get("type") == "PrimitiveNode" and item.get("title")):
        title = item.get("title") or item.get("type")
        key = exposed = f"{title} {name}"
        if exposed in seen:
            exposed = f"{title} {seen[exposed]} {name}"
    seen[key] = seen.get(key, 1) + 1
    return exposed


def _output_links(nodes: list[dict[str, Any]], links: list[Link], group: dict[str, Any]) -> Iterator[Link]:
    """Yield links to the outputs of the instance: what no node of the group takes, or others take as well."""
    listed = group.get("external")
    external = {
        (item[0], item[1])
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, list) and len(item) >= 2 and isinstance(item[0], int) and isinstance(item[1], int)
    }
    taken = {link[:2] for link in links}
    fed = {link[2] for link in links}
    place = 0
    for index, item in enumerate(nodes):
        kind = item.get("type")
        used = (index, 0) in taken
        if kind == "Reroute" and index in fed and used and (index, 0) not in external:
            continue
        if kind == "PrimitiveNode" and not used:
            continue
        for slot in range(len(entries(item, "outputs"))):
            visible = _config(group, index, "output", str(slot)).get("visible")
            if visible is None:
                visible = (index, slot) not in taken or (index, slot) in external
            if visible:
                yield index, slot, SUBGRAPH_OUTPUT_ID, place
                place += 1


def _config(group: dict[str, Any], index: int, side: str, name: str) -> dict[str, Any]:
    """Return what the user has set for one input or output of a group."""
    found: Any = group.get("config")
    for key in (str(index), side, name):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _values(nodes: list[dict[str, Any]], outer_inputs: object) -> list[list[Any]] | None:
    """Return the values of each node with those of the instance, which has them all in one list; None if unequal."""
    if not isinstance(outer_inputs, list):
        return None
    for skip_converted in (True, False):
        places = [_exposed_values(item, skip_converted=skip_converted) for item in nodes]
        if sum(map(len, places)) == len(outer_inputs):
            flat = iter(outer_inputs)
            found = []
            for item, kept in zip(nodes, places, strict=True):
                own = item.get("widgets_values")
                mixed = list(own) if isinstance(own, list) else []
                for place in kept:
                    mixed[place] = next(flat)
                found.append(mixed)
            return found
    return None


def _exposed_values(item: dict[str, Any], *, skip_converted: bool) -> list[int]:
    """Return which values of a node show outside: former widgets, and what follows a seed that is one, do not."""
    own = item.get("widgets_values")
    if not isinstance(own, list):
        return []
    widgets = [entry["widget"] for entry in entries(item, "inputs") if isinstance(entry.get("widget"), dict)]
    former = {str(widget.get("name")) for widget in widgets} if skip_converted else set()
    if not former:
        return list(range(len(own)))
    found = []
    names = WIDGETS.get(str(item.get("type")), ())
    previous = ""
    for place in range(len(own)):
        name = names[place] if place < len(names) else ""
        if (previous if name == "control" else name) not in former:
            found.append(place)
        previous = name
    return found

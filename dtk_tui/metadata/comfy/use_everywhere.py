"""Inputs of a ComfyUI workflow that are fed without a link by the nodes of cg-use-everywhere.

The extension notes in ``extra.ue_links`` what it has joined; where it did not, what it joins follows from types and
names (js/use_everywhere_classes.js and js/ue_properties.js of github.com/chrisgoringe/cg-use-everywhere, 6 and 7).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dtk_tui.metadata.comfy.group_nodes import SUBGRAPH_INPUT_ID, entries

_LIMIT = 5000
_SENDERS = {"Anything Everywhere": 2, "Anything Everywhere3": 0, "Anything Everywhere?": 10, "Prompts Everywhere": 5}
# What version 7 adds to a sender's priority for an expression or for two inputs of one type.
_NARROWED = 20
_ANY_TYPES = ("*", "", "None")
_PROMPT_INPUTS: tuple[Callable[[str], bool], ...] = (
    lambda name: name.startswith(("prompt", "positive")), lambda name: "neg" in name,
)  # fmt: skip
_PLAIN = re.compile(r"\^?[\w \-]{1,100}\$?(?:\|\^?[\w \-]{1,100}\$?){0,20}")

Origin = tuple[Any, int]
_Test = Callable[[str], bool] | None


@dataclass(frozen=True, slots=True)
class _Sender:
    """What one input of a sender broadcasts; ``titles`` and ``names`` say to which nodes and inputs."""

    priority: float
    kind: str
    origin: Origin
    titles: _Test
    names: _Test
    is_restricted: bool = False


def implicit_links(
    level: dict[str, Any], links: dict[Any, Origin], disabled_modes: tuple[int, ...]
) -> dict[tuple[str, int], Origin]:
    """Return the origin (node, slot) of the inputs (node, slot) of a level that are fed without a link.

    Args:
        level: a workflow or a subgraph.
        links: origin by link.
        disabled_modes: modes of nodes that do not run.
    """
    extra = level.get("extra")
    recorded = extra.get("ue_links") if isinstance(extra, dict) else None
    if isinstance(recorded, list):
        return dict(_recorded_links(recorded))
    listed = level.get("nodes")
    nodes = [item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)]
    senders = [
        item
        for item in nodes
        if ("Everywhere" in str(item.get("type")) or _converted(item)) and item.get("mode") not in disabled_modes
    ]
    if not senders:
        return {}
    return _match(nodes, _broadcasts(senders[:100], links, _link_types(level, nodes, links)), links)


def _recorded_links(recorded: list[Any]) -> list[tuple[tuple[str, int], Origin]]:
    """Return the joints that the extension has noted."""
    found = []
    for item in recorded[:_LIMIT]:
        if isinstance(item, dict):
            slots = item.get("downstream_slot"), item.get("upstream_slot")
            if isinstance(slots[0], int) and isinstance(slots[1], int):
                found.append(((str(item.get("downstream")), slots[0]), (item.get("upstream"), slots[1])))
    return found


def _link_types(level: dict[str, Any], nodes: list[dict[str, Any]], links: dict[Any, Origin]) -> dict[Any, str]:
    """Return the type of what each link carries; where the link says "any", that of the output it leaves."""
    listed = level.get("links")
    by_id = {str(item.get("id")): item for item in nodes}
    found = {}
    for link in listed if isinstance(listed, list) else []:
        number, kind = (link.get("id"), link.get("type")) if isinstance(link, dict) else (None, None)
        if isinstance(link, list) and len(link) >= 6:
            number, kind = link[0], link[5]
        if isinstance(number, (int, str)):
            found[number] = _output_type(level, by_id, links, number) if kind in _ANY_TYPES else str(kind)
    return found


def _output_type(level: dict[str, Any], nodes: dict[str, dict[str, Any]], links: dict[Any, Origin], number: Any) -> str:
    """Return the type of the output that a link leaves, through reroutes; "*" where that is not said."""
    for _ in range(20):
        if number not in links:
            break
        origin, slot = links[number]
        if origin == SUBGRAPH_INPUT_ID:
            outputs = entries(level, "inputs")
        else:
            outputs = entries(nodes.get(str(origin), {}), "outputs")
        kind = str(outputs[slot].get("type")) if 0 <= slot < len(outputs) else "*"
        if kind not in _ANY_TYPES:
            return kind
        incoming = [entry.get("link") for entry in entries(nodes.get(str(origin), {}), "inputs")]
        number = incoming[0] if len(incoming) == 1 and isinstance(incoming[0], (int, str)) else None
    return "*"


def _broadcasts(senders: list[dict[str, Any]], links: dict[Any, Origin], types: dict[Any, str]) -> list[_Sender]:
    """Return everything that is sent, strongest first."""
    found: list[_Sender] = []
    for item in senders:
        kind = item["type"]
        if (settings := _converted(item)) is not None:
            found.extend(_outputs(item, settings))
        if kind == "Seed Everywhere":
            found.append(_Sender(5, "INT", (item.get("id"), 0), None, lambda name: "seed" in name))
        if kind not in _SENDERS:
            continue
        wired = [
            (place, entry, types.get(number, ""), links[number])
            for place, entry in enumerate(entries(item, "inputs")[:50])
            if isinstance(number := entry.get("link"), (int, str)) and number in links
        ]
        repeated = {sent for sent, times in Counter(sent for _, _, sent, _ in wired).items() if times > 1}
        for place, entry, sent, origin in wired:
            found.append(_sender(item, place, entry, sent, origin, is_repeated=sent in repeated))
    return sorted(found, key=lambda sender: -sender.priority)


def _converted(item: dict[str, Any]) -> dict[str, Any] | None:
    """Return the settings of a node that broadcasts its own outputs, as version 7 lets any do; None: it does not."""
    properties = item.get("properties")
    if not isinstance(properties, dict) or not properties.get("ue_convert"):
        return None
    settings = properties.get("ue_properties")
    return settings if isinstance(settings, dict) else {}


def _outputs(item: dict[str, Any], settings: dict[str, Any]) -> Iterator[_Sender]:
    """Yield what a node broadcasts by its own outputs."""
    silent = settings.get("output_not_broadcasting")
    outputs = [
        (slot, entry)
        for slot, entry in enumerate(entries(item, "outputs")[:50])
        if not (isinstance(silent, dict) and silent.get(str(entry.get("name"))))
    ]
    types = Counter(str(entry.get("type")) for _, entry in outputs)
    for slot, entry in outputs:
        kind = str(entry.get("type"))
        as_input = {
            **item,
            "type": "Anything Everywhere",
            "properties": {"ue_properties": {"version": "7", **settings}},
        }
        yield _sender(as_input, slot, entry, kind, (item.get("id"), slot), is_repeated=types[kind] > 1)


def _sender(
    item: dict[str, Any], place: int, entry: dict[str, Any], sent: str, origin: Origin, *, is_repeated: bool
) -> _Sender:
    """Return what one input of a sender broadcasts, as its version restricts it."""
    kind = item["type"]
    properties = item.get("properties")
    own = properties.get("ue_properties") if isinstance(properties, dict) else None
    settings = own if isinstance(own, dict) else {}
    values = item.get("widgets_values")
    titles = names = None
    if "version" in settings:
        titles, names = (
            _test(settings.get(f"{key}_regex"), settings.get(f"{key}_regex_invert")) for key in ("title", "input")
        )
    elif kind == "Anything Everywhere?":
        titles, names = (
            _test(text, None) for text in ([*values, "", ""][:2] if isinstance(values, list) else ["", ""])
        )
    priority: float = _SENDERS[kind]
    if kind == "Prompts Everywhere":
        names = _PROMPT_INPUTS[min(place, 1)]
    elif is_repeated and names is None and "version" in settings:
        own_name = str(entry.get("label") or entry.get("name"))
        names = own_name.__eq__
    if "version" in settings and (titles or names):
        priority += _NARROWED
    given = settings.get("priority")
    restrictions = ("group_restricted", "color_restricted", "group_regex")
    return _Sender(
        given if isinstance(given, (int, float)) else priority, sent, origin, titles, names,
        any(settings.get(name) for name in restrictions),
    )  # fmt: skip


def _test(text: object, inverted: object) -> _Test:
    """Return what a sender's expression asks for: words are searched for, ``.*`` takes all, others are not tried."""
    if text in ("", ".*", ".", None):
        return None
    pattern = re.compile(text) if isinstance(text, str) and _PLAIN.fullmatch(text) else None
    if pattern is None:
        return lambda name: False
    searched = pattern.search
    return (lambda name: searched(name) is None) if inverted else (lambda name: searched(name) is not None)


def _may_be_fed(item: dict[str, Any], entry: dict[str, Any]) -> bool:
    """Return whether an input may be fed without a link: a widget where its node says so, another where it does not."""
    name = str(entry.get("name"))
    given = item.get("properties")
    properties = given if isinstance(given, dict) else {}
    own = properties.get("ue_properties")
    settings = {**properties, **own} if isinstance(own, dict) else properties
    is_widget = isinstance(entry.get("widget"), dict)
    choices = settings.get("widget_ue_connectable" if is_widget else "input_ue_unconnectable")
    is_named = isinstance(choices, dict) and bool(choices.get(name))
    return (is_named or "seed" in name) if is_widget else not is_named


def _match(
    nodes: list[dict[str, Any]], broadcasts: list[_Sender], links: dict[Any, Origin]
) -> dict[tuple[str, int], Origin]:
    """Return the origin of each open input: the strongest sender of its type that asks for its name.

    Two that are equally strong are joined to nothing.
    """
    found = {}
    for item in nodes[:_LIMIT]:
        title = str(item.get("title") or item.get("type"))[:200]
        if "Everywhere" in str(item.get("type")):
            continue
        for slot, entry in enumerate(entries(item, "inputs")[:200]):
            if not _may_be_fed(item, entry):
                continue
            number = entry.get("link")
            if isinstance(number, (int, str)) and number in links:
                continue
            name = str(entry.get("label") or entry.get("name"))[:200]
            wanted = [
                sender
                for sender in broadcasts
                if sender.kind == entry.get("type")
                and (sender.titles is None or sender.titles(title))
                and (sender.names is None or sender.names(name))
                and str(sender.origin[0]) != str(item.get("id"))
            ]
            if not wanted or wanted[0].is_restricted:
                continue
            equal = {sender.origin for sender in wanted if sender.priority == wanted[0].priority}
            if len(equal) == 1:
                found[str(item.get("id")), slot] = wanted[0].origin
    return found

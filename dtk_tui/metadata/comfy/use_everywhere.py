"""Inputs of a ComfyUI workflow that are fed without a link by the nodes of cg-use-everywhere.

The extension notes in ``extra.ue_links`` what it has joined; before it did so, what it joins follows from types and
names (js/use_everywhere_nodes.js of github.com/chrisgoringe/cg-use-everywhere).
"""

from __future__ import annotations

import re
from typing import Any

from dtk_tui.metadata.comfy.group_nodes import entries

_LIMIT = 5000
_SENDERS = {"Anything Everywhere": 2, "Anything Everywhere3": 0, "Anything Everywhere?": 10, "Prompts Everywhere": 5}
_PROMPT_INPUTS = (re.compile("^(?:prompt|positive)"), re.compile("neg"))
_SEED = re.compile("seed")
_PLAIN = re.compile(r"\^?[\w \-]{1,100}\$?(?:\|\^?[\w \-]{1,100}\$?){0,20}")

Origin = tuple[Any, int]
_NamePattern = re.Pattern[str] | None
_Sender = tuple[int, str, Origin, _NamePattern, _NamePattern]


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
        item for item in nodes if "Everywhere" in str(item.get("type")) and item.get("mode") not in disabled_modes
    ]
    if not senders:
        return {}
    return _match(nodes, _broadcasts(senders[:100], links, _link_types(level)), links)


def _recorded_links(recorded: list[Any]) -> list[tuple[tuple[str, int], Origin]]:
    """Return the joints that the extension has noted."""
    found = []
    for item in recorded[:_LIMIT]:
        if isinstance(item, dict):
            slots = item.get("downstream_slot"), item.get("upstream_slot")
            if isinstance(slots[0], int) and isinstance(slots[1], int):
                found.append(((str(item.get("downstream")), slots[0]), (item.get("upstream"), slots[1])))
    return found


def _link_types(level: dict[str, Any]) -> dict[Any, str]:
    """Return the type of what each link carries."""
    links = level.get("links")
    found = {}
    for link in links if isinstance(links, list) else []:
        number, kind = (link.get("id"), link.get("type")) if isinstance(link, dict) else (None, None)
        if isinstance(link, list) and len(link) >= 6:
            number, kind = link[0], link[5]
        if isinstance(number, (int, str)):
            found[number] = str(kind)
    return found


def _broadcasts(senders: list[dict[str, Any]], links: dict[Any, Origin], types: dict[Any, str]) -> list[_Sender]:
    """Return (priority, type, origin, names of nodes, names of inputs) of everything that is sent, strongest first."""
    found: list[_Sender] = []
    for item in senders:
        kind = item["type"]
        if kind == "Seed Everywhere":
            found.append((5, "INT", (item.get("id"), 0), None, _SEED))
        if kind not in _SENDERS:
            continue
        for place, entry in enumerate(entries(item, "inputs")[:50]):
            number = entry.get("link")
            if not isinstance(number, (int, str)) or number not in links:
                continue
            titles = names = None
            if kind == "Prompts Everywhere":
                names = _PROMPT_INPUTS[min(place, 1)]
            elif kind == "Anything Everywhere?":
                values = item.get("widgets_values")
                expressions = [*values, "", ""][:2] if isinstance(values, list) else ["", ""]
                titles, names = (_pattern(text) for text in expressions)
            found.append((_SENDERS[kind], types.get(number, ""), links[number], titles, names))
    return sorted(found, key=lambda sender: -sender[0])


def _pattern(text: object) -> _NamePattern:
    """Return what a sender's expression asks for: words are searched for, ``.*`` takes all, others are not tried."""
    if text in ("", ".*", "."):
        return None
    return re.compile(text) if isinstance(text, str) and _PLAIN.fullmatch(text) else re.compile(r"(?!)")


def _match(
    nodes: list[dict[str, Any]], broadcasts: list[_Sender], links: dict[Any, Origin]
) -> dict[tuple[str, int], Origin]:
    """Return the origin of each open input: the strongest sender of its type that asks for its name."""
    found = {}
    for item in nodes[:_LIMIT]:
        title = str(item.get("title") or item.get("type"))[:200]
        if "Everywhere" in str(item.get("type")):
            continue
        for slot, entry in enumerate(entries(item, "inputs")[:200]):
            if isinstance(entry.get("widget"), dict) and "seed" not in str(entry.get("name")):
                continue
            number = entry.get("link")
            if isinstance(number, (int, str)) and number in links:
                continue
            name = str(entry.get("label") or entry.get("name"))[:200]
            for _, kind, origin, titles, names in broadcasts:
                if (
                    kind == entry.get("type")
                    and (titles is None or titles.search(title))
                    and (names is None or names.search(name))
                    and str(origin[0]) != str(item.get("id"))
                ):
                    found[str(item.get("id")), slot] = origin
                    break
    return found

"""All actions and the keys they are bound to, for the palette, the help and the menus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

#: Headings by the first part of a binding's id, in the order of the help.
_GROUPS = {
    "main": "This screen",
    "queue": "This screen",
    "detail": "This screen",
    "import": "This screen",
    "work": "Work on the folder, the image or the selection",
    "folders": "Folders",
    "table": "Tables",
    "list": "Lists",
    "preview": "Preview",
    "search": "Search line",
    "app": "Everywhere",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action: where it is done, and how it is bound: ``keys`` as written for people, ``pressed`` for Textual."""

    node: DOMNode
    binding: Binding
    keys: str
    pressed: str

    @property
    def group(self) -> str:
        """The heading under which the help lists it."""
        return _GROUPS.get((self.binding.id or "").partition(".")[0], "Other")


def _own_bindings(node: DOMNode) -> Iterator[Binding]:
    """Yield the bindings with an id that a node's class and its bases define, the most derived first."""
    seen: set[str] = set()
    for kind in type(node).__mro__:
        for binding in kind.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id and binding.id not in seen:
                seen.add(binding.id)
                yield binding


def actions(app: App[Any], screen: Screen[Any], keymap: Mapping[str, str]) -> list[Action]:
    """Return every action that the screen, its widgets and the app offer, each binding id once."""
    found: dict[str, Action] = {}
    for node in (screen, *screen.focus_chain, app):
        for binding in _own_bindings(node):
            if binding.id is not None and binding.id not in found:
                written = keymap.get(binding.id, binding.key)
                found[binding.id] = Action(node, binding, key_names(app, binding, written), _normal(written))
    order = list(_GROUPS.values())
    return sorted(found.values(), key=lambda action: order.index(action.group) if action.group in order else len(order))


def _normal(keys: str) -> str:
    return ",".join(one.key for one in Binding.make_bindings([Binding(keys, "", "")]))


def key_names(app: App[Any], binding: Binding, keys: str) -> str:
    """Return keys as people read them, e.g. ``Ctrl+O`` or ``\u2191 k``."""
    expanded = Binding.make_bindings([replace(binding, key=keys)])
    names = (app.get_key_display(one) for one in expanded)
    return " ".join(name.upper() if name[:1] == "f" and name[1:].isdigit() else name for name in names)


def known_ids(app: App[Any], screens: list[type[DOMNode]]) -> set[str]:
    """Return every binding id that classes define, to check the user's ``[keys]`` against."""
    ids: set[str] = set()
    for kind in [type(app), *screens]:
        for base in kind.__mro__:
            ids |= {b.id for b in base.__dict__.get("BINDINGS", ()) if isinstance(b, Binding) and b.id}
    return ids

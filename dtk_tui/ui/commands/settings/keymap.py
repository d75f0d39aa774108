"""``[keys]`` of config.toml: actions that do not exist, keys that do not exist, keys that two actions have at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from textual.keys import KEY_TO_UNICODE_NAME, REPLACED_KEYS, Keys

from dtk_tui.text import one_line
from dtk_tui.ui.commands.command import Command
from dtk_tui.ui.commands.registry import BY_ID, COMMANDS

_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_NAMED = frozenset({str(key.value).rpartition("+")[2] for key in Keys if not str(key.value).startswith("<")})
#: The areas of commands that one screen offers together; every other area is a screen of its own.
_TOGETHER = (frozenset({"main", "work", "preview"}), frozenset({"detail", "work", "preview"}))


def keymap_faults(keymap: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with keys that a person gave: ids, each with its sentence."""
    found: dict[str, str] = {}
    given = {name: keys for name, keys in keymap.items() if isinstance(keys, str)}
    known = {name: keys for name, keys in given.items() if name in BY_ID}
    for name, keys in given.items():
        if name not in BY_ID:
            close = get_close_matches(name, BY_ID, 1)
            found[name] = f"there is no such action{f'; did you mean {close[0]}?' if close else ''}"
        elif (wrong := next((key for key in _split(keys) if key and not _is_key(key)), None)) is not None:
            found[name] = f"{one_line(wrong, 40)!r} is no key; keys are like f5, ctrl+s, slash or /"
        elif (other := next(_clashes(BY_ID[name], known), None)) is not None:
            key, with_ = other
            found[name] = f"{key} is also the key of {with_.id} ({with_.title})"
    return found


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",")]


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    return set(modifiers) <= _MODIFIERS and _is_plain(last)


def _is_plain(name: str) -> bool:
    if len(name) == 1:
        return name.isprintable()
    if name in _NAMED or name in KEY_TO_UNICODE_NAME or name in REPLACED_KEYS:
        return True
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return True


def _clashes(command: Command, keymap: Mapping[str, str]) -> Iterator[tuple[str, Command]]:
    """Give the keys of a command that another has too, where both are offered at once, and which that is."""
    keys = set(_pressed(command, keymap))
    for other in COMMANDS:
        if other is command or not _meet(command, other):
            continue
        for key in keys & set(_pressed(other, keymap)):
            if not (command.keys == keymap.get(command.id) and other.id not in keymap):
                yield key, other


def _pressed(command: Command, keymap: Mapping[str, str]) -> list[str]:
    try:
        return command.pressed(keymap).split(",")
    except Exception:  # of keys that are none, which are told of by themselves
        return []


def _meet(one: Command, other: Command) -> bool:
    """Tell whether two commands can be offered at the same time; what a widget binds counts where it has the focus."""
    if one.widget is not None or other.widget is not None:
        return one.widget is other.widget
    if one.area == other.area or "app" in (one.area, other.area):
        return True
    return any({one.area, other.area} <= areas for areas in _TOGETHER)

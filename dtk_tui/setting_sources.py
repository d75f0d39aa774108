"""Where settings come from, put together: config.toml, before it the environment, before that the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dtk_tui.errors import DtkError, UsageError
from dtk_tui.settings import Settings, checked, faults, read_toml
from dtk_tui.text import one_line

if TYPE_CHECKING:
    from msgspec.inspect import Type

Kind = Literal["text", "yes or no", "whole number", "number", "list", "table"]
Origin = Literal["default", "file", "environment", "command line"]

#: Where the command line of this process stands in its environment, so that processes that it starts know of it.
COMMAND_LINE = "DTK_COMMAND_LINE"
_VARIABLE = re.compile(r"DTK_([A-Z0-9]+)__([A-Z0-9_]+)")
_KINDS: dict[str, Kind] = {
    "StrType": "text", "BoolType": "yes or no", "IntType": "whole number", "FloatType": "number",
    "VarTupleType": "list", "DictType": "table",
}  # fmt: skip
#: What people write for true and false beside these.
_TRUTHS = {"yes": True, "on": True, "no": False, "off": False}
_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@|\b(ssl)?password\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """A value that stands outside of config.toml.

    Attributes:
        place: section and name; ``keys`` is one setting, whose names follow it.
        text: as a person wrote it.
        origin: environment or command line.
        named: how to call it, e.g. ``DTK_WORKER__BATCH_SIZE``.
    """

    place: tuple[str, ...]
    text: str
    origin: Origin
    named: str

    @property
    def key(self) -> str:
        """Section and name, e.g. ``worker.batch_size``."""
        return ".".join(self.place)


def given(environ: Mapping[str, str]) -> list[Given]:
    """Return what the environment and the command line say, the latter last: it counts."""
    found = [
        Given(_place(match[1].lower(), match[2].lower()), text, "environment", name)
        for name, text in sorted(environ.items())
        if text and (match := _VARIABLE.fullmatch(name)) is not None
    ]
    if url := environ.get("DTK_DATABASE_URL"):
        found.append(Given(("database", "url"), url, "environment", "DTK_DATABASE_URL"))
    told = _told(environ.get(COMMAND_LINE) or "{}")
    found += [Given(tuple(key.split(".", 1)), text, "command line", f"--set {key}") for key, text in told.items()]
    return found


def _place(section: str, name: str) -> tuple[str, str]:
    """Return section and name; the id of an action has a dot, for which no variable has a sign."""
    return section, name.replace("_", ".", 1) if section == "keys" else name


def _told(text: str) -> dict[str, str]:
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict) and all(isinstance(one, str) for one in found.values()):
            return found
    raise UsageError(f"{COMMAND_LINE} in the environment is not dtk's.", f"Take it out: unset {COMMAND_LINE}")


def from_command_line(lines: Iterable[str]) -> str:
    """Return what ``--set KEY=VALUE`` said, as ``COMMAND_LINE`` has it; raises UsageError for what is none of these."""
    told: dict[str, str] = {}
    for line in lines:
        key, sign, text = line.partition("=")
        section, _, name = key.strip().partition(".")
        if not (sign and section and name):
            raise UsageError(f"--set {one_line(key, 60)} is not understood.", "For example: --set worker.batch_size=8")
        if _PASSWORD.search(text):
            raise UsageError(
                f"--set {one_line(key, 60)} holds a password, which the list of processes would show to every user.",
                "Put it into ~/.pgpass, into the environment, or behind database.password_command.",
            )
        told[key.strip()] = text
    return json.dumps(told)


def holds_password(value: Any) -> bool:
    """Tell whether a text has a password in it, as addresses and connection strings have them."""
    return isinstance(value, str) and _PASSWORD.search(value) is not None


@cache
def fields() -> dict[str, dict[str, Type]]:
    """Return the types of all settings by section and name; ``keys`` is one setting, whose name is empty."""
    from msgspec.inspect import StructType, type_info

    whole = type_info(Settings)
    assert isinstance(whole, StructType)
    return {
        section.name: {one.name: _single(one.type) for one in section.type.fields}
        if isinstance(section.type, StructType)
        else {"": section.type}
        for section in whole.fields
    }


def _single(found: Type) -> Type:
    """Return the type of a value that is set, for one that may be unset."""
    from msgspec.inspect import NoneType, UnionType

    return (
        next(part for part in found.types if not isinstance(part, NoneType)) if isinstance(found, UnionType) else found
    )


def kind_of(found: Type) -> Kind:
    """Return in words what belongs into a setting of a type."""
    return _KINDS[type(found).__name__]


def typed(place: tuple[str, ...], text: str) -> Any:
    """Return what a person typed as a value of TOML; text needs no quotes, a list no brackets, a command no commas."""
    section = fields().get(place[0], {})
    found = section.get(place[1] if len(place) > 1 else "")
    if found is None or (kind := kind_of(found)) == "text":
        return text
    if kind == "yes or no" and text.strip().lower() in _TRUTHS:
        return _TRUTHS[text.strip().lower()]
    if kind == "list" and not text.lstrip().startswith("["):
        if place[0] == "hooks" and (command := _command(text)):
            return command
        return [_toml(part.strip()) for part in text.split(",") if part.strip()]
    return _toml(text.strip())


def _command(text: str) -> list[str]:
    """Return the program and the arguments of a line as a shell has it; nothing where it is a list with commas."""
    import shlex

    with suppress(ValueError):
        parts = shlex.split(text)
        if parts and "," not in parts[0]:
            return parts
    return []


def _toml(text: str) -> Any:
    """Return the value that a text is in TOML, else the text."""
    import tomllib

    try:
        found: Any = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if set(found) == {"value"} else text


def with_value(raw: Mapping[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return the tables of a config with one value set, or taken out (None)."""
    section, *names = place
    table = raw.get(section, {})
    if not names:
        changed: Any = value
    else:
        changed = {name: old for name, old in table.items() if name != names[0]} if isinstance(table, Mapping) else {}
        if value is not None:
            changed[names[0]] = value
    after = {name: old for name, old in raw.items() if name != section}
    if changed is not None and (changed or section in raw):
        after[section] = changed
    return after


def merged(raw: Mapping[str, Any], outside: Iterable[Given]) -> dict[str, Any]:
    """Return the tables of a config with what stands outside of it."""
    whole = dict(raw)
    for one in outside:
        whole = with_value(whole, one.place, typed(one.place, one.text))
    return whole


def read_settings(file: Path, environ: Mapping[str, str]) -> tuple[Settings, dict[str, Any]]:
    """Return the settings in force, and the tables that they are made of; without a file, the defaults.

    Raises:
        DtkError: the file cannot be read, is not TOML, or a setting is unknown or out of range; says which, and where
            it stands.
    """
    raw, outside = read_toml(file), given(environ)
    whole = merged(raw, outside)
    wrong = faults(whole)
    if wrong:
        told = [f"{outside_name(key, outside) or key}: {sentence}" for key, sentence in wrong.items()]
        where = "" if all(outside_name(key, outside) for key in wrong) else f"The config file {file} has a setting"
        title = f"{where} that cannot be used." if where else "A setting outside of config.toml cannot be used."
        raise DtkError(title, "; ".join(told))
    return checked(whole), whole


def outside_name(key: str, outside: Iterable[Given]) -> str:
    """Return the variable or the option that a faulty setting, a part of it or its section stands in; else nothing."""
    named = {one.key: one.named for one in outside}
    wholes = (name for one, name in named.items() if f"{key}.".startswith(f"{one}.") or one.startswith(f"{key}."))
    return next(wholes, "")

"""The entry of a model in the making: each value with where it is from, and what nobody said."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dtk_tui.errors import UsageError
from dtk_tui.inference.manifest import parse_manifest
from dtk_tui.inference.model_spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an entry; ``key`` as ``text.pooling``, ``source`` a file or a reason."""

    key: str
    value: Any
    source: str
    is_assumed: bool = False


@dataclass(slots=True)
class Entry:
    """What is known of a model, by the keys of the manifest.

    Attributes:
        values: what was found, by key.
        unknown: why a value that is needed was not, by key.
        files: the paths of its files in the folder that it is from.
        data: those of them that hold weights which its graph names.
    """

    values: dict[str, Value] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    data: frozenset[str] = frozenset()

    def found(self, key: str, value: object, source: str) -> None:
        """Note a value, and which file says so."""
        self.values[key] = Value(key, value, source)
        self.unknown.pop(key, None)

    def assume(self, key: str, value: object, reason: str) -> None:
        """Note a value that no file says, and why it is likely."""
        self.values[key] = Value(key, value, reason, is_assumed=True)
        self.unknown.pop(key, None)

    def lacks(self, key: str, reason: str) -> None:
        """Note that a value is needed and not known."""
        self.unknown[key] = reason

    def get(self, key: str) -> Any:
        """Return a value, or None."""
        found = self.values.get(key)
        return found.value if found is not None else None

    def document(self, files: Sequence[Mapping[str, object]]) -> dict[str, Any]:
        """Return the entry as the manifest has it."""
        model: dict[str, Any] = {}
        for value in self.values.values():
            section = model
            *path, key = value.key.split(".")
            for name in path:
                section = section.setdefault(name, {})
                if not isinstance(section, dict):
                    raise UsageError(f"{value.key} is no setting of a model: {name} is a value.")
            section[key] = list(value.value) if isinstance(value.value, tuple) else value.value
        return {"version": 1, "model": [model | {"files": [dict(file) for file in files]}]}


def parse_setting(text: str) -> tuple[str, Any]:
    """Return key and value of ``text.pooling=mean`` as a person writes it; a value that is no TOML is a string.

    Raises:
        UsageError: it is no such pair.
    """
    key, sign, value = text.partition("=")
    key = key.strip()
    if not sign or not key or not all(name.isidentifier() for name in key.split(".")):
        raise UsageError(f"{text!r} is no KEY=VALUE.", "Write it as --set text.pooling=mean.")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return key, value.strip()


def to_toml(document: Mapping[str, Any]) -> str:
    """Return an entry as the text of its file."""
    import tomli_w

    return tomli_w.dumps(document)


def to_spec(document: Mapping[str, Any], path: Path) -> ModelSpec:
    """Return the model that an entry describes; raises ModelError naming ``path`` and what is wrong with it."""
    return parse_manifest(to_toml(document), path).models[0]

"""What settings there are: read off the models of ``dtk_tui.settings``, their help off the documented config.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from msgspec import json
from msgspec.inspect import StrType, Type

from dtk_tui.setting_sources import Kind, fields, kind_of
from dtk_tui.settings import Settings
from dtk_tui.shipped import shipped

#: Of these only that they are set is shown: they may hold a password.
SECRET = frozenset({"database.url"})
_LINE = re.compile(r'(?:# )?(?:([a-z_]+)|"[a-z_.]+") = ')
_CHOICE = re.compile(r"\^\(([a-z0-9|]+)\)\\Z")


class Effect(StrEnum):
    """When a setting that was changed holds."""

    #: An app that runs takes it over.
    NOW = "at once"
    #: A worker takes it over when it loads its models.
    MODELS = "when the workers are started again"
    #: Whoever runs keeps the old value.
    RESTART = "at the next start"


_SECTIONS = {
    "database": Effect.RESTART, "models": Effect.MODELS, "tags": Effect.MODELS, "worker": Effect.MODELS,
    "captions": Effect.MODELS, "preview": Effect.RESTART,
}  # fmt: skip
_SINGLE = {
    "models.folder": Effect.RESTART,
    "worker.auto_pause": Effect.NOW,
    "worker.auto_start": Effect.RESTART,
    "worker.lease_s": Effect.RESTART,
    "worker.log_days": Effect.RESTART,
    "scan.watch": Effect.RESTART,
    "preview.open_with": Effect.NOW,
}


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting.

    Attributes:
        section, name: where it stands in config.toml; ``[keys]`` is one setting, a table of names.
        kind: what belongs there.
        default: as JSON has it; None: unset.
        help: what config.toml says of it.
        choices: the only values that it can have; none where there are others.
    """

    section: str
    name: str
    kind: Kind
    default: Any
    help: str
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Section and name, e.g. ``worker.batch_size``."""
        return f"{self.section}.{self.name}" if self.name else self.section

    @property
    def is_secret(self) -> bool:
        """Whether its value is shown to nobody."""
        return self.key in SECRET

    @property
    def effect(self) -> Effect:
        """When a change of it holds."""
        return _SINGLE.get(self.key) or _SECTIONS.get(self.section, Effect.NOW)


@cache
def settings() -> tuple[SettingInfo, ...]:
    """Return all settings in the order of their schema."""
    return tuple(_settings())


def find(key: str) -> SettingInfo | None:
    """Return the setting of a key; None where there is none."""
    return next((one for one in settings() if one.key == key), None)


def _settings() -> Iterator[SettingInfo]:
    helps = _helps(shipped("config.toml").read_text(encoding="utf-8"))
    defaults = json.decode(json.encode(Settings()))
    for section, named in fields().items():
        for name, found in named.items():
            default = defaults[section][name] if name else defaults[section]
            yield SettingInfo(section, name, kind_of(found), default, helps.get((section, name), ""), _choices(found))


def _choices(found: Type) -> tuple[str, ...]:
    match = _CHOICE.fullmatch(found.pattern or "") if isinstance(found, StrType) else None
    return tuple(match[1].split("|")) if match is not None else ()


def _helps(text: str) -> dict[tuple[str, str], str]:
    """Return what stands above each setting of a documented config.toml, by section and name, as one line."""
    found: dict[tuple[str, str], str] = {}
    section, said = "", list[str]()
    for line in text.splitlines():
        if line.startswith("["):
            section, said = line.strip("[] "), []
        elif (match := _LINE.match(line)) is not None:
            if said:
                found.setdefault((section, match[1] or ""), " ".join(said))
            said = []
        elif line.startswith("# "):
            said.append(line[2:].strip())
        else:
            said = []
    return found

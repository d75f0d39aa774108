"""What a worker on another node is told of the library: its database, and settings where that host has none."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dtk_tui.config import AppPaths, Config, load
from dtk_tui.setting_sources import COMMAND_LINE, given, read_settings
from dtk_tui.settings import read_toml

#: Which library it is, as places of one machine.
_PLACES = ("DTK_HOME", "DTK_MODELS", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
#: Variables of libpq that name files of one machine.
_FILES = ("PGPASSFILE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT", "PGSSLCRL")
#: Settings of the library. Folders, devices, hooks and what the app looks like are matters of each machine.
_SHARED = ("models", "tags", "worker", "captions")
_OF_A_HOST = (("models", "folder"), ("worker", "devices"), ("captions", "devices"))


@dataclass(frozen=True)
class Order:
    """What a worker is started with.

    It travels as an argument: Ray's processes have it neither on their command lines nor in their environment.

    Attributes:
        environ: variables for the worker alone; they may hold a password.
        settings: tables of config.toml, for what the config.toml of the host does not say.
    """

    environ: dict[str, str] = field(repr=False)
    settings: dict[str, dict[str, Any]] = field(repr=False)


def order_of(config: Config, *, is_here: bool) -> Order:
    """Return the order for the workers of a library.

    Args:
        is_here: all of them run on this machine.
    """
    environ = config.paths.environ
    names = {name for name in environ if name.startswith("PG") and name not in _FILES}
    if config.settings.captions.key_env:
        names.add(config.settings.captions.key_env)
    if is_here:
        names |= {*_PLACES, *_FILES}
    told = {name: environ[name] for name in sorted(names) if environ.get(name)}
    if config.database_url is not None:
        told["DTK_DATABASE_URL"] = config.database_url
    if command := config.settings.database.password_command:
        told["DTK_DATABASE__PASSWORD_COMMAND"] = command
    _, tables = read_settings(config.paths.config_file, environ)
    settings = {
        section: {name: value for name, value in tables[section].items() if (section, name) not in _OF_A_HOST}
        for section in _SHARED
        if section in tables
    }
    return Order(told, settings)


def config_of(order: Order, device: int | None, host: Mapping[str, str] = os.environ) -> Config:
    """Return the config of a worker on this host.

    What the host's own config.toml or environment says goes before the settings of the order; the database is always
    that of the order.

    Args:
        device: number of the GPU that the worker has; None for the CPU.
        host: the environment of the host.

    Raises:
        DtkError: the host's config.toml cannot be used, or the two do not go together.
    """
    environ = {name: text for name, text in host.items() if name not in ("DTK_DATABASE_URL", COMMAND_LINE)}
    environ |= order.environ
    said = read_toml(AppPaths(environ).config_file)
    outside = {one.key for one in given(environ)}
    lines = {
        f"{section}.{name}": _written(value)
        for section, table in order.settings.items()
        for name, value in table.items()
        if name not in said.get(section, {}) and f"{section}.{name}" not in outside
    }
    if device is not None:
        lines |= dict.fromkeys(("worker.devices", "captions.devices"), f"[{device}]")
    if lines:
        environ[COMMAND_LINE] = json.dumps(lines)
    return load(environ)


def _written(value: Any) -> str:
    """Return a setting as ``--set`` has it: text as it is, all else as TOML on one line."""
    return value if isinstance(value, str) else _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(str(name))} = {_toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)

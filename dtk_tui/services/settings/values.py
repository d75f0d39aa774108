"""What settings are: their values, where these stand, what is wrong with them, and setting others."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from msgspec import ValidationError, to_builtins

from dtk_tui.config import AppPaths
from dtk_tui.errors import UsageError
from dtk_tui.services.settings import file
from dtk_tui.services.settings.models import model_faults
from dtk_tui.services.settings.schema import SettingInfo, find, settings
from dtk_tui.setting_sources import Given, Origin, given, holds_password, merged, typed, with_value
from dtk_tui.settings import checked, faults, read_toml
from dtk_tui.text import one_line


@dataclass(frozen=True, slots=True)
class SettingState:
    """One setting as it is now.

    Attributes:
        value: as config.toml has it; the default where nobody says anything; None: unset.
        origin: where the value stands.
        named: the variable or the option that it stands in, where it is not in the file.
        fault: why the value cannot be used, in a sentence; empty where it can.
    """

    info: SettingInfo
    value: Any
    origin: Origin
    named: str = ""
    fault: str = ""

    @property
    def shown(self) -> Any:
        """The value as it is shown: of a secret only that it is set, of an address not its password."""
        if self.value is not None and (self.info.is_secret or holds_password(self.value)):
            return "(set)"
        return self.value

    @property
    def words(self) -> str:
        """The value as people type it; of a secret only that it is set; nothing for one that is unset."""
        if self.info.section == "hooks" and isinstance(self.value, list):
            return _command_words((self.info.section, self.info.name), self.value)
        return words_of(self.shown)


def words_of(value: Any) -> str:
    """Return a value as people type it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(one, str) and _is_bare(one) for one in value):
        return ", ".join(value)
    return _inline(value)


def _command_words(place: tuple[str, ...], command: list[Any]) -> str:
    """Return a command as a shell has it, where that comes back as it is, else as TOML."""
    if all(isinstance(one, str) and one.isprintable() for one in command):
        words = shlex.join(command)
        if typed(place, words) == command:
            return words
    return _inline(command)


def _is_bare(text: str) -> bool:
    """Tell whether a text comes back as it is from a list without quotes."""
    return bool(text) and text == text.strip() and "," not in text and typed(("scan", "extensions"), text) == [text]


def _inline(value: Any) -> str:
    """Return a value as TOML writes it in one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_inline(str(name))} = {_inline(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, str | bool | int | float):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def listed(paths: AppPaths) -> list[SettingState]:
    """Return all settings as they are; raises DtkError where config.toml cannot be read as TOML."""
    raw, outside = read_toml(paths.config_file), given(paths.environ)
    whole = merged(raw, outside)
    wrong, in_force = _wrong(paths, whole), _in_force(whole)
    return [_state(info, raw, outside, wrong, in_force) for info in settings()]


def state_of(paths: AppPaths, key: str) -> SettingState:
    """Return one setting as it is; that of one action's keys is named like ``keys.main.search``.

    Raises:
        UsageError: there is no such setting.
        DtkError: as ``listed``.
    """
    raw, outside = read_toml(paths.config_file), given(paths.environ)
    whole = merged(raw, outside)
    return _state(_required(key), raw, outside, _wrong(paths, whole), _in_force(whole))


def _in_force(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings as they hold: of those that nobody set, some follow others. Nothing where one is wrong."""
    try:
        found: dict[str, Any] = to_builtins(checked(whole))
    except ValidationError:
        return {}
    return found


def _state(
    info: SettingInfo,
    raw: Mapping[str, Any],
    outside: list[Given],
    wrong: Mapping[str, str],
    in_force: Mapping[str, Any],
) -> SettingState:
    fault = next((sentence for key, sentence in wrong.items() if _is_of(key, info.key)), "")
    last = next((one for one in reversed(outside) if _is_of(one.key, info.key)), None)
    if last is not None:
        value = merged(raw, outside).get(info.section)
        if info.name and isinstance(value, Mapping):
            value = value.get(info.name)
        return SettingState(info, value, last.origin, last.named, fault)
    section = raw.get(info.section)
    if not info.name:
        is_set, value = info.section in raw, section
    else:
        is_set = isinstance(section, Mapping) and info.name in section
        value = section[info.name] if isinstance(section, Mapping) and is_set else None
    if is_set:
        return SettingState(info, value, "file", "", fault)
    value = in_force.get(info.section, {}).get(info.name, info.default) if info.name else info.default
    return SettingState(info, list(value) if isinstance(value, tuple) else value, "default", "", fault)


def _is_of(key: str, whole: str) -> bool:
    return key == whole or key.startswith(f"{whole}.")


def check(paths: AppPaths) -> dict[str, str]:
    """Return what is wrong, in config.toml and outside: keys, each with its sentence; raises DtkError as ``listed``."""
    return _wrong(paths, merged(read_toml(paths.config_file), given(paths.environ)))


def set_value(paths: AppPaths, key: str, text: str | None) -> SettingState:
    """Write one setting into config.toml, and leave everything else there as it is; return what it is now.

    Args:
        text: the value as a person types it; None takes the setting out, so that its default holds.

    Raises:
        UsageError: there is no such setting, or it cannot have this value; nothing is changed.
        DtkError: config.toml cannot be read or written.
    """
    info, place = _required(key), _place(key)
    before = read_toml(paths.config_file)
    value = None if text is None else typed(place, text)
    after = with_value(before, place, value)
    fault = _new_fault(paths, info, before, after)
    if fault:
        shown = "this" if text is None or info.is_secret or holds_password(text) else repr(one_line(text, 100))
        raise UsageError(f"{key} cannot be {shown}." if text is not None else f"{key} is needed.", fault)
    if after != before:
        file.write(paths.config_file, place, value, after, secret=info.is_secret or holds_password(value))
    return state_of(paths, info.key)


def fault_of(paths: AppPaths, key: str, text: str) -> str:
    """Return why a setting cannot have a value, while it is typed; empty where it can.

    Raises:
        DtkError: as ``listed``.
    """
    before, place = read_toml(paths.config_file), _place(key)
    return _new_fault(paths, _required(key), before, with_value(before, place, typed(place, text)))


def _wrong(paths: AppPaths, raw: Mapping[str, Any]) -> dict[str, str]:
    return model_faults(raw, paths) | faults(raw)


def _new_fault(paths: AppPaths, info: SettingInfo, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return what is wrong with a setting after a change of it, or with others because of it."""
    known, found = _wrong(paths, before), _wrong(paths, after)
    return next((words for name, words in found.items() if _is_of(name, info.key) or name not in known), "")


def _place(key: str) -> tuple[str, ...]:
    return tuple(key.split(".", 1))


def _required(key: str) -> SettingInfo:
    section, _, name = key.partition(".")
    info = find(key)
    if info is None and name and (table := find(section)) is not None:
        info = replace(table, name=name, kind="text", default=None)
    if info is None:
        close = get_close_matches(key, [one.key for one in settings()], 3)
        raise UsageError(
            f"There is no setting {one_line(key, 100)}.",
            f"Did you mean {', '.join(close)}?" if close else "dtk config show --origin lists them all.",
        )
    return info

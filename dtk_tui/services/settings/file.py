"""Writing one setting into config.toml; comments, order, spaces and everything else there stay as they are."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dtk_tui.atomic_file import write_whole
from dtk_tui.errors import DtkError, os_reason

_BOM = "\ufeff"


def write(path: Path, place: tuple[str, ...], value: Any, expected: Mapping[str, Any], *, secret: bool = False) -> None:
    """Write one value into the file, or take it out (None); the file is replaced in one step.

    Args:
        place: section and name.
        expected: what the file says afterwards.
        secret: from now on nobody but its owner may read it.

    Raises:
        DtkError: it cannot be written, or not without touching other things in it.
    """
    target = Path(os.path.realpath(path))  # a link stays one
    try:
        content = target.read_bytes()
        mode = target.stat().st_mode & 0o777
    except FileNotFoundError:
        content, mode = b"", 0o600
    except OSError as error:
        raise DtkError(f"{path} cannot be read.", f"{error.strerror or error}.") from error
    changed = changed_text(content.decode("utf-8"), place, value, expected)
    if changed is None:
        raise DtkError(
            f"{'.'.join(place)} cannot be changed in {path} without touching something else.",
            "Change it there with an editor: dtk config edit",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, changed.encode("utf-8"), 0o600 if secret else mode)
    except OSError as error:
        raise DtkError(f"{path} cannot be written.", os_reason(error)) from error


def changed_text(text: str, place: tuple[str, ...], value: Any, expected: Mapping[str, Any]) -> str | None:
    """Return a config with one value set, or taken out (None); None where it would not say what is expected."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    bom = _BOM if text.startswith(_BOM) else ""
    try:
        document: Any = tomlkit.parse(text.removeprefix(bom))
        _put(document, place, value)
        changed = tomlkit.dumps(document)
        if text.count("\r\n") == text.count("\n") > 0:  # as editors of Windows end every line
            changed = changed.replace("\r\n", "\n").replace("\n", "\r\n")
        if _comparable(tomllib.loads(changed)) != _comparable(expected):
            return None
    except (TOMLKitError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None  # tomlkit fails in many ways over forms of tables that it does not expect
    return bom + changed


def _comparable(tables: Mapping[str, Any]) -> str:
    """Return tables as text that is the same for the same values, not-a-number included."""
    return json.dumps(tables, sort_keys=True, default=repr)


def _put(document: Any, place: tuple[str, ...], value: Any) -> None:
    import tomlkit

    section, *names = place
    if not names:
        if value is None:
            document.pop(section, None)
        else:
            document[section] = value
        return
    if section not in document:
        if value is None:
            return
        document[section] = tomlkit.table()
    table = document[section]
    if value is None:
        table.pop(names[0], None)
    elif names[0] in table:
        table[names[0]] = _item(value)
    else:
        _add(table, names[0], _item(value))


def _item(value: Any) -> Any:
    """Return a value as tomlkit shall write it: a table in one line, so that it stays where it is."""
    import tomlkit

    if not isinstance(value, dict):
        return tomlkit.item(value)
    table = tomlkit.inline_table()
    table.update({name: _item(one) for name, one in value.items()})
    return table


def _add(table: Any, name: str, value: Any) -> None:
    """Add a line behind the last setting of a table: what follows that belongs to the next table."""
    from tomlkit.items import Table

    body = table.value.body if isinstance(table, Table) else []
    end = len(body)
    while end and body[end - 1][0] is None:
        end -= 1
    below = body[end:]
    if any(isinstance(item, Table) for _, item in body):  # what is added goes before tables within this one
        below = []
    elif below:
        del body[end:]
    table.append(name, value)
    body.extend(below)

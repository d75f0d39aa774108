"""The names of all settings in config.toml, with their defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from dtk_tui.settings import Settings
from tests.helpers.golden import check


def _settings(section: Struct, prefix: str = "") -> Iterator[str]:
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Struct):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name} = {json.dumps(value)}"


def test_the_settings_are_the_golden_ones() -> None:
    check(Path(__file__).parent / "__snapshots__" / "settings.txt", "\n".join(sorted(_settings(Settings()))))

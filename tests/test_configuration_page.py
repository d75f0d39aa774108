"""docs/guide/configuration.md lists every setting as the schema has it; ``DTK_WRITE_GOLDEN=1`` writes the list anew."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

from dtk_tui.services.settings.schema import SettingInfo, settings
from dtk_tui.services.settings.values import words_of

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "configuration.md"
_BEGIN = "<!-- settings: written by tests/test_configuration_page.py -->"


def _line(info: SettingInfo) -> str:
    words = (words_of(info.default) or '""') if info.default is not None else ""
    shown = words if len(words) <= 100 else f"{words[:80]}\u2026"
    default = f"`{shown}`" if words else "unset"
    kind = ", ".join(info.choices) or info.kind
    cells = (f"`{info.name or info.key}`", kind, default, str(info.effect), info.help)
    escaped = " | ".join(cell.replace("|", "\\|") for cell in cells)
    return f"| {escaped} |"


def _list() -> str:
    blocks = [_BEGIN]
    for section, found in groupby(settings(), lambda info: info.section):
        head = "| Setting | Kind | Default | A change holds | What it is |\n|---|---|---|---|---|"
        blocks.append(f"### [{section}]\n\n{head}\n" + "\n".join(map(_line, found)))
    return "\n\n".join(blocks) + "\n"


def test_the_page_lists_every_setting() -> None:
    text = PAGE.read_text(encoding="utf-8")
    head = text.partition(_BEGIN)[0]
    if os.environ.get("DTK_WRITE_GOLDEN"):
        PAGE.write_text(head + _list(), encoding="utf-8")
        text = PAGE.read_text(encoding="utf-8")
    assert text == head + _list()
    assert [one.key for one in settings() if f"`{one.name or one.key}`" not in text] == []

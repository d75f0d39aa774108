"""docs/guide/keys.md is the registry as a table; ``DTK_WRITE_GOLDEN=1`` writes it anew."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

from textual.keys import format_key

from dtk_tui.ui.commands.command import GROUPS, Command
from dtk_tui.ui.commands.registry import COMMANDS

PAGE = Path(__file__).parents[3] / "docs" / "guide" / "keys.md"
_SCREENS = {
    "main": "Folders and images",
    "queue": "Queue",
    "failures": "Failures by reason",
    "log": "Log",
    "activity": "Activity",
    "runs": "Tag & caption",
    "detail": "One image",
    "picture": "Picture alone",
    "import": "Import",
    "caption": "Caption editor",
    "batch": "Edit of many captions",
    "duplicates": "Duplicates",
    "journal": "Journal",
    "collections": "Albums and tags",
    "settings": "Settings",
    "keymap": "Keys",
}
_HEAD = """# Keys

All commands with their keys, and the ids by which `[keys]` of config.toml binds them to others:

```toml
[keys]
"main.search" = "f3"
"app.queue" = "ctrl+j"
```

`?` shows what the present screen offers, `Ctrl+P` searches in it.
"""


def written(key: str) -> str:
    """Return a key as pages write it."""
    *modifiers, last = key.split("+")
    sign = format_key(last)
    name = {"|": "\\|"}.get(sign, sign) if len(sign) == 1 and sign.isascii() else last.capitalize()
    if modifiers and len(name) == 1:
        name = name.upper()
    keys = "+".join([*(one.capitalize() for one in modifiers), name])
    return f"`` {keys} ``" if "`" in keys else f"`{keys}`"


def heading(command: Command) -> str:
    """Return under which heading the page lists a command."""
    return _SCREENS.get(command.area, command.group)


def page() -> str:
    """Return the page."""
    blocks = [_HEAD]
    ordered = sorted(COMMANDS, key=lambda command: GROUPS.index(command.group))
    for title, commands in groupby(ordered, heading):
        rows = [
            f"| {' '.join(map(written, command.keys.split(',')))} | {command.title} | `{command.id}` |"
            for command in commands
        ]
        blocks.append("\n".join([f"## {title}", "", "| Key | What it does | Id |", "|---|---|---|", *rows, ""]))
    return "\n".join(blocks)


def test_the_page_of_keys_is_the_registry() -> None:
    if os.environ.get("DTK_WRITE_GOLDEN"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()

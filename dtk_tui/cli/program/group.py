"""The group of all commands."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from dtk_tui.cli.program.entry import Entry
from dtk_tui.cli.program.table import COMMANDS


class Program(TyperGroup):
    """``dtk``: what is listed, suggested or completed is an ``Entry``, what runs is loaded."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": {str(entry.name): entry for entry in COMMANDS}})

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that is named, its name, and the arguments behind it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Entry) else command, rest

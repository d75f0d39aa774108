"""A command or a group of ``dtk`` that is loaded when it is named on the command line."""

from __future__ import annotations

from copy import copy
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_group

_ROOM = "dtk_tui.cli"


class Entry(TyperCommand):
    """A command or a group as a list shows it.

    Args:
        help: its own help, of which lists show the first sentence.
        places: where its Typer objects stand below ``dtk_tui.cli``, as ``module:name``; of a group, the first is the
            group itself, to which the commands of the others are added.
    """

    def __init__(self, name: str, help: str, *places: str, is_group: bool = False) -> None:
        super().__init__(name, help=help, rich_markup_mode=None)
        self._places = places
        self._is_group = is_group

    def load(self) -> Any:
        """Import it and return it as Typer makes it."""
        typers = [_typer_at(place) for place in self._places]
        commands = [command for one in typers for command in one.registered_commands]
        program = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
        if self._is_group:
            group = copy(typers[0])
            group.registered_commands = commands
            program.add_typer(group, name=self.name)
        else:
            program.registered_commands = commands
        return get_group(program).commands[str(self.name)]


def _typer_at(place: str) -> typer.Typer:
    module, _, name = place.partition(":")
    found: typer.Typer = getattr(import_module(f"{_ROOM}.{module}"), name)
    return found

"""The table of all commands, each of which is loaded when it is named."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.cli.program.entry import Entry
from dtk_tui.cli.program.table import COMMANDS


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_a_list_says_of_a_command_what_its_own_help_says(entry: Entry) -> None:
    command: Any = entry.load()
    assert command.name == entry.name
    for width in (40, 70, 1000):
        assert entry.get_short_help_str(width) == command.get_short_help_str(width)


def test_an_unknown_command_is_told_with_what_may_have_been_meant() -> None:
    done = CliRunner().invoke(application, ["statsu"])
    assert done.exit_code == 2
    assert "No such command 'statsu'. Did you mean 'status'" in done.output


def test_the_commands_of_a_group_come_from_several_files() -> None:
    names = {entry.name: entry for entry in COMMANDS}
    assert {"add", "delete"} <= set(names["library"].load().commands)
    assert "captions" in names["export"].load().commands
    again = names["library"].load().commands
    assert len(again) == len(names["library"].load().commands), "loading it again adds nothing"

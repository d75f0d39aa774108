"""The help of every command: names, arguments, flags and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.cli.program.entry import Entry
from tests.helpers.golden import difference

SNAPSHOTS = Path(__file__).parent / "__snapshots__"


def _commands(command: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield names
    command = command.load() if isinstance(command, Entry) else command
    for name, sub in sorted(getattr(command, "commands", {}).items()):
        yield from _commands(sub, (*names, name))


def test_the_help_of_every_command_is_the_golden_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    runner = CliRunner()
    parts: dict[str, list[str]] = {}
    for names in _commands(get_command(application)):
        done = runner.invoke(application, [*names, "--help"], prog_name="dtk", terminal_width=100)
        assert done.exit_code == 0, done.output
        assert done.output == runner.invoke(application, [*names, "-h"], prog_name="dtk", terminal_width=100).output
        parts.setdefault(names[0] if names else "dtk", []).append(
            f"$ {' '.join(('dtk', *names))} --help\n{done.output}"
        )
    found = [difference(SNAPSHOTS / f"help-{name}.txt", "\n".join(texts)) for name, texts in parts.items()]
    assert not any(found), "\n".join(found)
    files = {file.stem.removeprefix("help-") for file in SNAPSHOTS.glob("help-*.txt")}
    assert files == set(parts), "a golden file of a command that is gone, or a command without one"

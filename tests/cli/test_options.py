"""Queries on the command line: their words may begin with a minus sign."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from dtk_tui.cli.options import QueryCommand

probe = typer.Typer()


@probe.command(cls=QueryCommand)
def find(
    query: Annotated[list[str] | None, typer.Argument()] = None,
    limit: Annotated[int, typer.Option("--limit", "-n")] = 50,
    replace: Annotated[tuple[str, str] | None, typer.Option("--replace")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y")] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-r")] = False,
) -> None:
    """Say what was understood."""
    typer.echo(f"{' '.join(query or ())}|{limit}|{replace}|{yes}|{recursive}")


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        (["-caption:fox"], "-caption:fox|50|None|False|False"),
        (["fox", "-rating:5", "-yellow", "-y"], "fox -rating:5 -yellow|50|None|True|False"),
        (["-n5", "-has:caption", "-ry"], "-has:caption|5|None|True|True"),
        (["-nsfw", "-n", "7"], "-nsfw|7|None|False|False"),
        (["--replace", "-a", "-b c", "-1girl", "--limit=9"], "-1girl|9|('-a', '-b c')|False|False"),
        (["--yes", "--", "-y", "--limit"], "-y --limit|50|None|True|False"),
        ([""], "|50|None|False|False"),
    ],
)
def test_a_word_with_a_minus_sign_is_of_the_query(given: list[str], understood: str) -> None:
    done = CliRunner().invoke(probe, given)
    assert (done.exit_code, done.stdout) == (0, understood + "\n"), done.output


def test_unknown_options_and_help_are_told_as_ever() -> None:
    assert CliRunner().invoke(probe, ["-caption:fox", "--wrong"]).exit_code == 2
    assert CliRunner().invoke(probe, ["-x"]).exit_code == 2
    assert "Say what was understood." in CliRunner().invoke(probe, ["-caption:fox", "--help"]).output

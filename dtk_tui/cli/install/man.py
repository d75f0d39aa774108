"""man: the manual page, written from the help of all commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from dtk_tui import __version__
from dtk_tui.cli.program.entry import Entry

commands = typer.Typer()


@commands.command()
def man(context: typer.Context) -> None:
    """Print the manual page: dtk man | man -l -."""
    typer.echo(manual(context.find_root().command), nl=False)


def manual(root: Any) -> str:
    """Return the manual page of a command line as roff."""
    lines = [
        f'.TH DTK 1 "" "dtk-tui {__version__}" "User Commands"',
        ".SH NAME",
        "dtk \\- very large libraries of AI-generated images, in the terminal",
        ".SH SYNOPSIS",
        ".B dtk",
        "[COMMAND] [OPTIONS]",
        ".SH DESCRIPTION",
        "Without a command the app opens. Every command of this page does what the app does, without it.",
        ".SH COMMANDS",
    ]
    for names, command in _commands(root, ()):
        lines += _section(names, command)
    lines += [
        ".SH EXIT STATUS",
        "0 done, 1 failed, 2 not understood, 130 interrupted, 141 the reader of the output went away.",
        ".SH FILES",
        "dtk config path prints where the settings are.",
    ]
    return "\n".join(lines) + "\n"


def _commands(command: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, listed in sorted(getattr(command, "commands", {}).items()):
        sub = listed.load() if isinstance(listed, Entry) else listed
        yield (*names, name), sub
        yield from _commands(sub, (*names, name))


def _section(names: tuple[str, ...], command: Any) -> list[str]:
    context = command.context_class(command, info_name=" ".join(("dtk", *names)))
    lines = [".SS " + _text(" ".join(("dtk", *names, *command.collect_usage_pieces(context))))]
    for part in (command.help or "").split("\n\n"):
        lines += [".PP", _text(part)] if part.strip() else []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts:
            lines += [".TP", "\\fB" + _text(record[0]) + "\\fR", _text(record[1]) or "\\&"]
    return lines


def _text(words: str) -> str:
    """Return a text in one line that roff shows as it is."""
    plain = " ".join(words.split()).replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + plain if plain.startswith((".", "'")) else plain

"""doctor: what keeps the program from working well here."""

from __future__ import annotations

import os
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.open_library import open_database
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json
from dtk_tui.errors import DtkError
from dtk_tui.terminal import terminal_width
from dtk_tui.text import counted, cut, file_size, one_line

if TYPE_CHECKING:
    from dtk_tui.services.doctor.finding import Finding

commands = typer.Typer()

_MARGIN = 17
#: Stands before what to do, so that it can be told from what was found.
_ADVICE = "-> "
#: A bold word can be read on light and on dark ground; red is told from both.
_STYLES: dict[str, dict[str, Any]] = {"fault": {"fg": "red", "bold": True}, "note": {"bold": True}}
_LEAST_WIDTH = 40
_LIMIT = 1000
#: How far errors are indented.
_ERROR_MARGIN = 5
#: Joins the words of a command while lines are made; it is in no text that was made safe.
_JOINED = "\x00"


@commands.command()
def doctor(
    as_json: Json = False,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE", help="Write a zip for who helps you: findings, logs, no passwords."),
    ] = None,
) -> None:
    """Look for what keeps the program from working well here.

    Each finding is ok, a note (it costs speed or comfort), or a fault (something does not work), with what to do.
    Exit status 0 without a fault, 1 with one.
    """
    from dtk_tui.config import load
    from dtk_tui.services.doctor.examine import examine
    from dtk_tui.services.doctor.finding import Verdict

    if bundle is not None:
        _bundle(bundle, as_json)
        return
    faults: list[Finding] = []
    width = terminal_width(sys.stdout)
    is_coloured = width is not None and not os.environ.get("NO_COLOR")
    for finding in examine(load(), open_database):
        faults += [finding] if finding.verdict == Verdict.FAULT else []
        if as_json:
            print_json(asdict(finding))
            continue
        for line in lines_of(finding, width, is_coloured=is_coloured):
            typer.echo(line)
    if faults:
        raise DtkError(f"{counted(len(faults), 'fault')} found.", _heads(faults, width))


def _bundle(target: Path, as_json: bool) -> None:
    from dtk_tui.cli.status import status_json
    from dtk_tui.config import load
    from dtk_tui.services.doctor.bundle import write_bundle
    from dtk_tui.services.doctor.examine import examine
    from dtk_tui.services.settings.values import listed
    from dtk_tui.services.stats import snapshot

    config = load()
    parts: dict[str, Any] = {
        "findings": [asdict(finding) for finding in examine(config, open_database)],
        "settings": {one.info.key: {"value": one.shown, "origin": one.origin} for one in listed(config.paths)},
    }
    try:
        db = open_database(config)
        try:
            parts["status"] = status_json(snapshot(db))
        finally:
            db.close()
    except DtkError as error:
        parts["status"] = {"error": str(error)}
    size = write_bundle(config, target, parts)
    if as_json:
        print_json({"file": str(target), "bytes": size})
    else:
        typer.echo(f"{one_line(str(target), 5000)}: {file_size(size)}. Look through it before you pass it on.")


def _heads(faults: list[Finding], width: int | None) -> str:
    """Return a line a fault: the first ones may have left the screen."""
    room = _LIMIT if width is None else max(_LEAST_WIDTH, width) - _ERROR_MARGIN
    lines = [cut(one_line(f"{fault.subject}: {fault.detail}", _LIMIT), room) for fault in faults]
    return "\n".join([*lines, "What to do stands beside each."])


def lines_of(finding: Finding, width: int | None, *, is_coloured: bool = False) -> list[str]:
    """Return a finding as lines: verdict, subject and detail, and below them the advice.

    Args:
        width: of the terminal, in cells; None where nothing is wrapped.
    """
    room = None if width is None else max(_LEAST_WIDTH, width) - _MARGIN
    first, *rest = _wrapped(one_line(finding.detail, _LIMIT), room) or [""]
    if finding.advice:
        inner = None if room is None else room - len(_ADVICE)
        advice = _wrapped(_whole_command(one_line(finding.advice, _LIMIT), inner), inner)
        rest += [f"{_ADVICE if n == 0 else ' ' * len(_ADVICE)}{line}" for n, line in enumerate(advice)]
    verdict = f"{finding.verdict:6}"
    if is_coloured and finding.verdict in _STYLES:
        verdict = typer.style(verdict, **_STYLES[finding.verdict])
    return [f"{verdict}{finding.subject:10} {first}".rstrip(), *(f"{'':{_MARGIN}}{line}" for line in rest)]


def _whole_command(text: str, room: int | None) -> str:
    """Join the words of a command that ends a text, where it fits in a line: it is copied from there."""
    head, colon, command = text.rpartition(": ")
    return f"{head}{colon}{command.replace(' ', _JOINED)}" if colon and len(command) <= (room or 0) else text


def _wrapped(text: str, room: int | None) -> list[str]:
    """Return a text in lines; paths and names stay whole, for they are copied."""
    lines = [text] if room is None else textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False)
    return [line.replace(_JOINED, " ") for line in lines]

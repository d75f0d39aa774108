"""doctor: what keeps the program from working well here."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import typer

from dtk_tui.cli.open_library import open_database
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json
from dtk_tui.errors import DtkError
from dtk_tui.terminal import terminal_width
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    from dtk_tui.services.doctor.finding import Finding

commands = typer.Typer()

_MARGIN = 17
_LEAST_WIDTH = 40
_LIMIT = 1000


@commands.command()
def doctor(as_json: Json = False) -> None:
    """Look for what keeps the program from working well here.

    Each finding is ok, a note (it costs speed or comfort), or a fault (something does not work), with what to do.
    Exit status 0 without a fault, 1 with one.
    """
    from dtk_tui.config import load
    from dtk_tui.services.doctor.examine import examine
    from dtk_tui.services.doctor.finding import Verdict

    faults = 0
    width = terminal_width(sys.stdout)
    for finding in examine(load(), open_database):
        faults += finding.verdict == Verdict.FAULT
        if as_json:
            print_json(
                {
                    "subject": finding.subject,
                    "verdict": finding.verdict,
                    "detail": finding.detail,
                    "advice": finding.advice,
                }
            )
            continue
        for line in lines_of(finding, width):
            typer.echo(line)
    if faults:
        raise DtkError(f"{counted(faults, 'fault')} found.", "What to do stands beside each.")


def lines_of(finding: Finding, width: int | None) -> list[str]:
    """Return a finding as lines: verdict, subject and detail, and below them the advice.

    Args:
        width: of the terminal, in cells; None where nothing is wrapped.
    """
    room = None if width is None else max(_LEAST_WIDTH, width) - _MARGIN
    texts = [one_line(text, _LIMIT) for text in (finding.detail, finding.advice) if text]
    lines = [line for text in texts for line in ([text] if room is None else _wrapped(text, room))]
    first, *rest = lines or [""]
    return [f"{finding.verdict:6}{finding.subject:10} {first}".rstrip(), *(f"{'':{_MARGIN}}{line}" for line in rest)]


def _wrapped(text: str, room: int) -> list[str]:
    """Return a text in lines; commands, paths and names stay whole, for they are copied."""
    return textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False)

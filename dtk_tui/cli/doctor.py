"""doctor: what keeps the program from working well here."""

from __future__ import annotations

import typer

from dtk_tui.cli.open_library import open_database
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json
from dtk_tui.errors import DtkError
from dtk_tui.text import counted, one_line

commands = typer.Typer()


@commands.command()
def doctor(as_json: Json = False) -> None:
    """Look for what keeps the program from working well here."""
    from dtk_tui.config import load
    from dtk_tui.services.doctor import Verdict, examine

    faults = 0
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
        typer.echo(f"{finding.verdict:6}{finding.subject:10}{one_line(finding.detail)}")
        if finding.advice:
            typer.echo(f"{'':16}{one_line(finding.advice)}")
    if faults:
        raise DtkError(f"{counted(faults, 'fault')} found.", "What to do stands beside each.")

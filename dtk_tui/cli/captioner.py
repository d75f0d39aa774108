"""caption types, test."""

from __future__ import annotations

import typer

from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.errors import DtkError
from dtk_tui.text import display

commands = typer.Typer()


@commands.command()
def types(as_json: Json = False) -> None:
    """List the caption types: JoyCaption's, and the templates of the config; then JoyCaption's extra options."""
    from dtk_tui.config import load
    from dtk_tui.inference.captioner.prompts import caption_types, find_type, options

    settings = load().settings.captions
    known = caption_types(settings)
    current = find_type(settings, settings.type)
    if as_json:
        for kind in known:
            print_json(
                {
                    "name": kind.name,
                    "title": kind.title,
                    "is_default": kind == current,
                    "is_own": kind.is_own,
                    "prompt": kind.plain,
                    "prompt_with_words": kind.words,
                    "prompt_with_length": kind.length,
                }
            )
        return
    rows = [("*" if kind == current else "", kind.name, kind.title, kind.plain) for kind in known]
    print_table(("", "type", "title", "prompt"), rows)
    typer.echo("")
    print_table(("option", "adds to the prompt"), list(options().items()))
    typer.echo("* asked for where no other is named. Change it in [captions] of config.toml.", err=True)


@commands.command()
def test(as_json: Json = False) -> None:
    """Ask the captioner for its models, and send it a small picture; nothing is stored."""
    from dtk_tui.config import load
    from dtk_tui.inference.captioner.choice import captioner, check_settings
    from dtk_tui.inference.captioner.connection import ConnectionReport, check_connection

    config = load()
    try:
        check_settings(config)
        asked = captioner(config)
    except DtkError as error:
        report = ConnectionReport(False, [], None, str(error))
    else:
        try:
            report = check_connection(asked)
        finally:
            asked.close()
    if as_json:
        found = {"ok": report.ok, "models": report.models, "vision": report.vision, "detail": report.detail}
        print_json(found)
        if not report.ok:
            raise typer.Exit(1)
        return
    if not report.ok:
        raise DtkError("The captioner cannot be used.", report.detail)
    sees = {True: "yes", False: "no", None: "not known"}[report.vision]
    typer.echo(display(f"models   {', '.join(report.models) or 'not told'}"))
    typer.echo(f"vision   {sees}")
    typer.echo(display(f"answer   {report.detail}"))

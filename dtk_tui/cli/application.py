"""``dtk`` as Typer knows it: its options, and the group of all commands."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from dtk_tui.cli.program.group import Program
from dtk_tui.cli.quick import keep_driver_silent

application = typer.Typer(
    name="dtk",
    cls=Program,
    help="Very large libraries of AI-generated images, in the terminal.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from dtk_tui.cli.install.version import version_line

        typer.echo(version_line())
        raise typer.Exit


@application.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting for this run, before config.toml; may be repeated."),
    ] = None,
) -> None:
    """Open the app, or run one of the commands."""
    del version
    if set_:
        from dtk_tui.setting_sources import COMMAND_LINE, from_command_line

        os.environ[COMMAND_LINE] = from_command_line(set_)
    if context.invoked_subcommand is None:
        from dtk_tui.cli.app import open_app

        open_app()
    else:
        keep_driver_silent()

"""config path, show."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json
from dtk_tui.text import one_line

commands = typer.Typer(help="The settings, and where they stand.", no_args_is_help=True)


@commands.command(name="path")
def path_() -> None:
    """Print where config.toml is, or would be."""
    from dtk_tui.config import AppPaths

    sys.stdout.buffer.write(os.fsencode(AppPaths().config_file) + b"\n")
    sys.stdout.flush()


@commands.command(name="show")
def show(as_json: Json = False) -> None:
    """Print the settings in force, and the places of this library."""
    from dtk_tui.config import load

    config = load()
    settings: dict[str, Any] = config.settings.model_dump(mode="json", exclude_none=True)
    if "url" in settings.get("database", {}):
        settings["database"]["url"] = "(set)"
    places = {
        "config": str(config.paths.config_file),
        "database": "DTK_DATABASE_URL" if config.paths.database_url else str(config.paths.database),
        "models": str(config.paths.models),
        "log": str(config.paths.log_file),
        "cache": str(config.paths.cache),
    }
    if as_json:
        print_json({"settings": settings, "places": places})
        return
    import tomli_w

    typer.echo(tomli_w.dumps(settings))
    for name, place in places.items():
        typer.echo(f"# {name:9}{one_line(place)}")

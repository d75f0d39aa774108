"""db start, stop, psql, backup, restore, reindex."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dtk_tui.cli.open_library import confirmed, library
from dtk_tui.text import counted, file_size, one_line

commands = typer.Typer(help="The database of the library.", no_args_is_help=True)


@commands.command()
def start() -> None:
    """Start the embedded server and keep it running until db stop."""
    from dtk_tui.config import load
    from dtk_tui.services.database import keep_running

    server = keep_running(load())
    with library() as (db, _):
        typer.echo(f"PostgreSQL runs (process {server.pid()}). {db.conninfo()}")


@commands.command()
def stop() -> None:
    """Stop the embedded server, whoever uses it."""
    from dtk_tui.config import load
    from dtk_tui.services import database

    typer.echo("PostgreSQL has stopped." if database.stop(load()) else "PostgreSQL was not running.")


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the library; what is written behind goes to it: dtk db psql -c "SELECT count(*) FROM image"."""
    from dtk_tui.store import maintenance

    with library() as (db, _):
        status = maintenance.psql(db, context.args)
    raise typer.Exit(status)


@commands.command()
def backup(target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Write the whole library to a file."""
    from dtk_tui.store import maintenance

    with library() as (db, _):
        size = maintenance.backup(db, target)
    typer.echo(f"{one_line(str(target), 5000)}: {file_size(size)}")


@commands.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file that db backup wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Replace the library by a backup."""
    from dtk_tui.services import database
    from dtk_tui.store import maintenance

    maintenance.require_backup(source)
    with library() as (db, _):
        images = database.require_no_workers(db)
        question = f"This library has {counted(images, 'image')}. Replace it by the backup?"
        if images and not (yes or confirmed(question)):
            typer.echo("Nothing was restored.")
            raise typer.Exit(1)
        database.restore(db, source)
    typer.echo("Restored.")


@commands.command()
def reindex() -> None:
    """Build every index anew, and search captions in the language of the config from now on."""
    from dtk_tui.services.library.caption_language import set_language
    from dtk_tui.store import maintenance

    with library() as (db, config):
        with db.connection() as conn:
            set_language(conn, config.settings.captions.language)
        maintenance.reindex(db)
    typer.echo("Done.")

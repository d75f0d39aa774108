"""db start, stop, psql, backup, restore, reindex."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.session import confirmed, library
from dtk_tui.errors import DtkError
from dtk_tui.text import counted, file_size, one_line

if TYPE_CHECKING:
    from dtk_tui.store.server.embedded import EmbeddedServer

commands = typer.Typer(help="The database of the library.", no_args_is_help=True)


def _embedded() -> EmbeddedServer:
    from dtk_tui.config import load
    from dtk_tui.store.server.embedded import EmbeddedServer

    config = load()
    if config.database_url is not None:
        raise DtkError("This library is on a server of its own.", "Start and stop it by its own means.")
    return EmbeddedServer(config.paths.database)


@commands.command()
def start() -> None:
    """Start the embedded server and keep it running until db stop."""
    server = _embedded()
    server.keep(True)
    with library() as (db, _):
        typer.echo(f"PostgreSQL runs (process {server.pid()}). {db.conninfo()}")


@commands.command()
def stop() -> None:
    """Stop the embedded server, whoever uses it."""
    server = _embedded()
    running = server.is_running()
    server.keep(False)
    server.stop()
    typer.echo("PostgreSQL has stopped." if running else "PostgreSQL was not running.")


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the library; what is written behind goes to it: dtk db psql -c "SELECT count(*) FROM image"."""
    from dtk_tui.store.maintenance import psql as run

    with library() as (db, _):
        status = run(db, context.args)
    raise typer.Exit(status)


@commands.command()
def backup(target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Write the whole library to a file."""
    from dtk_tui.store.maintenance import backup as run

    with library() as (db, _):
        size = run(db, target)
    typer.echo(f"{one_line(str(target), 5000)}: {file_size(size)}")


@commands.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file that db backup wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Replace the library by a backup."""
    from dtk_tui.services.stats import snapshot
    from dtk_tui.store.maintenance import require_backup
    from dtk_tui.store.maintenance import restore as run

    require_backup(source)
    with library() as (db, _):
        stats = snapshot(db)
        if stats.workers:
            # What a worker knows of the library would be wrong from one moment to the next.
            names = ", ".join(f"{worker.host} (process {worker.pid})" for worker in stats.workers)
            raise DtkError(f"A worker uses this library: {names}.", "End it, or close its app, before you restore.")
        images = stats.library.images
        question = f"This library has {counted(images, 'image')}. Replace it by the backup?"
        if images and not (yes or confirmed(question)):
            typer.echo("Nothing was restored.")
            raise typer.Exit(1)
        run(db, source)
    typer.echo("Restored.")


@commands.command()
def reindex() -> None:
    """Build every index anew."""
    from dtk_tui.store.maintenance import reindex as run

    with library() as (db, _):
        run(db)
    typer.echo("Done.")

"""db: start, stop, psql, backup, restore, verify, move, upgrade, stats, vacuum, reindex."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dtk_tui.cli.open_library import confirmed, library, open_database
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json, print_table, progress_of
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, file_size, one_line

commands = typer.Typer(help="The database of the library.", no_args_is_help=True)

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file that db backup wrote.")]


@commands.command()
def start() -> None:
    """Start the embedded server and keep it running until db stop."""
    from dtk_tui.config import load
    from dtk_tui.services.database.server import keep_running

    server = keep_running(load())
    with library() as (db, _):
        typer.echo(f"PostgreSQL runs (process {server.pid()}). {db.conninfo()}")


@commands.command()
def stop() -> None:
    """Stop the embedded server, whoever uses it."""
    from dtk_tui.config import load
    from dtk_tui.services.database import server

    typer.echo("PostgreSQL has stopped." if server.stop(load()) else "PostgreSQL was not running.")


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the library; what is written behind goes to it: dtk db psql -c "SELECT count(*) FROM image"."""
    from dtk_tui.store import maintenance

    with library() as (db, _):
        status = maintenance.psql(db, context.args)
    raise typer.Exit(status)


@commands.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; with --keep a folder.")],
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, max=10_000, help="Write into a folder, and remove all but so many there."),
    ] = None,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="With --keep: write only what the last one there has not.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the whole library, as it is at this moment, to a file.

    Beside it stand the digests of its tables, with which restore and verify compare.
    """
    from dtk_tui.services.database import backups

    if incremental and keep is None:
        raise UsageError("--incremental needs a folder, and how many stay there.", "For example: --keep 30 FOLDER")
    with library() as (db, _), progress_of("Backup") as progress:
        if incremental and keep is not None:
            made = backups.backup_in_parts(db, target, keep, progress)
        else:
            made = backups.backup(db, target, keep, progress)
    if as_json:
        whole = {} if made.whole_bytes is None else {"whole_bytes": made.whole_bytes}
        removed = [str(path) for path in made.removed]
        print_json({"file": str(made.file), "bytes": made.bytes, "removed": removed} | whole)
        return
    of = "" if made.whole_bytes is None else f" written, of a library of {file_size(made.whole_bytes)}"
    typer.echo(f"{one_line(str(made.file), 5000)}: {file_size(made.bytes)}{of}")
    for path in made.removed:
        typer.echo(f"{one_line(str(path), 5000)}: removed")


@commands.command()
def restore(
    source: BackupFile,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Replace the library by a backup, all of it or nothing."""
    from dtk_tui.services.database import backups

    with library() as (db, config):
        images = backups.require_restorable(db, source)
        question = f"This library has {counted(images, 'image')}. Replace it by the backup?"
        if images and not (yes or confirmed(question)):
            typer.echo("Nothing was restored.")
            raise typer.Exit(1)
        compared = backups.restore(db, config, source)
    if as_json:
        print_json({"file": str(source), "compared": compared > 0})
    elif compared:
        typer.echo("Restored; each table has the digest that was noted at the backup.")
    else:
        typer.echo("Restored. No digests stand beside this backup, so nothing was compared.")


@commands.command()
def verify(source: BackupFile, as_json: Json = False) -> None:
    """Restore a backup into a scratch database and compare it."""
    from dtk_tui.config import load
    from dtk_tui.services.database import backups

    found = backups.verify(load(), source)
    if as_json:
        tables = {name: asdict(one) for name, one in found.tables.items()}
        print_json({"file": str(source), "schema": found.schema, "compared": found.is_compared, "tables": tables})
        return
    rows = sum(one.rows for one in found.tables.values())
    typer.echo(f"{one_line(str(source), 5000)} can be restored: {counted(len(found.tables), 'table')}, {rows:,} rows.")
    if found.is_compared:
        typer.echo("Every table has the digest that was noted at the backup.")
    else:
        typer.echo("No digests stand beside it, so nothing was compared.")


@commands.command()
def move(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="An empty database, or embedded.")],
    as_json: Json = False,
) -> None:
    """Copy the library to another server, or go on with that.

    Every table is compared. Where the library was, it stays as it is.
    """
    from dtk_tui.services.database import move as service

    with library() as (db, config), progress_of("Move") as progress:
        moved = service.move(db, config, to, progress)
    if as_json:
        print_json(asdict(moved))
        return
    before = f", {moved.found:,} were there already" if moved.found else ""
    typer.echo(f"{counted(moved.copied, 'table')} copied with {moved.rows:,} rows{before}; all digests are the same.")
    if to == service.EMBEDDED:
        typer.echo("Take DTK_DATABASE_URL, or url in [database] of config.toml, away to use the library there.")
    else:
        typer.echo(
            "Name the server in DTK_DATABASE_URL, or as url in [database] of config.toml, to use the library there."
        )
    typer.echo("Where it was it is whole as well, and does not change with the other: end all that uses it.")


@commands.command()
def upgrade(
    without_backup: Annotated[bool, typer.Option("--without-backup", help="Change it without a backup.")] = False,
) -> None:
    """Bring the library to this version's schema, after a backup.

    Every other command does so as well.
    """
    from dtk_tui.config import load
    from dtk_tui.store import maintenance

    db = open_database(load(), with_backup=not without_backup)
    try:
        with db.connection() as conn:
            typer.echo(f"The library has the schema {maintenance.server_info(conn).schema}.")
    finally:
        db.close()


@commands.command()
def stats(as_json: Json = False) -> None:
    """Show the server, and what each table takes on its disk."""
    from dtk_tui.store import maintenance

    with library() as (db, _), db.connection() as conn:
        info, found = maintenance.server_info(conn), maintenance.table_sizes(conn)
    if as_json:
        print_json({**asdict(info), "tables": [asdict(one) | {"total_bytes": one.total_bytes} for one in found]})
        return
    typer.echo(f"PostgreSQL {info.version}, pgvector {info.pgvector}, {info.schema}, {file_size(info.size_bytes)}")
    print_table(
        ("table", "rows", "dead", "all", "table", "indexes", "long values"),
        [
            (
                one.name,
                f"{one.rows:,}",
                f"{one.dead_rows:,}",
                *(file_size(n) for n in (one.total_bytes, one.bytes, one.index_bytes, one.other_bytes)),
            )
            for one in found
        ],
        right=frozenset(range(1, 7)),
    )


@commands.command()
def vacuum(as_json: Json = False) -> None:
    """Make room of what was deleted, while others work on."""
    from dtk_tui.store import maintenance

    with library() as (db, _), progress_of("Vacuum") as progress:
        before, after = maintenance.vacuum(db, progress)
    if as_json:
        print_json({"bytes_before": before, "bytes_after": after})
    else:
        typer.echo(f"{file_size(before)} before, {file_size(after)} now.")


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

"""library delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import confirmed, library
from dtk_tui.cli.options import Json
from dtk_tui.cli.organise.chosen import Yes
from dtk_tui.cli.output import ProgressLine, print_json, progress_bar
from dtk_tui.text import counted, file_size, one_line

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.trash import TrashResult

commands = typer.Typer()

_SHOWN = 20


@commands.command()
def delete(
    query: Annotated[
        str | None, typer.Option("--query", help="Only what a search finds of the images that are for deletion.")
    ] = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the files.")] = False,
    as_json: Json = False,
) -> None:
    """Move the files of images that are for deletion into the system's trash, after a question."""
    from dtk_tui.services.library.organise import trash
    from dtk_tui.services.library.search import find

    with library() as (db, config):
        files = trash.flagged(db, None if query is None else find(db, config, query).ids)
        size = sum(file.size for file in files)
        if dry_run and as_json:
            print_json({"files": [file.path for file in files], "bytes": size})
            return
        if not as_json:
            shown = files if dry_run else files[:_SHOWN]
            for file in shown:
                typer.echo(one_line(file.path, 5000))
            more = f" ({len(files) - len(shown):,} more than these)" if len(files) > len(shown) else ""
            typer.echo(
                f"{counted(len(files), 'file is', 'files are')} for deletion, {file_size(size)}{more}.", err=True
            )
        if dry_run:
            return
        result = trash.TrashResult(0, 0, ())
        if files and (yes or confirmed(f"Move {counted(len(files), 'file')} into the trash?")):
            line = ProgressLine()

            def show(done: int, total: int) -> None:
                line.show(f"into the trash  [{progress_bar(done / max(total, 1))}] {done:,} of {total:,}")

            try:
                result = trash.to_trash(db, config, files, show)
            finally:
                line.end()
    _print_result(result, as_json)
    if result.failed:
        raise typer.Exit(1)


def _print_result(result: TrashResult, as_json: bool) -> None:
    if as_json:
        failed = [{"path": path, "reason": reason} for path, reason in result.failed]
        print_json({"deleted": result.deleted, "bytes": result.size, "failed": failed})
        return
    typer.echo(f"{counted(result.deleted, 'file')} moved into the trash, {file_size(result.size)}.")
    for path, reason in result.failed[:_SHOWN]:
        typer.echo(f"  {one_line(path, 5000)}: {one_line(reason, 300)}", err=True)
    if len(result.failed) > _SHOWN:
        typer.echo(f"  ... and {len(result.failed) - _SHOWN:,} more (--json)", err=True)

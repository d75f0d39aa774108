"""query save, list, delete, pin."""

from __future__ import annotations

from typing import Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json, print_table

commands = typer.Typer(help="Queries that are kept under a name.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As dtk query list shows it.")]


@commands.command()
def save(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="As dtk search takes it.")],
    replace: Annotated[bool, typer.Option("--replace", help="Also where there is a query of this name.")] = False,
) -> None:
    """Keep a query under a name."""
    from dtk_tui.services.library.queries import saved_queries

    with library() as (db, _):
        saved_queries.save(db, name, " ".join(query), replace=replace)


@commands.command(name="list")
def list_queries(as_json: Json = False) -> None:
    """List the queries that are kept, those of an import from Diffusion Toolkit too."""
    from dtk_tui.services.library.queries import saved_queries

    with library() as (db, _):
        found = saved_queries.saved(db)
    if as_json:
        for one in found:
            print_json(
                {
                    "name": one.name,
                    "query": one.line,
                    "pinned": one.is_pinned,
                    "problem": one.problem,
                    "modified_at": one.modified_at.isoformat(),
                }
            )
        return
    if not found:
        typer.echo("No query is kept yet.", err=True)
        return
    table = [
        ("pinned" if one.is_pinned else "", one.name, one.line if one.line is not None else f"({one.problem})")
        for one in found
    ]
    print_table(("", "name", "query"), table)


@commands.command()
def delete(name: Name) -> None:
    """Delete a query that is kept."""
    from dtk_tui.services.library.queries import saved_queries

    with library() as (db, _):
        saved_queries.delete(db, name)


@commands.command()
def pin(name: Name, off: Annotated[bool, typer.Option("--off", help="Back among the others.")] = False) -> None:
    """Put a query at the head of the list."""
    from dtk_tui.services.library.queries import saved_queries

    with library() as (db, _):
        saved_queries.pin(db, name, pinned=not off)

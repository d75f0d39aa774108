"""tag add, remove, rename, merge, list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.organise.chosen import DryRun, Yes, carry_out
from dtk_tui.cli.organise.collections import offer_add_and_remove
from dtk_tui.cli.output import print_json, print_table

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.collections import Collections

commands = typer.Typer(help="Tags that people give images.", no_args_is_help=True)


def _tags() -> Collections:
    from dtk_tui.services.library.organise.tags import TAGS

    return TAGS


offer_add_and_remove(
    commands,
    _tags,
    "tag",
    added=("Give images a tag; dtk journal undo takes it back.", "Tag {}"),
    removed=(
        "Take a tag from images; what models say of them stays, and dtk journal undo takes it back.",
        "Without the tag {}",
    ),
)


@commands.command()
def rename(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tag.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it shall be called.")],
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Rename a tag on all images that people gave it; where there is one of the new name, both become one."""
    _rename([name], new, yes, dry_run, as_json)


@commands.command()
def merge(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The tags that go.")],
    into: Annotated[str, typer.Option("--into", metavar="NAME", help="The tag that takes their place.")],
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make one tag of several, on all images that people gave them; dtk journal undo takes it back."""
    _rename(names, into, yes, dry_run, as_json)


def _rename(names: list[str], new: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    from dtk_tui.services.library.organise import tags
    from dtk_tui.services.library.organise.collections import checked

    checked(new)
    with library() as (db, _):
        number = tags.count_named(db, names)
        carry_out(
            f"Tag {', '.join(names)} becomes {new}",
            number,
            lambda: number,
            partial(tags.rename, db, names, new),
            yes=yes,
            dry_run=dry_run,
            as_json=as_json,
        )


@commands.command(name="list")
def list_tags(as_json: Json = False) -> None:
    """List the tags that people gave, with the number of their images."""
    from dtk_tui.services.library.organise.tags import TAGS

    with library() as (db, _):
        found = TAGS.listed(db)
    if as_json:
        for tag in found:
            print_json({"name": tag.name, "images": tag.images})
    elif found:
        print_table(("images", "tag"), [(f"{tag.images:,}", tag.name) for tag in found], right=frozenset({0}))
    else:
        typer.echo("Nobody gave an image a tag yet.", err=True)

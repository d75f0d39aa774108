"""add and remove, of albums and of tags."""

# Annotations are evaluated where the commands are made, as the words of their help differ.

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.organise.chosen import DryRun, Images, Query, Yes, carry_out, chosen

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.collections import Collections


def offer_add_and_remove(
    commands: typer.Typer,
    collections: "Callable[[], Collections]",
    noun: str,
    *,
    added: tuple[str, str],
    removed: tuple[str, str],
) -> None:
    """Add the commands that put images into albums or give them tags, and take them away again.

    Args:
        collections: returns which of both; the service is loaded when a command runs.
        noun: what one is called.
        added, removed: the help of a command, and its title in what it prints, with ``{}`` for the name.
    """
    name_help = typer.Argument(metavar="NAME", help=f"The {noun}.")

    def command(word: str, texts: tuple[str, str], *, has: bool) -> None:
        @commands.command(name=word, help=texts[0])
        def run(
            name: Annotated[str, name_help],
            images: Images = None,
            query: Query = None,
            yes: Yes = False,
            dry_run: DryRun = False,
            as_json: Json = False,
        ) -> None:
            kind = collections()
            with library() as (db, config):
                ids = chosen(db, config, images, query)
                count = partial(kind.count, db, ids, name, has=has)
                work = partial(kind.remove, db, ids, name) if has else partial(kind.add, db, ids, [name])
                title = texts[1].format(name)
                carry_out(title, len(ids), count, work, yes=yes, dry_run=dry_run, as_json=as_json)

    command("add", added, has=False)
    command("remove", removed, has=True)

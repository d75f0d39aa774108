"""album create, add, remove, rename, move, delete, list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.organise.chosen import DryRun, Images, Query, Yes, carry_out, chosen, show_done
from dtk_tui.cli.organise.collections import offer_add_and_remove
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.errors import DtkError, UsageError

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.services.library.organise.collections import Collections
    from dtk_tui.store.database import Database

commands = typer.Typer(help="Albums: collections of images that people put together.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The album.")]


@commands.command()
def create(
    name: Name,
    images: Images = None,
    query: Query = None,
    smart: Annotated[
        str | None, typer.Option("--smart", metavar="QUERY", help="A smart album: it has what this finds, at any time.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make an album, and put images into it; dtk journal undo takes it back."""
    from dtk_tui.services.library.organise import albums

    if smart is not None and (images or query is not None):
        raise UsageError("A smart album has what its query finds, and no other images.")
    with library() as (db, config):
        ids = [] if query is None and not images else chosen(db, config, images, query).tolist()
        work = partial(albums.create, db, name, ids, smart)
        carry_out(f"Album {name}", len(ids), lambda: len(ids), work, yes=yes, dry_run=dry_run, as_json=as_json)


def _albums() -> Collections:
    from dtk_tui.services.library.organise.albums import ALBUMS

    return ALBUMS


offer_add_and_remove(
    commands,
    _albums,
    "album",
    added=("Put images into an album; dtk journal undo takes it back.", "Into the album {}"),
    removed=(
        "Take images out of an album; they stay in the library, and dtk journal undo takes it back.",
        "Out of the album {}",
    ),
)


@commands.command()
def rename(
    name: Name, new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")], as_json: Json = False
) -> None:
    """Rename an album; dtk journal undo takes it back."""
    from dtk_tui.services.library.organise import albums

    with library() as (db, _):
        show_done(f"Album {name} becomes {new}", albums.rename(db, name, new), as_json=as_json)


@commands.command()
def move(
    name: Name,
    place: Annotated[int, typer.Option("--place", min=1, max=1_000_000, help="Its place among the albums, from 1.")],
    as_json: Json = False,
) -> None:
    """Put an album at another place among the others; dtk journal undo takes it back."""
    from dtk_tui.services.library.organise import albums

    with library() as (db, _):
        show_done(f"Album {name} at place {place}", albums.move(db, name, place), as_json=as_json)


@commands.command()
def delete(name: Name, yes: Yes = False, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Delete an album; its images stay, and dtk journal undo takes it back."""
    from dtk_tui.services.library.organise import albums

    with library() as (db, _):
        number = albums.count_images(db, name)
        work = partial(albums.delete, db, name)
        title = f"Album {name} deleted"
        carry_out(title, number, lambda: number, work, yes=yes, dry_run=dry_run, as_json=as_json)


@commands.command(name="list")
def list_albums(as_json: Json = False) -> None:
    """List the albums in their order, with the number of their images."""
    from dtk_tui.services.library.organise import albums

    with library() as (db, config):
        found = [(album, album.images if album.query is None else _size(db, config, album.query))
                 for album in albums.ALBUMS.listed(db)]  # fmt: skip
    if as_json:
        for album, images in found:
            print_json({"name": album.name, "images": images, "query": album.query})
    elif found:
        rows = [("?" if images is None else f"{images:,}", album.name, album.query or "") for album, images in found]
        print_table(("images", "album", "query"), rows, right=frozenset({0}))
    else:
        typer.echo("There are no albums yet: dtk album create NAME makes one.", err=True)


def _size(db: Database, config: Config, query: str) -> int | None:
    """Return how many images a smart album has; None where its query is not understood any more."""
    from dtk_tui.services.library.search import find

    try:
        return len(find(db, config, query).ids)
    except DtkError:
        return None

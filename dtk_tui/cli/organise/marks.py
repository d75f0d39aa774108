"""rate, flag."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.organise.chosen import DryRun, Images, Query, Yes, carry_out, chosen
from dtk_tui.domain.organise import HIGHEST_RATING, Mark, MarkEdit
from dtk_tui.errors import UsageError

commands = typer.Typer()


@commands.command()
def rate(
    images: Images = None,
    rating: Annotated[str, typer.Option("--rating", metavar="N", help="0 to 10; none takes the rating away.")] = "",
    query: Query = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Rate images; dtk journal undo takes it back."""
    value = _rating(rating)
    _edit(MarkEdit(Mark.RATING, value), images, query, yes, dry_run, as_json)


def _rating(text: str) -> int | None:
    if text == "none":
        return None
    if text.isascii() and text.isdigit() and len(text) < 3 and int(text) <= HIGHEST_RATING:
        return int(text)
    raise UsageError(f"--rating is 0 to {HIGHEST_RATING}, or none.", f"{text!r} was given." if text else "")


@commands.command()
def flag(
    images: Images = None,
    favorite: Annotated[bool, typer.Option("--favorite", help="It is a favourite.")] = False,
    nsfw: Annotated[bool, typer.Option("--nsfw", help="It is not safe for work.")] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="It is for deletion; dtk library delete moves such files to the trash.")
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="Take the flag away.")] = False,
    query: Query = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Flag images as favourites, NSFW or for deletion; no file is touched, and dtk journal undo takes it back."""
    wanted = [
        mark
        for mark, is_given in ((Mark.FAVORITE, favorite), (Mark.NSFW, nsfw), (Mark.FOR_DELETION, delete))
        if is_given
    ]
    if len(wanted) != 1:
        raise UsageError("Give one of --favorite, --nsfw and --delete.")
    _edit(MarkEdit(wanted[0], int(not off)), images, query, yes, dry_run, as_json)


def _edit(edit: MarkEdit, images: list[str] | None, query: str | None, yes: bool, dry_run: bool, as_json: bool) -> None:
    from dtk_tui.services.library.organise import marks

    with library() as (db, config):
        ids = chosen(db, config, images, query)
        carry_out(
            edit.title,
            len(ids),
            partial(marks.count, db, ids, edit),
            partial(marks.apply, db, ids, edit),
            yes=yes,
            dry_run=dry_run,
            as_json=as_json,
        )

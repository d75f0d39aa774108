"""journal list, undo, redo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import LARGEST, Json, Limit
from dtk_tui.cli.output import print_json, print_table, progress_of
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    from dtk_tui.domain.journal import Undone

commands = typer.Typer(help="What was edited, and taking it back.", no_args_is_help=True)

_SHOWN = 20


@commands.command(name="list")
def list_edits(limit: Limit = 50, as_json: Json = False) -> None:
    """List the last edits, the newest first."""
    from dtk_tui.services.library.journal import last_edits

    with library() as (db, _):
        edits = last_edits(db, limit)
    if as_json:
        for edit in edits:
            print_json(
                {
                    "id": edit.id,
                    "kind": edit.kind,
                    "title": edit.title,
                    "made_at": edit.made_at.isoformat(),
                    "changed": edit.changed,
                    "undone_at": None if edit.undone_at is None else edit.undone_at.isoformat(),
                    "restored": edit.restored,
                }
            )
        return
    if not edits:
        typer.echo("Nothing was edited yet.", err=True)
        return
    table = [
        (
            e.id,
            f"{e.made_at.astimezone():%Y-%m-%d %H:%M:%S}",
            f"{e.changed:,}",
            "" if e.undone_at is None else "undone",
            e.title,
        )
        for e in edits
    ]
    print_table(("id", "when", "changed", "", "edit"), table, right=frozenset({0, 2}))


@commands.command()
def undo(
    number: Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST, help="As dtk journal list shows it.")],
    as_json: Json = False,
) -> None:
    """Take an edit back; what was edited again since is left alone, and named.

    When that later edit is taken back, too, it gives back what stood there before both.
    """
    from dtk_tui.services.library import journal
    from dtk_tui.services.library.caption_words import catch_up

    with library() as (db, _):
        with progress_of(f"Undo of edit {number}") as show:
            undone = journal.undo(db, number, show)
        _print_undone(undone, as_json)
        catch_up(db)


@commands.command()
def redo(
    number: Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST, help="As dtk journal list shows it.")],
    as_json: Json = False,
) -> None:
    """Do an edit again that was undone; what was edited again since is left alone, and named."""
    from dtk_tui.services.library import journal
    from dtk_tui.services.library.caption_words import catch_up

    with library() as (db, _):
        with progress_of(f"Edit {number} again") as show:
            undone = journal.redo(db, number, show)
        _print_undone(undone, as_json)
        catch_up(db)


def _print_undone(undone: Undone, as_json: bool) -> None:
    if as_json:
        left = [{"id": image_id, "path": path} for image_id, path in undone.left]
        print_json({"restored": undone.restored, "left": len(left), "left_images": left})
        return
    typer.echo(f"{undone.restored:,} restored.")
    if undone.left:
        number_left = counted(len(undone.left), "image was", "images were")
        typer.echo(f"{number_left} edited again or taken out since, and left alone:", err=True)
        for image_id, path in undone.left[:_SHOWN]:
            typer.echo(f"  {one_line(path or f'the image {image_id}, which is gone')}", err=True)
        if len(undone.left) > _SHOWN:
            typer.echo(f"  ... and {len(undone.left) - _SHOWN:,} more (--json)", err=True)

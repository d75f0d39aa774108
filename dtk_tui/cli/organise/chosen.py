"""Which images a command is for, the question before it changes many, and what it prints at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import confirmed
from dtk_tui.cli.output import print_json, progress_of
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.config import Config
    from dtk_tui.domain.organise import EditDone
    from dtk_tui.services.library.edits import Progress
    from dtk_tui.store.database import Database

    Ids = npt.NDArray[np.int64]

Images = Annotated[list[str] | None, typer.Argument(metavar="IMAGE...", help="Ids or paths.")]
Query = Annotated[
    str | None, typer.Option("--query", help="Instead of images: what a search finds; '' is the whole library.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many images would change.")]

#: More images than these are changed only after a question.
_MANY = 100


def chosen(db: Database, config: Config, images: list[str] | None, query: str | None) -> Ids:
    """Return the ids of the images that a person named, or that a query finds.

    Raises:
        UsageError: there is no such image, the query is not understood, or neither or both were given.
    """
    import numpy as np

    from dtk_tui.services.library.search import find, find_image

    if (query is None) == (not images):
        raise UsageError("Name what to change: IMAGEs by id or path, or --query ('' is the whole library).")
    if query is not None:
        return find(db, config, query).ids
    with db.connection() as conn:
        return np.array([find_image(conn, config, image) for image in images or ()], np.int64)


def carry_out(
    title: str,
    number: int,
    count: Callable[[], int],
    apply: Callable[[Progress], EditDone],
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Change images, after a question where they are many, and say how many it was.

    Args:
        title: what is done, in words.
        number: how many images it is for.
        count: says how many of them would change.
        apply: does it, and tells how far it is.
    """
    title = one_line(title, 200)
    if dry_run:
        would = count()
        if as_json:
            print_json({"changed": would, "journal": None})
        else:
            typer.echo(f"{title}: {counted(would, 'image')} of {number:,} would change.")
        return
    if number > _MANY and not (yes or as_json):
        typer.echo(f"{title}: {counted(number, 'image')}, of which {count():,} change.", err=True)
        if not confirmed("Do it?"):
            typer.echo("Nothing was changed.")
            return
    with progress_of(title) as show:
        done = apply(show)
    show_done(title, done, as_json=as_json)


def show_done(title: str, done: EditDone, *, as_json: bool) -> None:
    """Print what an edit changed, and how it is taken back."""
    if as_json:
        print_json({"changed": done.changed, "journal": done.journal})
    elif done.journal is None:
        typer.echo("Nothing was changed: it was so already.")
    else:
        head = f"{one_line(title, 200)}: {done.changed:,} changed."
        typer.echo(f"{head} dtk journal undo {done.journal} takes it back.")

"""library roots, add, remove, exclude, include, archive, failures, prune."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.session import Json, Limit, library, print_json, print_table
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    from dtk_tui.store.database import Connection
    from dtk_tui.store.folders import RootRow, Rule

commands = typer.Typer(help="Which folders are in the library, and which are left out.", no_args_is_help=True)

Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="A folder, by path.")]
Recursive = Annotated[bool, typer.Option("--recursive/--no-recursive", help="With all folders below it, or without.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]


@commands.command()
def roots(as_json: Json = False) -> None:
    """List the roots, and the folders below them that are excluded, archived or scanned without subfolders."""
    from dtk_tui.store import folders

    with library() as (db, _), db.connection() as conn:
        rows = folders.list_roots(conn)
    if as_json:
        for row in rows:
            print_json(
                {
                    "id": row.id,
                    "path": row.path,
                    "root": row.is_root,
                    "recursive": row.rule.recursive,
                    "excluded": row.rule.excluded,
                    "archived": row.rule.archived,
                    "unavailable": row.unavailable,
                    "folders": row.folders,
                    "images": row.images,
                    "missing": row.missing,
                }
            )
        return
    if not rows:
        typer.echo("The library has no folders yet. dtk scan FOLDER adds one.", err=True)
        return
    table = [(f"{r.images:,}", f"{r.missing:,}", f"{r.folders:,}", _state(r), r.path) for r in rows]
    print_table(("images", "missing", "folders", "state", "folder"), table, right=frozenset({0, 1, 2}))


def _state(row: RootRow) -> str:
    words = ["root"] if row.is_root else []
    words += ["excluded"] if row.rule.excluded else []
    words += ["archived"] if row.rule.archived else []
    words += [] if row.rule.recursive else ["alone"]
    gone = row.unavailable or (row.is_root and not os.path.isdir(row.path))  # noqa: PTH112 (surrogates must survive)
    words += ["not there"] if gone and not row.rule.excluded else []
    return ", ".join(words)


def _path(conn: Connection, folder: str) -> str:
    """Return the absolute path by which the library knows, or will know, what a person named."""
    from dtk_tui.services.rules import absolute, known_path

    named = absolute(os.fsdecode(folder))
    path = known_path(conn, named)
    if path != named:
        typer.echo(one_line(f"dtk: The folder {named} is in the library as {path}."), err=True)
    return path


def _known(conn: Connection, path: str) -> int:
    from dtk_tui.store import folders

    number = folders.find(conn, path)
    if number is None:
        raise UsageError(f"The folder {path} is not in the library.", "dtk library roots lists what is.")
    return number


@commands.command()
def add(folder: Folder, recursive: Recursive = True) -> None:
    """Make a folder a root of the library; the next scan reads it."""
    from dtk_tui.store import folders

    with library() as (db, _), db.connection() as conn:
        path = _path(conn, folder)
        if not os.path.isdir(path):  # noqa: PTH112 (surrogates must survive)
            raise UsageError(f"There is no folder {path}.", "Check the spelling, or that its disk is mounted.")
        number = folders.add_root(conn, path)
        folders.set_rule(conn, number, folders.Rule(recursive=recursive))
    typer.echo(one_line(f"{path} is in the library. dtk scan reads it."))


@commands.command()
def remove(folder: Folder, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Take a folder with all below it out of the library, with all that is known of its images; no file is touched."""
    from dtk_tui.store import folders, pruning

    with library() as (db, _):
        with db.connection() as conn:
            path = _path(conn, folder)
            number = _known(conn, path)
            tree = folders.subtree(conn, number)
            images = folders.count_images(conn, tree)
        typer.echo(
            one_line(
                f"{path}: {counted(len(tree), 'folder')}, {counted(images, 'image')} with all that is known of them."
            )
        )
        if dry_run:
            return
        if not (yes or typer.confirm("Take this out of the library? The files stay.")):
            typer.echo("Nothing was taken out.")
            return
        while True:
            with db.connection() as conn:
                if not pruning.remove_some(conn, tree):
                    folders.remove(conn, number)
                    break
    typer.echo(f"{counted(images, 'image is', 'images are')} no longer in the library.")


def _set(folder: str, rule: Rule, said: str) -> None:
    from dtk_tui.store import folders

    with library() as (db, _), db.connection() as conn:
        path = _path(conn, folder)
        number = folders.place(conn, path)
        if number is None:
            raise UsageError(f"The folder {path} is below no root of the library.", "dtk library roots lists them.")
        folders.set_rule(conn, number, rule)
    typer.echo(one_line(f"{path} {said}"))


@commands.command()
def exclude(folder: Folder, recursive: Recursive = True) -> None:
    """Leave a folder out: scans do not look into it, and what is known of its images counts as gone."""
    from dtk_tui.store.folders import Rule

    _set(folder, Rule(excluded=True, recursive=recursive), "is left out from the next scan on.")


@commands.command()
def include(folder: Folder, recursive: Recursive = True) -> None:
    """Scan a folder (again) that was excluded or archived."""
    from dtk_tui.store.folders import Rule

    _set(folder, Rule(recursive=recursive), "is scanned from now on.")


@commands.command()
def archive(folder: Folder, recursive: Recursive = True) -> None:
    """Keep a folder as it is, e.g. on a disk in the cupboard: scans do not look into it, its images stay."""
    from dtk_tui.store.folders import Rule

    _set(folder, Rule(archived=True, recursive=recursive), "stays as it is: scans do not look into it.")


@commands.command(name="failures")
def failures_(
    folder: Annotated[
        str | None, typer.Argument(metavar="[FOLDER]", help="Only this folder, with all below it.")
    ] = None,
    limit: Limit = 1000,
    as_json: Json = False,
) -> None:
    """List the files and folders that could not be read, or not whole, with the reasons."""
    from dtk_tui.store import failures, folders

    with library() as (db, _), db.connection() as conn:
        tree = None if folder is None else folders.subtree(conn, _known(conn, _path(conn, folder)))
        found, number = failures.listed(conn, limit, tree)
    if as_json:
        for failure in found:
            print_json({"path": failure.path, "reason": failure.reason, "folder": failure.is_folder})
        return
    if not found:
        typer.echo("Everything could be read.", err=True)
        return
    print_table(("path", "reason"), [(failure.path, failure.reason) for failure in found])
    if number > len(found):
        typer.echo(f"... and {number - len(found):,} more (--limit)", err=True)


def _is_below(path: str, root: str) -> bool:
    return f"{path}/".startswith(f"{root.rstrip('/')}/")


@commands.command()
def prune(
    folder: Annotated[
        str | None, typer.Argument(metavar="[FOLDER]", help="Only this folder, with all below it.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Forget the images whose files are gone, with their ratings, tags, captions and vectors."""
    from dtk_tui.store import folders, pruning

    with library() as (db, _):
        with db.connection() as conn:
            path = None if folder is None else _path(conn, folder)
            tree = None if path is None else folders.subtree(conn, _known(conn, path))
            number = pruning.count(conn, tree)
            missing = [root for root in folders.list_roots(conn) if root.is_root and root.missing]
            roots = [
                root for root in missing if path is None or _is_below(path, root.path) or _is_below(root.path, path)
            ]
            # Where a disk is not mounted there may well be an empty folder.
            away = [r.path for r in roots if r.missing == r.images or not os.path.isdir(r.path)]  # noqa: PTH112
        if not as_json:
            typer.echo(f"{counted(number, 'image of the library has', 'images of the library have')} no file any more.")
            for lost in away:
                typer.echo(one_line(f"All of {lost} is away: is its disk mounted?"), err=True)
        which = "it, with its" if number == 1 else f"these {number:,} images, with their"
        question = f"Forget {which} ratings, tags, captions and vectors?"
        if not number or dry_run or not (yes or typer.confirm(question, err=True)):
            if as_json:
                print_json({"unavailable": number, "pruned": 0})
            elif number and not dry_run:
                typer.echo("Nothing was forgotten.")
            return
        pruned = 0
        while True:
            with db.connection() as conn:
                some = pruning.prune_some(conn, tree)
                if not some:
                    pruning.prune_folders(conn, tree)
                    break
                pruned += some
    if as_json:
        print_json({"unavailable": number, "pruned": pruned})
    else:
        typer.echo(f"{counted(pruned, 'image')} forgotten.")

"""library roots, add, remove, exclude, include, archive, failures, groups, prune."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import confirmed, library
from dtk_tui.cli.options import Json, Limit
from dtk_tui.cli.output import ProgressLine, print_json, print_table, progress_bar
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dtk_tui.config import Config
    from dtk_tui.domain.library import Rule
    from dtk_tui.services.library.groups import GroupCheck
    from dtk_tui.store.database import Connection, Database
    from dtk_tui.store.library.folders import RootRow

commands = typer.Typer(help="Which folders are in the library, and which are left out.", no_args_is_help=True)

Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="A folder, by path.")]
Recursive = Annotated[bool, typer.Option("--recursive/--no-recursive", help="With all folders below it, or without.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]


@commands.command()
def roots(as_json: Json = False) -> None:
    """List the roots, and the folders below them that are excluded, archived or scanned without subfolders."""
    from dtk_tui.store.library import folders

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
    from dtk_tui.services.library.folder_rules import absolute, known_path

    named = absolute(os.fsdecode(folder))
    path = known_path(conn, named)
    if path != named:
        typer.echo(one_line(f"dtk: The folder {named} is in the library as {path}."), err=True)
    return path


@commands.command()
def add(folder: Folder, recursive: Recursive = True) -> None:
    """Make a folder a root of the library; the next scan reads it."""
    from dtk_tui.services.library import folders

    with library() as (db, _), db.connection() as conn:
        path = _path(conn, folder)
        folders.add(conn, path, recursive=recursive)
    typer.echo(one_line(f"{path} is in the library. dtk scan reads it."))


@commands.command()
def remove(folder: Folder, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Take a folder with all below it out of the library, with all that is known of its images; no file is touched."""
    from dtk_tui.services.library import folders

    with library() as (db, _):
        with db.connection() as conn:
            path = _path(conn, folder)
            number = folders.id_of(conn, path)
            below, images = folders.count_contents(conn, number)
        what = f"{counted(below, 'folder')}, {counted(images, 'image')} with all that is known of them"
        typer.echo(one_line(f"{path}: {what}."))
        if dry_run:
            return
        if not (yes or confirmed("Take this out of the library? The files stay.")):
            typer.echo("Nothing was taken out.")
            return
        _until_done(db, lambda conn: folders.remove_some(conn, number))
    typer.echo(f"{counted(images, 'image is', 'images are')} no longer in the library.")


def _until_done(db: Database, some: Callable[[Connection], int]) -> int:
    """Do something batch by batch, a transaction each, until nothing is left; return how many there were."""
    done = 0
    while True:
        with db.connection() as conn:
            number = some(conn)
        if not number:
            return done
        done += number


def _set(folder: str, rule: Rule) -> None:
    from dtk_tui.services.library import folders

    with library() as (db, _), db.connection() as conn:
        path = _path(conn, folder)
        said = folders.set_rule(conn, path, rule)
    typer.echo(one_line(f"{path} {said}"))


@commands.command()
def exclude(folder: Folder, recursive: Recursive = True) -> None:
    """Leave a folder out: scans do not look into it, and what is known of its images counts as gone."""
    from dtk_tui.domain.library import Rule

    _set(folder, Rule(excluded=True, recursive=recursive))


@commands.command()
def include(folder: Folder, recursive: Recursive = True) -> None:
    """Scan a folder (again) that was excluded or archived."""
    from dtk_tui.domain.library import Rule

    _set(folder, Rule(recursive=recursive))


@commands.command()
def archive(folder: Folder, recursive: Recursive = True) -> None:
    """Keep a folder as it is, for instance on a disk in the cupboard: scans leave it alone, its images stay."""
    from dtk_tui.domain.library import Rule

    _set(folder, Rule(archived=True, recursive=recursive))


@commands.command(name="failures")
def list_failures(
    folder: Annotated[str | None, typer.Argument(metavar="FOLDER", help="Only this folder, with all below it.")] = None,
    limit: Limit = 1000,
    as_json: Json = False,
) -> None:
    """List the files and folders that could not be read, or not whole, with the reasons."""
    from dtk_tui.services.library import folders, unreadable

    with library() as (db, _), db.connection() as conn:
        tops = None if folder is None else [folders.id_of(conn, _path(conn, folder))]
        found, number = unreadable.listed_below(conn, limit, tops)
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


@commands.command()
def groups(
    check: Annotated[
        bool, typer.Option("--check", help="Look at the pictures; what does not look alike is separated and queued.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Say how many images share the vector of another one that looks alike, or check all of them."""
    from dtk_tui.services.library import groups as service

    with library() as (db, config):
        if not check:
            found = service.count(db)
            if as_json:
                print_json({"groups": found.groups, "sharing": found.sharing, "unseen": found.unseen})
                return
            words = ("image shares the vector of its group", "images share the vector of their group")
            typer.echo(f"{counted(found.groups, 'group')}: {counted(found.sharing, *words)}.")
            if found.unseen:
                what = counted(found.unseen, "of them was never looked at", "of them were never looked at")
                typer.echo(f"{what}; dtk library groups --check does that.")
            return
        result = _check_groups(db, config, write=not dry_run)
    if as_json:
        print_json({**asdict(result), "dry_run": dry_run})
        return
    typer.echo(
        f"{counted(result.images, 'image')} in groups, {counted(result.decoded, 'picture')} looked at:"
        f" {result.wrong:,} shared a vector with what {'it does' if result.wrong == 1 else 'they do'} not look like"
        f"; {result.queued:,} {'would be' if dry_run else 'are'} queued."
    )
    if result.stray:
        what = counted(result.stray, "vector")
        typer.echo(f"{what} of images that stand for nobody {'would be' if dry_run else 'were'} deleted.")
    if result.unseen:
        what = counted(result.unseen, "picture")
        typer.echo(f"{what} cannot be read just now; their groups stay as they are.", err=True)


def _check_groups(db: Database, config: Config, *, write: bool) -> GroupCheck:
    """Check all groups with a progress line on a terminal."""
    from dtk_tui.services.library.groups import check

    line = ProgressLine()
    try:
        return check(
            db,
            config,
            lambda done, total: line.show(f"looking  [{progress_bar(done / max(total, 1))}] {done:,} of {total:,}"),
            write=write,
        )
    finally:
        line.end()


@commands.command()
def prune(
    folder: Annotated[str | None, typer.Argument(metavar="FOLDER", help="Only this folder, with all below it.")] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Forget the images whose files are gone, with their ratings, tags, captions and vectors."""
    from dtk_tui.services.library import folders

    with library() as (db, _):
        with db.connection() as conn:
            path = None if folder is None else _path(conn, folder)
            top = None if path is None else folders.id_of(conn, path)
            number = folders.count_missing(conn, top)
            away = folders.missing_roots(conn, path)
        if not as_json:
            typer.echo(f"{counted(number, 'image of the library has', 'images of the library have')} no file any more.")
            for lost in away:
                typer.echo(one_line(f"All of {lost} is away: is its disk mounted?"), err=True)
        which = "it, with its" if number == 1 else f"these {number:,} images, with their"
        question = f"Forget {which} ratings, tags, captions and vectors?"
        if not number or dry_run or not (yes or confirmed(question)):
            if as_json:
                print_json({"unavailable": number, "pruned": 0})
            elif number and not dry_run:
                typer.echo("Nothing was forgotten.")
            return
        pruned = _until_done(db, lambda conn: folders.prune_some(conn, top))
    if as_json:
        print_json({"unavailable": number, "pruned": pruned})
    else:
        typer.echo(f"{counted(pruned, 'image')} forgotten.")

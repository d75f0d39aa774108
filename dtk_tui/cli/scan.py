"""scan."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import ProgressLine, print_json, progress_bar
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.domain.events import Event
    from dtk_tui.store.database import Database

commands = typer.Typer()

#: A scan names so many of the files that it could not read.
_FAILURES = 10


@commands.command()
def scan(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Folders, with all below them; without any, the library's."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and follow what changes on the disk.")] = False,
    reparse: Annotated[
        bool, typer.Option("--reparse", help="Understand again what was read before; no file is touched.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Read folders into the library: what is new, changed, moved or gone."""
    if watch and (reparse or dry_run):
        raise UsageError("--watch goes with neither --reparse nor --dry-run.")
    from dtk_tui.services.library.folder_rules import require_roots

    line = ProgressLine()
    names = [os.fsdecode(path) for path in paths or ()]
    with library() as (db, config):
        if watch:
            _watch(db, config, names, as_json)
            return
        try:
            counts = _scan(db, config, names, reparse, dry_run, _progress(line))
        finally:
            line.end()
        _print_counts(counts, as_json, dry_run, "image" if reparse else "file")
        if not (names or reparse):
            with db.connection() as conn:
                require_roots(conn, _progress(line))
        if not (reparse or dry_run):
            _show_failures(db, names, files=counts["failed"] > 0)
            _advise_reparse(db)


def _progress(line: ProgressLine) -> Callable[[Event], None]:
    from dtk_tui.domain.events import ProblemReported, ScanProgressed

    def show(event: Event) -> None:
        if isinstance(event, ScanProgressed) and event.phase == "quick":
            line.show(f"listing  {counted(event.done, 'file')}  {event.folder}")
        elif isinstance(event, ScanProgressed) and event.total:
            line.show(f"reading  [{progress_bar(event.done / event.total)}] {event.done:,} of {event.total:,}")
        elif isinstance(event, ProblemReported):
            line.end()
            _say(f"{event.title} {event.detail}".strip())

    return show


def _say(text: str) -> None:
    typer.echo(f"dtk: {one_line(text, 5000)}", err=True)


def _scan(
    db: Database, config: Config, names: list[str], again: bool, only_count: bool, show: Callable[[Event], None]
) -> dict[str, float]:
    if again:
        from dtk_tui.services.scan.reparse import reparse

        return reparse(db, config, names, show, write=not only_count)
    if only_count:
        from dtk_tui.services.scan.dry_run import dry_run

        return dry_run(db, config, names, show)
    from dtk_tui.services.scan.scanner import Scan

    return Scan(db, config, show).run(names)


def _print_counts(counts: dict[str, float], as_json: bool, dry_run: bool, noun: str = "file") -> None:
    if as_json:
        print_json({key: value if key == "seconds" else int(value) for key, value in counts.items()})
        return
    keys = ("added", "updated", "moved", "unchanged", "failed", "back", "gone")
    words = ", ".join(f"{int(counts[key]):,} {key}" for key in keys if key in counts)
    what = f"{counted(int(counts['seen']), noun)} seen"
    typer.echo(f"{what}; this would give: {words}." if dry_run else f"{what} in {counts['seconds']:.1f} s: {words}.")


def _show_failures(db: Database, names: list[str], *, files: bool) -> None:
    """Name the folders, and with ``files`` the files, that could not be read, on stderr; the first of many."""
    from dtk_tui.services.library.folders import known_ids
    from dtk_tui.services.library.unreadable import listed_below

    with db.connection() as conn:
        found, number = listed_below(conn, _FAILURES, known_ids(conn, names) if names else None, files=files)
    for failure in found:
        _say(f"{one_line(failure.path, 5000)}: {one_line(failure.reason)}")
    if number > len(found):
        _say(f"... and {number - len(found):,} more: dtk library failures shows them.")


def _advise_reparse(db: Database) -> None:
    from dtk_tui.services.scan.reparse import is_due

    with db.connection() as conn:
        if is_due(conn):
            _say("This version understands more of what was read before; to have it here: dtk scan --reparse")


def _has_failures(db: Database) -> bool:
    """Return whether there is a file that cannot be read; one that vanished meanwhile is none."""
    from dtk_tui.services.library.unreadable import listed_below

    with db.connection() as conn:
        return listed_below(conn, 1)[1] > 0


def _watch(db: Database, config: Config, names: list[str], as_json: bool) -> None:
    """Scan, then follow the disk until Ctrl+C; one line for each change."""
    from dtk_tui.domain.events import ProblemReported, ScanFinished
    from dtk_tui.services.scan.watcher import Watcher

    def show(event: Event) -> None:
        if isinstance(event, ScanFinished):
            _print_counts(event.counts, as_json, False)
            if event.counts.get("failed") and _has_failures(db):
                _say("What could not be read: dtk library failures")
        elif isinstance(event, ProblemReported):
            _say(f"{event.title} {event.detail}".strip())

    watcher = Watcher(db, config, show, names)
    watcher.check()
    try:
        watcher.run()
    except KeyboardInterrupt:  # the way to end it
        watcher.close()

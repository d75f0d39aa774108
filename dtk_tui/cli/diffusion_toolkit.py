"""Commands for libraries of Diffusion Toolkit: migrate, export."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import open_database
from dtk_tui.cli.options import Json
from dtk_tui.cli.output import ProgressLine, print_json, print_table, progress_bar
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, display, duration

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.domain.imports import ImportProgressed, ImportReport
    from dtk_tui.store.database import Database

commands = typer.Typer()
exports = typer.Typer()

SourceFile = Annotated[
    Path | None, typer.Option("--source", readable=False, help="Diffusion Toolkit's diffusion-toolkit.db.")
]
Dest = Annotated[str | None, typer.Option("--dest", help="A PostgreSQL server, instead of this environment's library.")]
Maps = Annotated[
    list[str] | None, typer.Option("--map", metavar="FROM=TO", help="Where a folder lies on this machine; repeatable.")
]
Zone = Annotated[str | None, typer.Option("--time-zone", help="Of the machine that scanned. Default: of this one.")]


@commands.command()
def migrate(
    source: SourceFile = None,
    dest: Dest = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, max=100_000, help="Rows a checkpoint.")] = 1000,
    with_embeddings: Annotated[
        bool, typer.Option("--with-embeddings/--skip-embeddings", help="Embed afterwards, or only say how.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a migration was interrupted.")] = False,
    maps: Maps = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, write nothing.")] = False,
    time_zone: Zone = None,
    policy: Annotated[
        str, typer.Option("--policy", help="For images that are there already: keep, take or newest.")
    ] = "keep",
    undo: Annotated[bool, typer.Option("--undo", help="Remove what the last migration brought.")] = False,
    as_json: Json = False,
) -> None:
    """Bring a library over from Diffusion Toolkit."""
    from dtk_tui.domain.imports import ImportOptions
    from dtk_tui.services.diffusion_toolkit.importer import import_database
    from dtk_tui.services.diffusion_toolkit.paths import parse_map
    from dtk_tui.services.diffusion_toolkit.report import report_json

    if undo:
        _undo(dest, as_json)
        return
    if source is None:
        raise UsageError("What is to be migrated?", _advice())
    pairs = tuple(parse_map(text) for text in maps or ())
    options = ImportOptions(str(source), pairs, time_zone, batch_size, policy, resume, dry_run)
    line = ProgressLine()
    with _library(dest) as (db, config):
        try:
            report = import_database(db, config, options, lambda news: line.show(_progress(news)))
        except KeyboardInterrupt:
            line.end()
            typer.echo("dtk: Stopped. The library is as it was; --resume goes on.", err=True)
            raise
        finally:
            line.end()
        drained = _embed(db, config) if with_embeddings and not dry_run else None
    if as_json:
        print_json({**report_json(report), "embedding": drained})
    else:
        _print(report, drained)
    if not report.verification.is_good:
        raise typer.Exit(1)


def _advice() -> str:
    """Return how to name a source, with those that lie about."""
    from dtk_tui.config import load
    from dtk_tui.services.diffusion_toolkit.find import find_sources

    found = "".join(f"\n--source {shlex.quote(path)}" for path in find_sources(load()))
    return "Name the file with --source FILE." + (f" There is:{found}" if found else "")


def _progress(news: ImportProgressed) -> str:
    from dtk_tui.domain.imports import STEPS

    if not news.total:
        return news.step
    share = f"[{progress_bar(news.done / news.total)}] {news.done:,} of {news.total:,}"
    if news.step != STEPS[0]:
        return f"{news.step}  {share}"
    return f"{news.step} {news.table}  {share}  {news.rate:,.0f} rows/s  {duration(news.eta_s)} left"


def _print(report: ImportReport, drained: dict[str, int] | None) -> None:
    from dtk_tui.services.diffusion_toolkit.report import equality_message

    rows = [(name, t.read, t.written, t.repaired, t.refused) for name, t in report.tables.items()]
    print_table(
        ("table", "read", "written", "repaired", "refused"),
        [(name, *(f"{number:,}" for number in numbers)) for name, *numbers in rows],
        right=frozenset({1, 2, 3, 4}),
    )
    if report.reasons:
        typer.echo("")
        notes = [(f"{n:,}", f"{table}, {outcome}: {reason}") for (table, outcome, reason), n in report.reasons.items()]
        print_table(("rows", "what became of them"), notes, right=frozenset({0}))
    check = report.verification
    if check.is_good:
        verdict = equality_message(report)
    else:
        verdict = (
            f"{len(check.differing):,} of {counted(check.compared, 'image')} DIFFER from the source; their ids: "
            + ", ".join(map(str, check.differing[:20]))
        )
    typer.echo(f"\n{verdict}")
    if report.merged:
        typer.echo(f"{counted(report.merged, 'image was', 'images were')} in the library already and merged.")
    if report.notes_file:
        typer.echo(f"Every repaired and refused row: {display(report.notes_file)}")
    end = "Nothing was written: this was a dry run." if report.dry_run else "Back out with: dtk migrate --undo"
    typer.echo(f"{report.seconds:.1f} s, times read as {report.zone}. {end}")
    if drained is None and not report.dry_run:
        typer.echo(
            "To search by meaning and looks: dtk queue add --all --kind embed, then dtk worker run --until-empty"
        )
    elif drained is not None:
        typer.echo(f"Embedded: {counted(drained['done'], 'image')}, {drained['failed']:,} failed.")


def _undo(dest: str | None, as_json: bool) -> None:
    from dtk_tui.services.diffusion_toolkit.undo import undo

    with _library(dest) as (db, _):
        counts = undo(db)
    if as_json:
        print_json(counts)
        return
    typer.echo(
        f"{counted(counts['removed'], 'image')} removed, {counts['restored']:,} as they were before; "
        f"{counts['kept']:,} kept, touched since."
    )


def _embed(db: Database, config: Config) -> dict[str, int]:
    """Queue and embed everything; return how many jobs were done and failed."""
    from dtk_tui.cli.worker import drain
    from dtk_tui.domain.job import Kind
    from dtk_tui.domain.queue import Target
    from dtk_tui.services.queue import enqueue

    enqueue(db, config, Target(everything=True), [Kind.EMBED])
    result = drain(db, config, until_empty=True)
    return {"done": int(result["processed"]), "failed": int(result["failed"])}


@contextmanager
def _library(dest: str | None) -> Iterator[tuple[Database, Config]]:
    """Open the library of this environment, or the one on the server ``dest``."""
    from dtk_tui.config import load

    # The pool tells the console of each attempt to reconnect; the one sentence at the end says it.
    logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())
    config = load({**os.environ, "DTK_DATABASE_URL": dest} if dest else None)
    database = open_database(config)
    try:
        yield database, config
    finally:
        database.close()


@exports.callback(invoke_without_command=True)
def export(
    context: typer.Context,
    target: Annotated[
        Path | None, typer.Option("--diffusion-toolkit", metavar="FILE", help="A new database for Diffusion Toolkit.")
    ] = None,
    time_zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Write what is in the library for other programs."""
    from dtk_tui.services.diffusion_toolkit.export import export as run

    if context.invoked_subcommand is not None:
        return
    if target is None:
        raise UsageError(
            "What is to be written?",
            "--diffusion-toolkit FILE, or dtk export captions.",
        )
    with _library(None) as (db, _):
        counts = run(db, target, time_zone)
    if as_json:
        print_json({"tables": counts, "file": str(target)})
        return
    print_table(("table", "rows"), [(name, f"{rows:,}") for name, rows in counts.items()], right=frozenset({1}))

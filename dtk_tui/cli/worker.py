"""The commands of ``dtk worker``, and ``dtk status``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import LARGEST, Json
from dtk_tui.cli.output import ProgressLine, print_json, progress_bar
from dtk_tui.cli.status import show_status
from dtk_tui.errors import DatabaseLostError, DtkError, UsageError
from dtk_tui.text import counted, display, duration

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.domain.events import Event
    from dtk_tui.store.database import Database

commands = typer.Typer()
control = typer.Typer(help="Run a worker here, or tell all workers what to do.", no_args_is_help=True)


@commands.command()
def status(as_json: Json = False) -> None:
    """Show the queue, the workers and the library."""
    show_status(as_json=as_json)


@control.command()
def run(
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when nothing is left to do.")] = False,
    as_json: Json = False,
) -> None:
    """Run a worker in this process, until it is interrupted or nothing is left."""
    with library() as (db, config):
        result = drain(db, config, until_empty=until_empty)
    if as_json:
        print_json(result)
    else:
        typer.echo(
            f"{result['processed']:,} done, {result['failed']:,} failed in {duration(result['seconds'])}"
            f" ({result['provider']})."
        )
    if until_empty and result["left"] and result["troubles"]:
        left = counted(result["left"], "job is", "jobs are") + " left"
        raise DtkError(f"{left} that this worker cannot do.", "Why stands above.")


def drain(db: Database, config: Config, *, until_empty: bool) -> dict[str, Any]:
    """Run a worker with a progress line on a terminal; return what it did."""
    from dtk_tui.domain.events import ProblemReported
    from dtk_tui.domain.job import WorkerState
    from dtk_tui.services.stats import snapshot
    from dtk_tui.services.worker.engine import Engine
    from dtk_tui.services.worker.priority import WORKER_NICENESS, lower_session_priority

    line = ProgressLine()
    sizes = None
    shown_at = 0.0
    begun = time.monotonic()
    provider: str | None = None
    troubles = 0

    def news(event: Event) -> None:
        nonlocal troubles
        if isinstance(event, ProblemReported):
            troubles += 1
            line.end()
            typer.echo(f"dtk: {display(f'{event.title} {event.detail}'.rstrip())}", err=True)

    def draw() -> None:
        nonlocal sizes, shown_at, provider
        provider = engine.provider or provider
        if not line.is_drawn or time.monotonic() < shown_at + 0.5:
            return
        stats = snapshot(db, sizes)
        sizes = stats.library
        shown_at = time.monotonic()
        speed = ", ".join(f"{kind} {rate:.1f}/s" for kind, rate in stats.speed.items())
        line.show(
            f"[{progress_bar(stats.progress)}] {stats.progress:4.0%}"
            f"  {stats.queue.pending + stats.queue.running:,} left  {speed}  ETA {duration(stats.eta_s)}"
        )

    lower_session_priority(WORKER_NICENESS.others)
    engine = Engine(db, config, news, initial_state=WorkerState.RUNNING, niceness=WORKER_NICENESS)
    engine.open()
    try:
        engine.wait_until_empty(each=draw, forever=not until_empty)
    except KeyboardInterrupt:
        line.end()
        typer.echo("Giving unfinished jobs back ...", err=True)
    finally:
        line.end()
        has_given_back = engine.close()
    if not has_given_back:
        raise DatabaseLostError(
            "The database does not answer, and took nothing back.",
            f"What was not saved is done again by others in {duration(config.settings.worker.lease_s)}.",
        )
    done = engine.throughput
    return {
        "processed": done.processed,
        "failed": done.failed,
        "cache_hits": done.cache_hits,
        "cache_misses": done.cache_misses,
        "seconds": round(time.monotonic() - begun, 3),
        "provider": engine.provider or provider,
        "left": snapshot(db, sizes).queue.pending,
        "troubles": troubles,
    }


Worker = Annotated[
    int | None,
    typer.Option("--worker", min=1, max=LARGEST, help="Only this worker, by its id in dtk status --json."),
]


@control.command()
def start(worker: Worker = None) -> None:
    """Ask all workers, or one, to run, or to go on after a pause."""
    _ask("running", worker)


@control.command()
def pause(worker: Worker = None) -> None:
    """Ask all workers, or one, to pause; their models stay in memory."""
    _ask("paused", worker)


@control.command()
def stop(worker: Worker = None) -> None:
    """Ask all workers, or one, to stop and to give their memory back."""
    _ask("stopped", worker)


def _ask(word: str, worker: int | None) -> None:
    from dtk_tui.domain.job import WorkerState
    from dtk_tui.services.stats import snapshot
    from dtk_tui.services.worker.control import set_desired_state

    with library() as (db, _):
        heard = set_desired_state(db, WorkerState(word), worker)
        stats = snapshot(db)
    if worker is not None:
        if not heard:
            known = ", ".join(str(one.id) for one in stats.workers) or "none"
            raise UsageError(f"There is no worker {worker}.", f"Connected are: {known}.")
        typer.echo(f"Asked worker {worker} to be {word}.")
        return
    number = len(stats.workers)
    if number:
        typer.echo(f"Asked {counted(number, 'worker')} to be {stats.desired}.")
    else:
        typer.echo(f"The wish is {stats.desired}; no worker is connected. Start one with: dtk worker run")

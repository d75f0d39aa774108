"""log: what was done, when, by whom, and how it ended."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import LARGEST, Json, Limit
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.errors import UsageError
from dtk_tui.text import duration

if TYPE_CHECKING:
    from dtk_tui.domain.queue import DeviceDay, LogEntry

commands = typer.Typer()

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@commands.command()
def log(
    kind: Annotated[str | None, typer.Option("--kind", help="Kinds of work, e.g. embed,tag.")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", help="done, failed or removed.")] = None,
    image: Annotated[str | None, typer.Option("--image", help="An image, by id or path.")] = None,
    worker: Annotated[int | None, typer.Option("--worker", min=1, max=LARGEST, help="A worker's id.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="The host of the worker.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="A date, month, year or time, or an age: 2h, 7d.")
    ] = None,
    days: Annotated[bool, typer.Option("--days", help="How many each day, over all time.")] = False,
    gpus: Annotated[bool, typer.Option("--gpus", help="How busy each GPU was each day, over all time.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show the jobs that ended, newest first."""
    if days and gpus:
        raise UsageError("--days and --gpus print two tables. Give one of them.")
    if days or gpus:
        (_days if days else _gpus)(as_json)
        return
    from dtk_tui.cli.queue import kinds_of
    from dtk_tui.services.library.search import find_image
    from dtk_tui.store.queue import job_log as store

    if outcome is not None and outcome not in store.OUTCOMES:
        raise UsageError(f"--outcome: unknown outcome {outcome!r}; known are {', '.join(store.OUTCOMES)}.")
    kinds, begin = kinds_of(kind) if kind else None, _instant(since) if since else None
    with library() as (db, config), db.connection() as conn:
        number = find_image(conn, config, image) if image is not None else None
        found = list(
            store.entries(
                conn, limit, kinds=kinds, outcome=outcome, image_id=number, worker_id=worker, host=host, since=begin
            )
        )
    if as_json:
        for entry in found:
            print_json(_record(entry))
    else:
        _print_entries(found)


def _print_entries(entries: list[LogEntry]) -> None:
    print_table(
        ("ended", "kind", "outcome", "took", "host", "model", "image", "error"),
        [
            (
                f"{entry.finished_at.astimezone():%Y-%m-%d %H:%M:%S}",
                entry.kind.label,
                entry.outcome,
                duration(entry.seconds),
                entry.host,
                entry.model,
                entry.path or entry.image_id,
                entry.error,
            )
            for entry in entries
        ],
    )


def _record(entry: LogEntry) -> dict[str, object]:
    """Return one entry as ``--json`` prints it."""
    return {
        "job_id": entry.job_id,
        "image_id": entry.image_id,
        "path": entry.path,
        "kind": entry.kind.label,
        "priority": entry.priority,
        "attempts": entry.attempts,
        "outcome": entry.outcome,
        "model": entry.model,
        "error": entry.error,
        "host": entry.host,
        "worker": entry.worker_id,
        "queued_at": entry.queued_at.isoformat(),
        "started_at": entry.started_at and entry.started_at.isoformat(),
        "finished_at": entry.finished_at.isoformat(),
        "seconds": entry.seconds,
    }


def _days(as_json: bool) -> None:
    from dtk_tui.store.queue import job_log as store

    with library() as (db, _), db.connection() as conn:
        found = store.days(conn)
    if as_json:
        for day in found:
            print_json({"day": day.day.isoformat(), "kind": day.kind.label, "outcome": day.outcome, "jobs": day.jobs})
        return
    rows = [(day.day.isoformat(), day.kind.label, day.outcome, f"{day.jobs:,}") for day in found]
    print_table(("day", "kind", "outcome", "jobs"), rows, right=frozenset({3}))


def _gpus(as_json: bool) -> None:
    from dtk_tui.services.work_done import gpu_days

    with library() as (db, _):
        found, today = gpu_days(db)
    if as_json:
        for one in found:
            load = one.use.load
            print_json(
                {
                    "day": one.day.isoformat(),
                    "over": one.day < today,
                    "host": one.host,
                    "device": one.use.device,
                    "name": one.use.name,
                    "load": None if load is None else round(load, 4),
                    "observed_s": round(one.use.observed_s, 1),
                    "busy_s": round(one.use.busy_s, 1),
                    "memory_peak_gb": one.use.memory_peak_gb,
                    "memory_total_gb": one.use.memory_total_gb,
                }
            )
        return
    if not found:
        typer.echo("No GPU measured: a worker does, where NVIDIA's driver is.")
        return
    headings = ("day", "host", "gpu", "name", "load", "observed", "memory", "of")
    print_table(headings, [_gpu_row(one, today) for one in found], right=frozenset({2, 4, 5, 6, 7}))


def _gpu_row(one: DeviceDay, today: date) -> tuple[object, ...]:
    use = one.use
    return (
        one.day.isoformat() + ("" if one.day < today else " so far"),
        one.host,
        use.device,
        use.name,
        None if use.load is None else f"{use.load:.0%}",
        duration(use.observed_s),
        None if use.memory_peak_gb is None else f"{use.memory_peak_gb:.1f} GB",
        None if use.memory_total_gb is None else f"{use.memory_total_gb:.0f} GB",
    )


def _instant(words: str) -> datetime:
    """Return a moment named by a date (of a month or a year the first), a time, or an age."""
    from dtk_tui.domain.query.dates import calendar_days

    age, days = re.fullmatch(r"(\d+)([mhdw])", words.strip()), calendar_days(words.strip())
    try:
        if age:
            return datetime.now().astimezone() - timedelta(**{_UNITS[age[2]]: int(age[1])})
        moment = datetime.combine(days[0], time.min) if days else datetime.fromisoformat(words.strip())
        return moment.astimezone() if moment.tzinfo is None else moment
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since: {words!r} is neither a date like 2025-11-02, 2025-11 or 2025 nor an age like 2h or 7d."
        ) from None

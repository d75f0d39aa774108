"""The commands of ``dtk queue``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import LARGEST, Jobs, Json, Limit
from dtk_tui.cli.output import ProgressLine, print_json, print_table
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, display, duration, one_line

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.domain.job import JobState, Kind
    from dtk_tui.domain.queue import Enqueued, Target
    from dtk_tui.domain.runs import RunReport
    from dtk_tui.services.library.alike.sample import Sample
    from dtk_tui.store.database import Connection, Database

commands = typer.Typer(help="What is to be done: add, look, try again, clear.", no_args_is_help=True)


@commands.command()
def add(
    kind: Annotated[str, typer.Option("--kind", help="Kinds of work: tag, embed, caption.")] = "tag,embed",
    caption_type: Annotated[
        list[str] | None, typer.Option("--caption-type", help="A name from dtk caption types; may be repeated.")
    ] = None,
    image: Annotated[
        list[str] | None, typer.Option("--image", help="An image, by id or path; may be repeated.")
    ] = None,
    folder: Annotated[str | None, typer.Option("--folder", help="A folder of the library.")] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="With all subfolders.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="The whole library.")] = False,
    query: Annotated[str | None, typer.Option("--query", help="What a search finds, e.g. 'rating:>=4'.")] = None,
    now: Annotated[bool, typer.Option("--now", help="Before everything else.")] = False,
    priority: Annotated[int, typer.Option("--priority", min=-1000, max=1000, help="0 is normal, 100 is now.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Also what is done already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only count, and show a sample beside what it looks like.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Queue work for images; what is done with the current models is skipped."""
    from dtk_tui.domain.job import NOW, Kind
    from dtk_tui.services.queue import enqueue, missing_captioner

    kinds = kinds_of(kind)
    if caption_type and Kind.CAPTION not in kinds:
        raise UsageError("--caption-type is for captions.", "Add them: --kind caption")
    with library() as (db, config):
        with db.connection() as conn:
            target = _target(conn, config, image, folder, recursive, everything, query)
        if query is not None:
            target = _found(db, config, query)
        done = enqueue(
            db,
            config,
            target,
            kinds,
            priority=NOW if now else priority,
            dry_run=dry_run or preview,
            again=again,
            caption_types=caption_type or (),
            title=_title(image, folder, recursive, query),
        )
        sampled = _sampled(db, config, target, kinds, caption_type, again) if preview else None
    if as_json:
        told = asdict(done)
        print_json(told if sampled is None else told | {"sample": asdict(sampled)})
        return
    if Kind.CAPTION in kinds and (missing := missing_captioner(config)):
        typer.echo(missing, err=True)
    _print_added(done, "would be queued" if dry_run or preview else "queued")
    if sampled is not None:
        _print_sample(sampled)


def _print_added(done: Enqueued, verb: str) -> None:
    typer.echo(done.words(verb))
    if done.queued:
        typer.echo(
            f"That takes about {duration(done.expected_s)}." if done.expected_s else "How long is not known yet."
        )
    if done.run is not None:
        typer.echo(f"How far it is, and its summary: dtk queue runs --run {done.run}")


def _sampled(
    db: Database,
    config: Config,
    target: Target,
    kinds: Sequence[Kind],
    caption_types: Sequence[str] | None,
    again: bool,
) -> Sample:
    """Look at a sample of what would be queued, with its progress on a terminal."""
    from dtk_tui.domain.job import Kind
    from dtk_tui.services.library.alike.sample import sample
    from dtk_tui.services.queue import caption_request

    kind = Kind.EMBED if Kind.EMBED in kinds else kinds[0]
    captions = caption_request(config, caption_types or (), again=again) if kind is Kind.CAPTION else None
    line = ProgressLine()

    def tell(so_far: Sample) -> None:
        line.show(f"sample: {len(so_far.images)} of {counted(so_far.chosen, 'image')}")

    try:
        return sample(db, config, target, kind, tell, again=again, captions=captions)
    finally:
        line.end()


def _print_sample(found: Sample) -> None:
    name = "similarity" if found.by == "vectors" else "bits"
    rows: list[tuple[object, ...]] = [
        (one.path if not place else "", near.bits if near.similarity is None else f"{near.similarity:.3f}", near.path)
        for one in found.images
        for place, near in enumerate(one.nearest)
    ]
    rows += [(one.path, "", one.error or "nothing to compare it with yet") for one in found.images if not one.nearest]
    if rows:
        typer.echo("")
        print_table(("sample", name, "nearest in the library"), rows, right=frozenset({1}))
    if len(found.images) < found.chosen:
        typer.echo(f"Only {len(found.images)} of {found.chosen} were looked at: the time was over.", err=True)


def _title(image: list[str] | None, folder: str | None, recursive: bool, query: str | None) -> str:
    """Return what was named, as it is listed afterwards."""
    if query is not None:
        return f"search: {query}" if query else "all images"
    if folder is not None:
        return f"{folder} with subfolders" if recursive else folder
    if image is not None:
        return image[0] if len(image) == 1 else counted(len(image), "image")
    return "all images"


def kinds_of(words: str) -> list[Kind]:
    """Return kinds of work named with commas between; raises UsageError for an unknown one."""
    from dtk_tui.domain.job import Kind

    try:
        return list(dict.fromkeys(Kind.parse(word) for word in words.split(",") if word.strip()))
    except ValueError as error:
        raise UsageError(f"--kind: {error}.") from error


def _found(db: Database, config: Config, query: str) -> Target:
    from dtk_tui.domain.queue import Target
    from dtk_tui.services.library.search import search

    return Target(image_ids=tuple(hit.image_id for hit in search(db, config, query)))


def _target(
    conn: Connection,
    config: Config,
    image: list[str] | None,
    folder: str | None,
    recursive: bool,
    everything: bool,
    query: str | None,
) -> Target:
    from dtk_tui.domain.queue import Target
    from dtk_tui.services.library.folder_rules import absolute, known_path
    from dtk_tui.store.library import folders

    if (image is not None) + (folder is not None) + (query is not None) + everything != 1:
        raise UsageError("Name what to queue: exactly one of --image, --folder, --query and --all.")
    if everything:
        return Target(everything=True)
    if query is not None:
        return Target()
    if image is not None:
        from dtk_tui.services.library.search import find_image

        return Target(image_ids=tuple(find_image(conn, config, name) for name in image))
    path = known_path(conn, absolute(folder or ""))
    number = folders.find(conn, path)
    if number is None:
        raise UsageError(f"The folder {path} is not in the library.", f"Scan it first: dtk scan {path}")
    return Target(folder_id=number, recursive=recursive)


State = Annotated[str | None, typer.Option("--state", help="pending, running or failed.")]


def _state(word: str | None) -> JobState | None:
    from dtk_tui.domain.job import JobState

    try:
        return None if word is None else JobState(word)
    except ValueError:
        raise UsageError(f"--state: unknown state {word!r}; known are {', '.join(JobState)}.") from None


@commands.command(name="list")
def list_(state: State = None, limit: Limit = 50, as_json: Json = False) -> None:
    """List jobs: running ones, waiting ones in their order, failed ones."""
    from dtk_tui.store.queue import jobs

    with library() as (db, _), db.connection() as conn:
        ids = jobs.page_ids(conn, _state(state))
        rows = jobs.rows(conn, ids[:limit].tolist())
    if as_json:
        for row in rows:
            print_json(
                {
                    "id": row.id,
                    "kind": row.kind.label,
                    "image_id": row.image_id,
                    "path": row.path,
                    "priority": row.priority,
                    "state": row.state,
                    "attempts": row.attempts,
                    "error": row.error,
                    "queued_at": row.queued_at.isoformat(),
                }
            )
        return
    table = [(r.id, r.kind.label, r.state, r.priority, r.attempts, r.path, r.error or "") for r in rows]
    print_table(("id", "kind", "state", "priority", "tries", "image", "error"), table, right=frozenset({0, 3, 4}))
    if len(ids) > limit:
        typer.echo(f"... and {len(ids) - limit:,} more (--limit)", err=True)


@commands.command()
def retry(
    job: Jobs = None,
    as_json: Json = False,
) -> None:
    """Let failed jobs be tried again."""
    from dtk_tui.store.queue import jobs

    with library() as (db, _), db.connection() as conn:
        number = jobs.retry(conn, job)
    if as_json:
        print_json({"retried": number})
    else:
        typer.echo(f"{counted(number, 'job waits', 'jobs wait')} again.")


@commands.command()
def clear(
    kind: Annotated[str | None, typer.Option("--kind", help="Only one kind of work.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Take jobs out of the queue; running ones are finished."""
    from dtk_tui.store.queue import jobs

    kinds = kinds_of(kind) if kind else [None]
    with library() as (db, _), db.connection() as conn:
        number = sum(jobs.remove(conn, kind=one, state=_state(state)) for one in kinds)
    if as_json:
        print_json({"removed": number})
    else:
        typer.echo(f"{counted(number, 'job')} removed.")


@commands.command()
def remove(
    job: Annotated[list[int], typer.Argument(metavar="JOB", min=1, max=LARGEST, help="Ids of jobs.")],
    as_json: Json = False,
) -> None:
    """Take single jobs out of the queue; running ones are finished."""
    from dtk_tui.store.queue import jobs

    with library() as (db, _), db.connection() as conn:
        number = jobs.remove(conn, job)
    if as_json:
        print_json({"removed": number})
    else:
        typer.echo(f"{counted(number, 'job')} removed.")


@commands.command()
def priority(
    value: Annotated[int, typer.Argument(min=-1000, max=1000, help="0 is normal, 100 is now.")],
    job: Jobs = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only one kind of work.")] = None,
    as_json: Json = False,
) -> None:
    """Change the priority of jobs that do not run; of all of them unless some are named."""
    from dtk_tui.store.queue import jobs

    kinds = kinds_of(kind) if kind else [None]
    with library() as (db, _), db.connection() as conn:
        number = sum(jobs.set_priority(conn, job, value, one) for one in kinds)
    if as_json:
        print_json({"changed": number})
    else:
        typer.echo(f"{counted(number, 'job has', 'jobs have')} priority {value} now.")


@commands.command(name="runs")
def runs_(
    run: Annotated[int | None, typer.Option("--run", min=1, max=LARGEST, help="Only this one.")] = None,
    limit: Limit = 10,
    as_json: Json = False,
) -> None:
    """Show what was tagged and captioned in one action: how far it is, or its summary, the newest first."""
    from dtk_tui.services import runs

    with library() as (db, _):
        ids = [run] if run is not None else [one.id for one in runs.recent(db, limit)]
        reports = [report for number in ids if (report := runs.report(db, number)) is not None]
    if run is not None and not reports:
        raise UsageError(f"There is no run {run}.", "dtk queue runs lists them.")
    for report in reports:
        if as_json:
            print_json(_run_json(report))
        else:
            typer.echo("\n".join(display(line) for line in _report_lines(report)))
    if not reports and not as_json:
        typer.echo("Nothing was tagged and captioned in one action yet.", err=True)


def _report_lines(report: RunReport) -> list[str]:
    """Return a run as people read it."""
    run = report.run
    state = f"{'under way' if run.is_open else 'done'}, {duration(report.seconds)}"
    lines = [f"{run.id}  {one_line(run.title, 200)}  {run.queued_at.astimezone():%Y-%m-%d %H:%M:%S}  {state}"]
    for part in report.parts:
        left = f", {part.left:,} left, ETA {duration(part.eta_s)}" if part.left else ""
        counts = f"{part.done:,} done, {part.failed:,} failed, {part.skipped:,} skipped"
        lines.append(f"   {part.kind.label:<8} {counts}{f', {part.removed:,} removed' if part.removed else ''}{left}")
    lines += [f"   {number:,} x {one_line(reason, 300)}" for reason, number in report.failures]
    lines += [f"   Trouble: {one_line(sentence, 1000)}" for sentence in report.trouble]
    return lines


def _run_json(report: RunReport) -> dict[str, Any]:
    run = report.run
    return {
        "id": run.id,
        "title": run.title,
        "queued_at": run.queued_at.isoformat(),
        "is_open": run.is_open,
        "seconds": report.seconds,
        "eta_s": report.eta_s if run.is_open else None,
        "kinds": {
            part.kind.label: {
                "queued": part.queued,
                "done": part.done,
                "failed": part.failed,
                "removed": part.removed,
                "left": part.left,
                "skipped": part.skipped,
                "already_done": part.already_done,
                "waiting": part.waiting,
                "undecodable": part.undecodable,
                "rate": part.rate,
                "eta_s": part.eta_s,
            }
            for part in report.parts
        },
        "failures": [{"reason": reason, "jobs": number} for reason, number in report.failures],
        "trouble": list(report.trouble),
    }

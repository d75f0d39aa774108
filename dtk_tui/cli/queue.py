"""The commands of ``dtk queue``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.open_library import library
from dtk_tui.cli.options import LARGEST, Jobs, Json, Limit
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.errors import UsageError
from dtk_tui.text import counted, duration

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.domain.job import JobState, Kind
    from dtk_tui.domain.queue import Target
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
            dry_run=dry_run,
            again=again,
            caption_types=caption_type or (),
        )
    if as_json:
        print_json(
            {
                "queued": done.queued,
                "already_done": done.already_done,
                "spared": done.spared,
                "waiting": done.waiting,
                "undecodable": done.undecodable,
                "expected_s": done.expected_s,
            }
        )
        return
    if Kind.CAPTION in kinds and (missing := missing_captioner(config)):
        typer.echo(missing, err=True)
    verb = "would be queued" if dry_run else "queued"
    typer.echo(
        f"{done.queued:,} {verb}, {done.already_done:,} already done, {done.spared:,} spared (same generation"
        f" parameters), {done.waiting:,} waiting before."
    )
    if done.undecodable:
        typer.echo(f"{counted(done.undecodable, 'file')} left out: no model can see what cannot be read or decoded.")
    if done.queued:
        typer.echo(
            f"That takes about {duration(done.expected_s)}." if done.expected_s else "How long is not known yet."
        )


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
    from dtk_tui.services.library.search import find_image
    from dtk_tui.store.library import folders

    if (image is not None) + (folder is not None) + (query is not None) + everything != 1:
        raise UsageError("Name what to queue: exactly one of --image, --folder, --query and --all.")
    if everything:
        return Target(everything=True)
    if query is not None:
        return Target()
    if image is not None:
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

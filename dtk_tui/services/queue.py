"""Putting work into the queue."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from dtk_tui.config import Config
from dtk_tui.domain.job import NORMAL, Kind
from dtk_tui.domain.queue import CaptionRequest, Enqueued, Target
from dtk_tui.domain.runs import RUN_KINDS
from dtk_tui.inference.captioner.prompts import find_type
from dtk_tui.inference.extra_formats import undecodable_endings
from dtk_tui.services import stats
from dtk_tui.services.library.caption_language import adopt_language
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.library.embedding_spaces import CurrentModels
from dtk_tui.store.queue import jobs, runs, workers
from dtk_tui.store.queue.enqueue import enqueue_kind, missing_images


def enqueue(
    db: Database,
    config: Config,
    target: Target,
    kinds: Sequence[Kind],
    *,
    priority: int = NORMAL,
    dry_run: bool = False,
    again: bool = False,
    caption_types: Sequence[str] = (),
    title: str = "",
) -> Enqueued:
    """Queue some kinds of work for all images of ``target``; see ``store.queue.enqueue.enqueue_kind``.

    Args:
        caption_types: names or titles of the captions to ask for; empty asks for the one of the config.
        title: what the images are, in a person's words: tags and captions that are queued together are a run, which is
            listed under it (``services.runs``).

    Raises:
        UsageError: there is no such type of caption, or no such language of captions.
    """
    names = config.settings.models
    request = _Request(
        target=target,
        kinds=kinds,
        priority=priority,
        dry_run=dry_run,
        again=again,
        captions=caption_request(config, caption_types, again=again) if Kind.CAPTION in kinds else None,
        undecodable=undecodable_endings(),
        share_within_bits=names.share_within_bits if Kind.EMBED in kinds else 0,
    )

    def transaction() -> tuple[Enqueued, Callable[[], None] | None]:
        is_run = not dry_run and set(RUN_KINDS) <= set(kinds)
        with db.connection() as conn:
            models = embedding_spaces.current(conn, names.text_embedders, names.image_embedders, names.taggers)
            if request.captions is not None and not dry_run:
                adopt_language(conn, config.settings.captions.language)
            run = runs.begin(conn, title, priority) if is_run else None
            copies = _note_shared(db, conn, request, models)
            total = _enqueue_kinds(conn, request, models, run)
            if run is not None and not runs.drop_empty(conn, run):
                total = replace(total, run=run)
            if total.queued and not dry_run:
                jobs.wake_workers(conn)
            if dry_run:
                conn.rollback()
        return total, copies

    done, copy_shared = retry_on_conflict(transaction)
    if copy_shared is not None and not dry_run:
        copy_shared()
    return done


@dataclass(frozen=True, slots=True)
class _Request:
    """What is to be queued; ``share_within_bits`` is 0 where no image is done with the vectors of another one."""

    target: Target
    kinds: Sequence[Kind]
    priority: int
    dry_run: bool
    again: bool
    captions: CaptionRequest | None
    undecodable: Sequence[str]
    share_within_bits: int


def _note_shared(db: Database, conn: Connection, request: _Request, models: CurrentModels) -> Callable[[], None] | None:
    """Note which images share vectors, if any may; return what copies these when the transaction has ended."""
    if not request.share_within_bits or request.again:
        return None
    from dtk_tui.services.library.alike.sharing import copy_vectors, share_vectors

    spaces = models.image_spaces
    wanted = missing_images(conn, request.target, Kind.EMBED, models, request.undecodable)
    shared = share_vectors(conn, wanted, spaces, request.share_within_bits, dry_run=request.dry_run)
    return partial(copy_vectors, db, spaces, shared)


def _enqueue_kinds(conn: Connection, request: _Request, models: CurrentModels, run: int | None) -> Enqueued:
    """Put each kind of work into the queue, or only count it, and return all of it together."""
    pace = _pace(conn)
    total = Enqueued(0, 0, 0, expected_s=0.0)
    for kind in request.kinds:
        one = enqueue_kind(
            conn,
            request.target,
            kind,
            request.priority,
            models,
            undecodable=request.undecodable,
            dry_run=request.dry_run,
            again=request.again,
            captions=request.captions if kind == Kind.CAPTION else None,
            run_id=run if kind in RUN_KINDS else None,
            shares=request.share_within_bits > 0,
        )
        total = _added(total, one, pace.get(kind.label))
    return total


def caption_request(config: Config, names: Sequence[str], *, again: bool = False) -> CaptionRequest:
    """Return the request for captions that a person named.

    Args:
        names: of types; empty is the one of the config.
        again: whether captions that are there are made anew, though the config would keep them.

    Raises:
        UsageError: there is no such type.
    """
    settings = config.settings.captions
    types = dict.fromkeys(find_type(settings, name).name for name in names or [settings.type])
    when_there = settings.when_there
    return CaptionRequest(tuple(types), "overwrite" if again and when_there == "keep" else when_there)


def missing_captioner(config: Config) -> str | None:
    """Return what a person should know who asks for captions on a host that has no captioner; None where it has one."""
    settings = config.settings.captions
    if settings.backend != "llama" or settings.model:
        return None
    return "No captioner is set up on this host: captions wait for a worker that has one (dtk guide captions)."


def _pace(conn: Connection) -> dict[str, float]:
    """Return how fast each kind goes: with the workers that run, else with one worker as it was remembered."""
    now = stats.pace_of(workers.all_workers(conn))
    return workers.remembered_pace(conn, socket.gethostname()) | now


def _added(total: Enqueued, one: Enqueued, pace: float | None) -> Enqueued:
    """Return what was enqueued of several kinds with one more; a file that nothing decodes is one for all kinds."""
    return Enqueued(
        total.queued + one.queued,
        total.already_done + one.already_done,
        total.spared + one.spared,
        total.waiting + one.waiting,
        max(total.undecodable, one.undecodable),
        _longer(total.expected_s, one.queued, pace),
    )


def _longer(so_far_s: float | None, jobs: int, pace: float | None) -> float | None:
    if jobs == 0:
        return so_far_s
    return None if so_far_s is None or not pace else so_far_s + jobs / pace

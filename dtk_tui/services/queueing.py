"""Putting work into the queue."""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.config import Config
from dtk_tui.domain.job import NORMAL, Kind
from dtk_tui.domain.queue import Enqueued, Target
from dtk_tui.errors import UsageError
from dtk_tui.store import enqueue as store
from dtk_tui.store import jobs, spaces
from dtk_tui.store.database import Database


def enqueue(
    db: Database,
    config: Config,
    target: Target,
    kinds: Sequence[Kind],
    *,
    priority: int = NORMAL,
    dry_run: bool = False,
    again: bool = False,
) -> Enqueued:
    """Queue some kinds of work for all images of ``target``; see ``store.enqueue.enqueue``.

    Raises:
        UsageError: a kind that this program has no model for.
    """
    if Kind.CAPTION in kinds:
        raise UsageError("There is no captioner yet.", "Known kinds of work are tag and embed.")
    names = config.settings.models
    total = Enqueued(0, 0, 0)
    with db.connection() as conn:
        models = spaces.current(conn, names.text_embedder, names.image_embedder, names.taggers)
        for kind in kinds:
            one = store.enqueue(conn, target, kind, priority, models, dry_run=dry_run, again=again)
            total = Enqueued(
                total.queued + one.queued,
                total.already_done + one.already_done,
                total.spared + one.spared,
                total.waiting + one.waiting,
            )
        if total.queued and not dry_run:
            jobs.wake_workers(conn)
    return total

"""Putting work into the queue."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from dtk_tui.config import Config
from dtk_tui.domain.job import NORMAL, Kind
from dtk_tui.domain.queue import Enqueued, Target
from dtk_tui.errors import UsageError
from dtk_tui.inference.extra_formats import undecodable_endings
from dtk_tui.services import stats
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.queue import jobs, workers
from dtk_tui.store.queue.enqueue import enqueue_kind


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
    """Queue some kinds of work for all images of ``target``; see ``store.queue.enqueue.enqueue_kind``.

    Raises:
        UsageError: a kind that this program has no model for.
    """
    if Kind.CAPTION in kinds:
        raise UsageError("There is no captioner yet.", "Known kinds of work are tag and embed.")
    names = config.settings.models
    endings = undecodable_endings()

    def transaction() -> Enqueued:
        total = Enqueued(0, 0, 0, expected_s=0.0)
        with db.connection() as conn:
            models = embedding_spaces.current(conn, names.text_embedder, names.image_embedder, names.taggers)
            pace = _pace(conn)
            for kind in kinds:
                one = enqueue_kind(
                    conn, target, kind, priority, models, undecodable=endings, dry_run=dry_run, again=again
                )
                total = Enqueued(
                    total.queued + one.queued,
                    total.already_done + one.already_done,
                    total.spared + one.spared,
                    total.waiting + one.waiting,
                    max(total.undecodable, one.undecodable),
                    _longer(total.expected_s, one.queued, pace.get(kind.label)),
                )
            if total.queued and not dry_run:
                jobs.wake_workers(conn)
        return total

    return retry_on_conflict(transaction)


def _pace(conn: Connection) -> dict[str, float]:
    """Return how fast each kind goes: with the workers that run, else with one worker as it was remembered."""
    now = stats.pace_of(workers.all_workers(conn))
    return workers.remembered_pace(conn, socket.gethostname()) | now


def _longer(so_far_s: float | None, jobs: int, pace: float | None) -> float | None:
    if jobs == 0:
        return so_far_s
    return None if so_far_s is None or not pace else so_far_s + jobs / pace

"""The wish for all workers: written to the database, heard by every worker on every host."""

from __future__ import annotations

from dtk_tui.domain.job import WorkerState
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers


def start(db: Database) -> None:
    """Wish that all workers run, or go on after a pause."""
    _wish(db, WorkerState.RUNNING)


def pause(db: Database) -> None:
    """Wish that all workers finish their batch and keep their models in memory."""
    _wish(db, WorkerState.PAUSED)


def stop(db: Database) -> None:
    """Wish that all workers finish their batch and unload their models."""
    _wish(db, WorkerState.STOPPED)


def _wish(db: Database, state: WorkerState) -> None:
    with db.connection() as conn:
        workers.set_desired_state(conn, state)

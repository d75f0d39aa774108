"""What is asked of one worker alone: it lasts, is shown as its own, and ends with what is asked of all."""

from __future__ import annotations

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import WorkerState
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker import control
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from tests.helpers.running_worker import worker

pytestmark = pytest.mark.usefixtures("quick_models")
STOPPED, RUNNING, PAUSED = WorkerState.STOPPED, WorkerState.RUNNING, WorkerState.PAUSED


def _lose_lease(db: Database, engine: Engine) -> None:
    """Let others take a worker off the list, as after a sleep longer than its lease, and it find that out."""
    lost = engine.worker_id
    with db.connection() as conn:
        workers.unregister(conn, lost)
    engine._heartbeat.beat()
    assert engine.worker_id != lost


def test_it_outlasts_a_lease_that_was_lost(db: Database, config: Config) -> None:
    control.start(db)
    with worker(db, config, initial_state=None) as (engine, news):
        news.wait_for_state(RUNNING)
        control.set_desired_state(db, STOPPED, engine.worker_id)
        news.wait_for_state(STOPPED)
        _lose_lease(db, engine)
        (one,) = snapshot(db).workers
        assert (one.id, one.wish) == (engine.worker_id, STOPPED)


def test_a_lease_that_was_lost_brings_nothing_back(db: Database, config: Config) -> None:
    with worker(db, config, initial_state=RUNNING) as (engine, news):
        news.wait_for_state(RUNNING)
        control.stop(db)
        news.wait_for_state(STOPPED)
        _lose_lease(db, engine)
        (one,) = snapshot(db).workers
        assert one.wish is None


def test_who_works_though_all_shall_stop_is_not_about_to_stop(db: Database, config: Config) -> None:
    """As ``dtk worker run`` does in a library whose workers were stopped."""
    with worker(db, config, initial_state=RUNNING) as (engine, news):
        assert snapshot(db).asked == {RUNNING}
        news.wait_for_state(RUNNING)
        stats = snapshot(db)
        assert (stats.state, stats.desired, stats.awaited) == (RUNNING, STOPPED, None)
        control.set_desired_state(db, PAUSED, engine.worker_id)
        news.wait_for_state(PAUSED)
        assert snapshot(db).awaited is None


def test_one_that_is_asked_and_not_there_yet_is_waited_for(db: Database) -> None:
    with db.connection() as conn:
        one, _ = (workers.register(conn, "here", 1, STOPPED, 60) for _ in range(2))
        workers.set_desired_state(conn, RUNNING, one)
    assert snapshot(db).awaited is RUNNING
    with db.connection() as conn:
        workers.set_desired_state(conn, STOPPED)
    assert snapshot(db).awaited is None
    control.start(db)
    assert snapshot(db).awaited is RUNNING


def test_a_restart_asks_each_again_what_it_was_asked(db: Database) -> None:
    with db.connection() as conn:
        workers.set_desired_state(conn, RUNNING)
        one, other = (workers.register(conn, "here", 1, STOPPED, 60) for _ in range(2))
        workers.set_desired_state(conn, STOPPED, one)
    control.restart(db)
    with db.connection() as conn:
        assert [workers.get_wish(conn, worker_id).state for worker_id in (one, other)] == [STOPPED, RUNNING]

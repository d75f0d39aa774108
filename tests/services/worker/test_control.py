"""The loop of a worker that hears what is asked of it."""

from __future__ import annotations

import threading

import pytest

from dtk_tui.domain.events import Event, QueueNotified
from dtk_tui.domain.job import WorkerState
from dtk_tui.services.worker import control
from dtk_tui.services.worker.control import ControlLoop
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs


def test_a_notice_that_comes_while_it_looks_is_heard(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_STOPPED_LOOK_S", 3600.0)
    stop, woken = threading.Event(), threading.Event()
    told = list[Event]()

    def worker_id() -> int:
        with db.connection() as conn:
            conn.execute("SELECT pg_notify(%s, '')", (jobs.CHANNEL,))
        return 0

    loop = ControlLoop(
        db,
        stop,
        told.append,
        initial_state=WorkerState.STOPPED,
        hours=lambda: None,
        worker_id=worker_id,
        transition=lambda state: None,
        wake=woken.set,
    )
    loop.thread.start()
    try:
        assert woken.wait(30)
    finally:
        stop.set()
        loop.end()
        loop.thread.join()
    assert QueueNotified() in told, "the app looks at its numbers too"

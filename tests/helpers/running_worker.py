"""A worker that runs in the process of a test, its events, and what it left in the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dtk_tui.config import Config
from dtk_tui.domain.events import Event, WorkerStateChanged
from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.services.worker.engine import Engine
from dtk_tui.services.worker.priority import AS_IT_IS, Niceness
from dtk_tui.store.database import Database

EVERYTHING = Target(everything=True)


class News:
    """Collects events and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._came = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._came:
            self.events.append(event)
            self._came.notify_all()

    def wait_for(self, wanted: Callable[[list[Event]], bool], timeout_s: float = 300) -> None:
        end = time.monotonic() + timeout_s
        with self._came:
            while not wanted(self.events):  # which may be of the database, too: no event tells of that
                assert time.monotonic() < end, f"never came; got {self.events}"
                self._came.wait(0.02)

    def wait_for_state(self, state: WorkerState) -> None:
        self.wait_for(lambda events: _last_state(events) == state)


def _last_state(events: list[Event]) -> WorkerState | None:
    states = [event.state for event in events if isinstance(event, WorkerStateChanged)]
    return states[-1] if states else None


@contextmanager
def worker(
    db: Database,
    config: Config,
    initial_state: WorkerState | None = WorkerState.RUNNING,
    niceness: Niceness = AS_IT_IS,
) -> Iterator[tuple[Engine, News]]:
    """A worker in this process, closed at the end."""
    news = News()
    engine = Engine(db, config, news, initial_state=initial_state, niceness=niceness)
    engine.open()
    try:
        yield engine, news
    finally:
        engine.close()


def wait_for_jobs(engine: Engine, above: int = 0, timeout_s: float = 300) -> None:
    """Wait until a worker has done more than so many jobs."""
    end = time.monotonic() + timeout_s
    while engine.throughput.processed <= above:
        assert time.monotonic() < end, f"no more than {engine.throughput.processed} jobs were done"
        time.sleep(0.005)


def one_value(db: Database, sql: str) -> int:
    with db.connection() as conn:
        row = conn.execute(sql.encode()).fetchone()
    assert row is not None
    return int(row[0])


def logged_jobs(db: Database, outcome: str = "done") -> list[tuple[int, int]]:
    with db.connection() as conn:
        return conn.execute("SELECT kind, image_id FROM job_log WHERE outcome = %s ORDER BY id", (outcome,)).fetchall()

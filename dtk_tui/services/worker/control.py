"""Starting, pausing and stopping workers through the database, and the loop of a worker that follows what is asked."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime

from dtk_tui.domain.events import Emit, ProblemReported, QueueNotified
from dtk_tui.domain.hours import Hours
from dtk_tui.domain.job import WorkerState
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services.worker.lasting import problem
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import jobs, workers

#: The longest that a desired state goes unheard when its NOTIFY was missed.
_LOOK_S = 1.0
#: While the worker is stopped there is nothing that hours or the config could change.
_STOPPED_LOOK_S = 15.0
#: The pause before a new try when the database is away, in seconds.
_AGAIN_S = 1.0
#: How long a restart waits for batches that are under way, and how often it looks, in seconds.
_RESTART_S, _RESTART_LOOK_S = 120.0, 0.2


def start(db: Database) -> None:
    """Ask all workers to run, or to go on after a pause."""
    set_desired_state(db, WorkerState.RUNNING)


def pause(db: Database) -> None:
    """Ask all workers to finish their batch and to keep their models in memory."""
    set_desired_state(db, WorkerState.PAUSED)


def stop(db: Database) -> None:
    """Ask all workers to finish their batch and to unload their models."""
    set_desired_state(db, WorkerState.STOPPED)


def restart(db: Database, within_s: float = _RESTART_S) -> None:
    """Let all workers load their models anew, and with them what their config.toml says now.

    They are asked to stop and, when all have, or after ``within_s`` seconds, to do again what they were asked before.
    Nothing happens while Stop is what is asked for.
    """
    with db.connection() as conn:
        desired = workers.get_desired_state(conn)
        wishes = {one.id: one.wish for one in workers.all_workers(conn) if one.alive and one.wish is not None}
    if {desired, *wishes.values()} == {WorkerState.STOPPED}:
        return
    stop(db)
    try:
        end = time.monotonic() + within_s
        while _any_loaded(db) and time.monotonic() < end:
            time.sleep(_RESTART_LOOK_S)
    finally:
        with db.connection() as conn:
            workers.set_desired_state(conn, desired)
            for worker_id, wish in wishes.items():
                workers.set_desired_state(conn, wish, worker_id)


def _any_loaded(db: Database) -> bool:
    with db.connection() as conn:
        return any(one.alive and one.state != WorkerState.STOPPED for one in workers.all_workers(conn))


def set_desired_state(db: Database, state: WorkerState, worker_id: int | None = None) -> int:
    """Ask one worker, or all on every host, to enter a state; return how many are connected that hear of it."""
    with db.connection() as conn:
        return workers.set_desired_state(conn, state, worker_id)


class ControlLoop:
    """The thread of a worker that listens for a new desired state, and for new work.

    Args:
        stop: ends the loop.
        initial_state: what to do whatever is desired, until that changes; None begins with what is desired.
        hours: tells when to pause, unless Start was asked for in them.
        worker_id: of this worker.
        transition: enters a state; runs on this thread.
        wake: called when something was queued.
    """

    def __init__(
        self,
        db: Database,
        stop: threading.Event,
        emit: Emit,
        *,
        initial_state: WorkerState | None,
        hours: Callable[[], Hours | None],
        worker_id: Callable[[], int],
        transition: Callable[[WorkerState], None],
        wake: Callable[[], None],
    ) -> None:
        self._db = db
        self._stop = stop
        self._emit = emit
        self._own_wish: workers.OwnWish | None = None if initial_state is None else (initial_state, None)
        self._hours = hours
        self._worker_id = worker_id
        self._transition = transition
        self._wake = wake
        self._resting: str | None = None
        self._is_stopped = False
        self._waker, self._woken = socket.socketpair()
        self.has_followed = threading.Event()
        self.thread = threading.Thread(target=self._follow, name="dtk-control", daemon=True)

    @property
    def resting(self) -> str | None:
        """Why this worker pauses although it is asked to run; None when it does what it is asked."""
        return self._resting

    @property
    def own_wish(self) -> workers.OwnWish | None:
        """What is asked of this worker alone."""
        return self._own_wish

    def end(self) -> None:
        """Let the loop see at once that ``stop`` is set."""
        self._waker.close()

    def _follow(self) -> None:
        """Apply the desired state whenever it changes, until stopped."""
        while not self._stop.is_set():
            try:
                with (
                    self._db.listener(workers.CHANNEL, jobs.CHANNEL) as listener,
                    selectors.DefaultSelector() as selector,
                ):
                    selector.register(listener, selectors.EVENT_READ)
                    selector.register(self._woken, selectors.EVENT_READ)
                    while not self._stop.is_set():
                        self._apply_desired_state(listener)
                        # What came with the answer to the look is not in the socket any more, and would wake nobody.
                        if not self._hear(listener):
                            # psycopg's own wait would wake up ten times a second.
                            selector.select(_STOPPED_LOOK_S if self._is_stopped else _LOOK_S)
                            self._hear(listener)
            except DatabaseLostError:
                self._stop.wait(_AGAIN_S)
            except Exception as error:  # a worker that hears nothing would look alive
                self._emit(problem(error))
                self._stop.wait(_AGAIN_S)
        self._woken.close()
        self._transition(WorkerState.STOPPED)

    def _hear(self, listener: Connection) -> bool:
        """Take the notices that have come; return whether there were any."""
        notices = list(listener.notifies(timeout=0))
        if any(notice.channel == jobs.CHANNEL for notice in notices):
            self._wake()
        if notices:
            self._emit(QueueNotified())
        return bool(notices)

    def _apply_desired_state(self, conn: Connection) -> None:
        wish = workers.get_wish(conn, self._worker_id())
        if self._own_wish is not None and not wish.is_known:
            # The lease was lost, and with it what stood there; what was asked of all since then holds.
            state, since = self._own_wish
            if since is None or since >= wish.since:
                wish = workers.Wish(state, since or wish.since, is_own=True, is_known=False)
        self._own_wish = (wish.state, wish.since) if wish.is_own else None
        state = self._within_hours(wish.state, wish.since)
        self._is_stopped = state == WorkerState.STOPPED
        self._transition(state)
        self.has_followed.set()

    def _within_hours(self, desired: WorkerState, changed_at: datetime) -> WorkerState:
        """Return what to do now: in the hours of auto-pause nothing, unless Start was asked for in them."""
        told, self._resting = self._resting, None
        hours = self._hours()
        if hours is None or desired != WorkerState.RUNNING:
            return desired
        edge, rests = hours.last_edge(datetime.now().astimezone())
        if not rests or changed_at >= edge:
            return desired
        self._resting = f"Auto-pause until {hours.end:%H:%M}; Start overrides it."
        if told is None:
            self._emit(ProblemReported("This worker rests.", self._resting))
        return WorkerState.PAUSED

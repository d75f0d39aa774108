"""A worker: follows the wish that stands in the database, keeps its lease, and drains the queue while it runs."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ProblemReported, WorkerStateChanged, ignore
from dtk_tui.domain.hours import Hours
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import QueueCounts, WorkerStats
from dtk_tui.errors import DatabaseLostError, DtkError, ModelError
from dtk_tui.inference.provider import Placement, devices, gpu_report
from dtk_tui.services.retry import retry_until_available
from dtk_tui.services.worker.handlers import JobHandler, load_handlers
from dtk_tui.services.worker.pipeline import Pipeline
from dtk_tui.services.worker.state import be_nice
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.store.database import Database
from dtk_tui.store.queue import job_log as log
from dtk_tui.store.queue import jobs, workers

T = TypeVar("T")

_HEARTBEAT_S = 2.0
#: How far what a worker says it did may be behind the queue.
_TELL_S = 0.4
#: How long to wait before models that could not be loaded are looked for again.
_MODELS_AGAIN_S = 15.0
#: The longest that a wish goes unheard when its NOTIFY was missed.
_LOOK_S = 1.0
_POLL_S = 0.2
#: How often speeds are remembered and the log is cut.
_BOOKS_S = 600.0


class Engine:
    """The worker of this process, in background threads.

    Args:
        emit: gets news from any thread; must not block.
        begin: the state to start in, whatever the wish; None starts as is wished. Later wishes are followed.
        niceness: see ``Pipeline``.
    """

    def __init__(
        self,
        db: Database,
        config: Config,
        emit: Emit = ignore,
        *,
        begin: WorkerState | None = None,
        niceness: int = 0,
    ) -> None:
        self._db = db
        self._config = config
        self._emit = emit
        self._niceness = niceness
        self._begin = begin
        self._begun_at: datetime | None = None
        self._lease_s = config.settings.worker.lease_s
        self._progress = Throughput()
        self._pipeline: Pipeline | None = None
        self._placement: Placement | None = None
        self._id = 0
        self._stop = threading.Event()
        self._first_look = threading.Event()
        self._trouble: str | None = None
        hours = config.settings.worker.auto_pause
        self._hours = Hours.parse(hours) if hours else None
        self._resting: str | None = None
        self._loaded_at = 0.0
        self._models: dict[Kind, str] = {}
        self._kept_books_at = time.monotonic()
        self.state = WorkerState.STOPPED
        self._control = threading.Thread(target=self._follow, name="dtk-control", daemon=True)
        self._heart = threading.Thread(target=self._beat, name="dtk-heart", daemon=True)

    def open(self) -> None:
        """Register as a worker and start following the wish."""
        self._id = self._persist(self._register)
        self._control.start()
        self._heart.start()

    def close(self) -> None:
        """Give unfinished jobs back, unload the models, and sign off; the wish stays for the next start."""
        self._stop.set()
        if not self._control.is_alive() and not self._heart.is_alive():
            return
        self._control.join()
        self._heart.join()

    def news(self) -> None:
        """Look for work at once; a worker also hears of new work by itself."""
        pipeline = self._pipeline
        if pipeline is not None:
            pipeline.news()

    @property
    def provider(self) -> str | None:
        """ONNX Runtime's execution provider that really runs; None while no model is loaded."""
        return self._placement.provider if self._placement else None

    @property
    def throughput(self) -> Throughput:
        """What this worker has done."""
        return self._progress

    def wait_until_empty(self, each: Callable[[], None] | None = None, *, forever: bool = False) -> None:
        """Wait until nothing that this worker can do is left in the queue.

        Args:
            each: called at every look, e.g. to draw progress.
            forever: go on waiting for new work.

        Raises:
            DtkError: this worker cannot run (models are missing).
        """
        self._first_look.wait()
        while not self._stop.is_set():
            if each is not None:
                self._persist(each)
            if self._trouble is not None and self._pipeline is None:
                raise DtkError("The worker cannot run.", self._trouble)
            pipeline = self._pipeline
            if pipeline is not None and pipeline.idle and not forever:
                kinds = {kind.label for kind in pipeline.kinds}
                counts = self._persist(self._counts)
                waiting = sum(number for kind, number in counts.by_kind.items() if kind in kinds)
                if waiting == 0 and counts.running == 0:
                    return
            self._stop.wait(_POLL_S)

    # -- database ---------------------------------------------------------------------------------------------------

    def _persist(self, action: Callable[[], T]) -> T:
        return retry_until_available(action, self._stop, self._emit)

    def _register(self) -> int:
        with self._db.connection() as conn:
            workers.reap(conn)
            return workers.register(conn, socket.gethostname(), os.getpid(), self.state, self._lease_s)

    def _counts(self) -> QueueCounts:
        with self._db.connection() as conn:
            return jobs.counts(conn)

    # -- heart ------------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        while True:
            try:
                self._persist(self._heartbeat)
            except DatabaseLostError:
                return  # signing off while the database is away: the lease ends by itself
            except DtkError as error:
                self._emit(ProblemReported(error.title, error.detail))
            if self._rest() and not self._control.is_alive():
                break
            if self._stop.is_set():
                self._control.join(self._lease_s / 4)  # what Stop still saves is saved under a lease
        self._sign_off()

    def _rest(self) -> bool:
        """Wait for the next heartbeat, which comes early where there is progress to tell; return whether to stop."""
        told = self._progress.ended
        due = time.monotonic() + min(_HEARTBEAT_S, self._lease_s / 4)
        while time.monotonic() < due and not self._stop.wait(min(_TELL_S, self._lease_s / 4)):
            if self._progress.ended != told:
                break
        return self._stop.is_set()

    def _heartbeat(self) -> None:
        progress = self._progress
        stats = WorkerStats(
            processed=progress.processed,
            failed=progress.failed,
            cache_hits=progress.cache_hits,
            cache_misses=progress.cache_misses,
            speed=progress.speed(),
            pace=progress.pace(),
            kinds=tuple(kind.label for kind in self._models),
            provider=self.provider,
            trouble=self._trouble or self._resting or (self._placement.reason if self._placement else None),
        )
        with self._db.connection() as conn:
            alive = workers.heartbeat(
                conn, self._id, lease_s=self._lease_s, state=self.state, devices=gpu_report(), stats=stats
            )
            workers.reap(conn)
        if not alive:
            self._id = self._register()
        if time.monotonic() >= self._kept_books_at + _BOOKS_S:
            self._keep_books()

    def _keep_books(self) -> None:
        """Remember how fast this worker is, and forget what is old in the log."""
        self._kept_books_at = time.monotonic()
        with self._db.connection() as conn:
            workers.remember_pace(conn, socket.gethostname(), self._models, self._progress.pace(measured=True))
            log.forget(conn, self._config.settings.worker.log_days)

    def _sign_off(self) -> None:
        def leave() -> None:
            self._keep_books()
            with self._db.connection() as conn:
                jobs.release(conn, self._id)
                workers.leave(conn, self._id)

        try:
            self._persist(leave)
        except DtkError as error:
            self._emit(ProblemReported(error.title, error.detail))

    # -- control ----------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Do what is wished, and hear of new wishes and new work, until closed."""
        while not self._stop.is_set():
            try:
                with self._db.listener(workers.CHANNEL, jobs.CHANNEL) as hearing:
                    self._obey()
                    while not self._stop.is_set():
                        for notice in hearing.notifies(timeout=_LOOK_S, stop_after=1):
                            if notice.channel == jobs.CHANNEL:
                                self.news()
                        self._obey()
            except DatabaseLostError:
                self._stop.wait(_LOOK_S)
            except DtkError as error:
                self._emit(ProblemReported(error.title, error.detail))
                self._stop.wait(_LOOK_S)
        self._become(WorkerState.STOPPED)

    def _obey(self) -> None:
        with self._db.connection() as conn:
            wish, changed_at = workers.get_desired_state(conn, self._id)
        if self._begin is not None:
            if self._begun_at is None:
                self._begun_at = changed_at
            if changed_at == self._begun_at:
                wish = self._begin
        self._become(self._kept_to_hours(wish, changed_at))
        self._first_look.set()

    def _kept_to_hours(self, wish: WorkerState, changed_at: datetime) -> WorkerState:
        """Return what to do now: in the hours of rest nothing, unless Start was wished in them."""
        told, self._resting = self._resting, None
        if self._hours is None or wish != WorkerState.RUNNING:
            return wish
        edge, rests = self._hours.last_edge(datetime.now().astimezone())
        if not rests or changed_at >= edge:
            return wish
        self._resting = f"Auto-pause until {self._hours.end:%H:%M}; Start overrides it."
        if told is None:
            self._emit(ProblemReported("This worker rests.", self._resting))
        return WorkerState.PAUSED

    def _become(self, wish: WorkerState) -> None:
        if wish == WorkerState.STOPPED:
            self._trouble = None
            self._unload()
        elif wish == WorkerState.RUNNING:
            self._run()
        elif self._pipeline is None:
            wish = WorkerState.STOPPED  # nothing to keep in memory: paused before it ever ran
        elif self.state == WorkerState.RUNNING:
            self._pipeline.pause()
            self._release()
        if wish == WorkerState.RUNNING and self._pipeline is None:
            wish = WorkerState.STOPPED
        self._enter(wish)

    def _enter(self, state: WorkerState) -> None:
        if state != self.state:
            self.state = state
            self._persist(self._heartbeat)
            self._emit(WorkerStateChanged(state))

    def _run(self) -> None:
        if self._pipeline is not None:
            if self.state == WorkerState.PAUSED:
                self._pipeline.resume()
            return
        if time.monotonic() < self._loaded_at + _MODELS_AGAIN_S and self._trouble:
            return
        self._load()

    def _load(self) -> None:
        settings = self._config.settings.worker
        processors = os.cpu_count() or 1
        loaded: list[dict[Kind, JobHandler]] = []
        missing: list[ModelError] = []
        # Threads that ONNX Runtime starts take the priority of the thread that loads the model.
        with ThreadPoolExecutor(1, "dtk-models", be_nice, (self._niceness,)) as loader:
            for device in settings.devices or devices():
                steps, missing = loader.submit(load_handlers, self._db, self._config, processors, device).result()
                loaded.append(steps)
        steps = loaded[0]
        self._loaded_at = time.monotonic()
        for error in missing:
            self._emit(ProblemReported(error.title, error.detail))
        if not steps:
            self._trouble = " ".join(f"{error.title} {error.detail}" for error in missing)
            return
        self._trouble = None
        self._placement = next(iter(steps.values())).placement
        self._models = {kind: step.model for kind, step in steps.items()}
        self._progress.begin(self._persist(self._remembered))
        self._pipeline = Pipeline(
            self._db,
            loaded,
            lambda: self._id,
            self._emit,
            self._progress,
            decode_threads=settings.decode_threads or processors,
            max_retries=settings.max_retries,
            batch_size=settings.batch_size,
            local_path=self._config.local_path,
            niceness=self._niceness,
        )
        self._pipeline.start()

    def _remembered(self) -> dict[str, float]:
        with self._db.connection() as conn:
            return workers.remembered_pace(conn, socket.gethostname(), self._models)

    def _release(self) -> None:
        def release() -> None:
            with self._db.connection() as conn:
                jobs.release(conn, self._id)

        try:
            self._persist(release)
        except DatabaseLostError as error:
            self._emit(ProblemReported(error.title, error.detail))

    def _unload(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()
            self._placement = None
            self._release()

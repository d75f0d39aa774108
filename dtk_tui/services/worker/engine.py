"""The worker of this process: it follows the desired state in the database and drains the queue while it runs."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, ProblemReported, WorkerStateChanged, ignore
from dtk_tui.domain.hours import Hours
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import WorkerStats
from dtk_tui.errors import DatabaseLostError, DtkError, NotSetUpError
from dtk_tui.inference.devices.provider import Device, Placement, devices
from dtk_tui.services.retry import retry_until_available
from dtk_tui.services.worker.control import ControlLoop
from dtk_tui.services.worker.heartbeat import Heartbeat
from dtk_tui.services.worker.hooks.watch import Hooks
from dtk_tui.services.worker.priority import AS_IT_IS, Niceness, lower_thread_priority
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.services.worker.word_lists import WordLists
from dtk_tui.settings import WorkerSettings
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import jobs, totals, workers

if TYPE_CHECKING:
    from dtk_tui.inference.captioner.base import Captioner
    from dtk_tui.services.worker.handlers.base import JobHandler
    from dtk_tui.services.worker.pipeline import Pipeline

T = TypeVar("T")

#: How long to wait before models that could not be loaded are looked for again.
_MODELS_AGAIN_S = 15.0
_POLL_S = 0.2
#: How long ``close`` waits before it asks whether the database answers at all.
_CLOSE_S = 5.0
#: ``wait_until_empty`` waits so long for folders that are away, once nothing else is left.
_AWAY_S = 120.0


class Engine:
    """A worker in background threads.

    Args:
        emit: gets news from any thread; must not block.
        initial_state: the state to start in, whatever is desired; None starts in the desired one. Later changes of the
            desired state are followed.
        niceness: see ``Pipeline``.
    """

    def __init__(
        self,
        db: Database,
        config: Config,
        emit: Emit = ignore,
        *,
        initial_state: WorkerState | None = None,
        niceness: Niceness = AS_IT_IS,
    ) -> None:
        settings = config.settings.worker
        self._db = db
        self._config = config
        self._emit = emit
        self._niceness = niceness
        self._stop = threading.Event()
        self._throughput = Throughput()
        self._pipeline: Pipeline | None = None
        self._placement: Placement | None = None
        self._models: dict[Kind, str] = {}
        self._trouble: str | None = None
        self._told: tuple[str | None, str | None] = (None, None)
        self._loaded_at = 0.0
        self.state = WorkerState.STOPPED
        self._control = ControlLoop(
            db,
            self._stop,
            emit,
            initial_state=initial_state,
            hours=self._hours,
            worker_id=lambda: self.worker_id,
            transition=self._transition,
            wake=self.wake,
        )
        self._heartbeat = Heartbeat(
            db,
            self._stop,
            self._control.thread,
            emit,
            self._throughput,
            report=self._report,
            wish=lambda: self._control.own_wish,
            models=lambda: self._models,
            lease_s=settings.lease_s,
            log_days=settings.log_days,
        )
        self._word_lists = WordLists(db, self._stop, emit)
        self._hooks = Hooks(config, self._throughput, emit, is_done=self._is_done, worker_id=lambda: self.worker_id)

    def open(self) -> None:
        """Register as a worker and start to follow the desired state."""
        self._heartbeat.register()
        self._control.thread.start()
        self._heartbeat.thread.start()
        self._hooks.thread.start()
        self._word_lists.thread.start()

    def close(self) -> bool:
        """Give unfinished jobs back, unload the models, and sign off; the desired state stays for the next start.

        Returns:
            False where the database does not answer: the jobs return when the lease ends, and threads may wait yet.
        """
        self._hooks.end()
        has_looked = self._has_ended(self._hooks.thread)
        self._stop.set()
        self._control.end()
        self._heartbeat.hurry()
        threads = (self._control.thread, self._heartbeat.thread, self._word_lists.thread)
        return has_looked and all(self._has_ended(thread) for thread in threads)

    def _has_ended(self, thread: threading.Thread) -> bool:
        """Wait for the end of a thread: a batch may take its time, a query without an answer takes for ever."""
        while thread.is_alive():
            thread.join(_CLOSE_S)
            if thread.is_alive() and not self._db.answers():
                return False
        return True

    def wake(self) -> None:
        """Look for work at once; a worker also hears of new work by itself."""
        pipeline = self._pipeline
        if pipeline is not None:
            pipeline.wake()

    @property
    def worker_id(self) -> int:
        """The number of this worker in the library; another one after its lease was lost."""
        return self._heartbeat.worker_id

    @property
    def provider(self) -> str | None:
        """ONNX Runtime's execution provider that really runs; None while no model is loaded."""
        return self._placement.provider if self._placement else None

    @property
    def captioner(self) -> Captioner | None:
        """The captioner of this worker, while its models are loaded and it has one."""
        pipeline = self._pipeline
        return None if pipeline is None else pipeline.captioner

    @property
    def throughput(self) -> Throughput:
        """What this worker has done."""
        return self._throughput

    def wait_until_empty(self, each: Callable[[], None] | None = None, *, forever: bool = False) -> None:
        """Wait until nothing that this worker can do now is left in the queue; two minutes for what is away.

        Then the hook of the config has been run.

        Args:
            each: called at every look, e.g. to draw progress.
            forever: go on waiting for new work.

        Raises:
            DtkError: this worker cannot run (models are missing).
        """
        self._control.has_followed.wait()
        only_away_since: float | None = None
        while not self._stop.is_set():
            if each is not None:
                retry_until_available(each, self._stop, self._emit)
            if self._trouble is not None and self._pipeline is None:
                raise DtkError("The worker cannot run.", self._trouble)
            pipeline = self._pipeline
            if pipeline is not None and pipeline.idle and not forever:
                left, is_away = self._transaction(partial(_left, pipeline=pipeline))
                if not is_away:
                    only_away_since = None
                elif only_away_since is None:
                    only_away_since = time.monotonic()
                if left == 0 or (only_away_since and time.monotonic() > only_away_since + _AWAY_S):
                    self._hooks.look(at_once=True)
                    return
            self._stop.wait(_POLL_S)

    def _is_done(self) -> bool:
        """Say whether nothing that this worker can do now is left."""
        pipeline = self._pipeline
        if pipeline is None or not pipeline.idle:
            return False
        with self._db.connection() as conn:
            left, is_away = _left(conn, pipeline)
        return left == 0 or is_away

    def _hours(self) -> Hours | None:
        """Return when to pause; config.toml is looked at each time, so that what it says now holds soon."""
        try:
            self._config.reload()
        except DtkError as error:
            self._emit(ProblemReported(error.title, f"{error.detail} What it said before holds on."))
        pause = self._config.settings.worker.auto_pause
        return Hours.parse(pause) if pause else None

    def _transaction(self, action: Callable[[Connection], T]) -> T:
        def attempt() -> T:
            with self._db.connection() as conn:
                return action(conn)

        return retry_until_available(attempt, self._stop, self._emit)

    def _report(self) -> tuple[WorkerState, WorkerStats]:
        throughput = self._throughput
        stats = WorkerStats(
            processed=throughput.processed,
            failed=throughput.failed,
            cache_hits=throughput.cache_hits,
            cache_misses=throughput.cache_misses,
            speed=throughput.speed(),
            pace=throughput.pace(),
            output=throughput.output(),
            kinds=tuple(kind.label for kind in self._models),
            provider=self.provider,
            away=self._pipeline.away if self._pipeline is not None else (),
            trouble=self._trouble
            or self._control.resting
            or (self._pipeline.condition if self._pipeline is not None else None)
            or (self._placement.reason if self._placement else None),
        )
        return self.state, stats

    # -- states -----------------------------------------------------------------------------------------------------

    def _transition(self, desired: WorkerState) -> None:
        """Enter the desired state, or the nearest one that is possible."""
        state = desired
        if desired == WorkerState.STOPPED:
            self._trouble = None
            self._unload()
        elif desired == WorkerState.RUNNING:
            self._run()
        elif self._pipeline is None:
            state = WorkerState.STOPPED  # nothing to keep in memory: paused before it ever ran
        elif self.state == WorkerState.RUNNING:
            self._pipeline.pause()
            self._release()
        if state == WorkerState.RUNNING and self._pipeline is None:
            state = WorkerState.STOPPED
        told, self._told = self._told, (self._trouble, self._control.resting)
        if state != self.state:
            self.state = state
            self._heartbeat.beat()
            self._emit(WorkerStateChanged(state))
        elif self._told != told:
            self._heartbeat.hurry()

    def _run(self) -> None:
        if self._pipeline is not None:
            if self.state == WorkerState.PAUSED:
                self._pipeline.resume()
            return
        if time.monotonic() < self._loaded_at + _MODELS_AGAIN_S and self._trouble:
            return
        self._load()

    def _load(self) -> None:
        """Load the models and start a pipeline; say what is missing."""
        # Only who works has decoders and models in memory; an app whose worker is stopped starts without them.
        from dtk_tui.services.worker.handlers.base import Resources
        from dtk_tui.services.worker.handlers.registry import load_handlers
        from dtk_tui.services.worker.pipeline import Pipeline

        settings = self._config.settings.worker
        processors = os.cpu_count() or 1
        resources = Resources(self._db, self._config, processors)
        # Threads that ONNX Runtime starts take the priority of the thread that loads the model.
        numbers = settings.devices or devices(settings.providers)
        places = [Device(number, settings.providers) for number in numbers]
        with ThreadPoolExecutor(1, "dtk-models", lower_thread_priority, (self._niceness.inference,)) as loader:
            loaded, missing = loader.submit(load_handlers, resources, places).result()
        handlers = loaded[0]
        self._loaded_at = time.monotonic()
        for notice in (notice for handler in handlers.values() for notice in handler.notices):
            self._emit(notice)
        told = [
            error
            for kind, error in missing.items()
            if not isinstance(error, NotSetUpError) or self._transaction(partial(jobs.is_left, kind=kind))
        ]
        for error in told:
            self._emit(ProblemReported(error.title, error.detail))
        if not handlers:
            self._trouble = " ".join(f"{str(error).removesuffix('.')}." for error in told or missing.values())
            return
        if (fault := _cpu_fault(settings, handlers.values())) is not None:
            for of_device in loaded:
                for handler in of_device.values():
                    handler.close()
            self._trouble = str(fault)
            self._emit(ProblemReported(fault.title, fault.detail))
            return
        self._trouble = None
        self._placement = next((handler.placement for handler in handlers.values() if handler.placement), None)
        self._models = {kind: handler.model for kind, handler in handlers.items()}
        self._throughput.begin(
            self._transaction(lambda conn: workers.remembered_pace(conn, socket.gethostname(), self._models))
        )
        self._pipeline = Pipeline(
            self._db,
            loaded,
            lambda: self.worker_id,
            self._emit,
            self._throughput,
            decode_threads=settings.decode_threads or processors,
            read_s=settings.read_s,
            max_retries=settings.max_retries,
            batch_size=settings.batch_size,
            local_path=self._config.local_path,
            niceness=self._niceness,
        )
        self._pipeline.start()

    def _release(self) -> None:
        try:
            self._transaction(lambda conn: jobs.release(conn, self.worker_id))
        except DatabaseLostError as error:
            self._emit(ProblemReported(error.title, error.detail))

    def _unload(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()
            self._placement = None
            self._release()


def _left(conn: Connection, pipeline: Pipeline) -> tuple[int, bool]:
    """Return how many jobs a pipeline can do yet, or are being done, and whether folders that are away hold up all."""
    counts = totals.counts(conn)
    kinds = {kind.label for kind in pipeline.kinds if kind not in pipeline.lasting}
    waiting = sum(number for kind, number in counts.by_kind.items() if kind in kinds)
    away = sum(folder.jobs for folder in pipeline.away)
    return waiting + counts.running, 0 < waiting <= away and not counts.running


def _cpu_fault(settings: WorkerSettings, handlers: Iterable[JobHandler]) -> DtkError | None:
    """Return why this worker does not run: GPUs are named in the config, and models have loaded on the CPU alone."""
    if settings.devices is None or settings.allow_cpu:
        return None
    for handler in handlers:
        if handler.placement is not None and not handler.placement.on_gpu:
            chosen = "[worker] providers begins with cpu." if settings.providers[0] == "cpu" else ""
            why = handler.placement.reason or chosen or "No NVIDIA GPU is visible here."
            return DtkError(
                f"[worker] devices names a GPU, and {handler.model} has only loaded on {handler.placement.provider}.",
                f"{why} See: dtk doctor. To work on the CPU all the same, set allow_cpu = true in [worker].",
            )
    return None

"""The heartbeat of a worker: keeps its lease, reports how it goes, records how fast it was, and signs off."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

from dtk_tui.domain.events import Emit, ProblemReported
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import WorkerStats
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.inference.devices.provider import gpu_report
from dtk_tui.services.retry import retry_until_available
from dtk_tui.services.worker.device_use import DeviceUseMeter
from dtk_tui.services.worker.lasting import problem
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.store.database import Database
from dtk_tui.store.queue import device_days, job_log, jobs, runs, workers

_HEARTBEAT_S = 2.0
#: While the worker is stopped, with a device whose load others change, and without one.
_WATCHING_S, _RESTING_S = 5.0, 15.0
#: How far what a worker says it did may be behind the queue.
_BEHIND_S = 0.4
#: How often paces are recorded and the log is cut.
_RECORDS_S = 600.0
#: How often what was seen of the GPUs goes into the sums of the day.
_DEVICES_S = 60.0


class Heartbeat:
    """The thread that renews the lease of a worker, and so of all jobs that it holds.

    Args:
        stop: signs off as soon as ``until`` has ended.
        until: the thread that may still have results to save when ``stop`` is set.
        report: returns the state of the worker and its statistics.
        wish: returns what is asked of it alone, which outlasts a lease that was lost.
        models: returns the model of each kind, under which paces are recorded.
        log_days: how long the log of jobs is kept.
    """

    def __init__(
        self,
        db: Database,
        stop: threading.Event,
        until: threading.Thread,
        emit: Emit,
        throughput: Throughput,
        *,
        report: Callable[[], tuple[WorkerState, WorkerStats]],
        wish: Callable[[], workers.OwnWish | None],
        models: Callable[[], Mapping[Kind, str]],
        lease_s: float,
        log_days: int,
    ) -> None:
        self._db = db
        self._stop = stop
        self._until = until
        self._emit = emit
        self._throughput = throughput
        self._report = report
        self._wish = wish
        self._models = models
        self._lease_s = lease_s
        self._log_days = log_days
        self._recorded_at = self._devices_at = time.monotonic()
        self._meter = DeviceUseMeter()
        self._every_s = _HEARTBEAT_S
        self.worker_id = 0
        self.thread = threading.Thread(target=self._heartbeat_loop, name="dtk-heart", daemon=True)

    def register(self) -> None:
        """Enter this process as a worker."""
        self.worker_id = retry_until_available(self._register, self._stop, self._emit)

    def beat(self) -> None:
        """Renew the lease and report now.

        Raises:
            DatabaseLostError: the database is away, and this worker stops.
        """
        retry_until_available(self._beat, self._stop, self._emit)

    def _register(self) -> int:
        state, _ = self._report()
        with self._db.connection() as conn:
            workers.reap(conn)
            return workers.register(conn, socket.gethostname(), os.getpid(), state, self._lease_s, self._wish())

    def _heartbeat_loop(self) -> None:
        while True:
            try:
                self.beat()
            except DatabaseLostError:
                return  # signing off while the database is away: the lease ends by itself
            except Exception as error:  # a lease that nobody renews ends, and the work goes to others
                self._emit(problem(error))
            if self._rest() and not self._until.is_alive():
                break
            if self._stop.is_set():
                self._until.join(self._lease_s / 4)  # what Stop still saves is saved under a lease
        self._sign_off()

    def hurry(self) -> None:
        """Report soon: there is something to tell, or ``stop`` is set."""
        self._throughput.has_news.set()

    def _rest(self) -> bool:
        """Wait for the next heartbeat, which comes early where there is progress to tell; return whether to stop."""
        quarter_s, news = self._lease_s / 4, self._throughput.has_news
        early = time.monotonic() + min(_BEHIND_S, quarter_s)
        if not self._stop.is_set() and news.wait(min(self._every_s, quarter_s)):
            self._stop.wait(early - time.monotonic())
        news.clear()
        return self._stop.is_set()

    def _beat(self) -> None:
        state, stats = self._report()
        gpus = gpu_report()
        self._meter.look(gpus, time.monotonic())
        self._every_s = _HEARTBEAT_S
        if state is WorkerState.STOPPED:
            self._every_s = _WATCHING_S if gpus else _RESTING_S
        with self._db.connection() as conn:
            alive = workers.heartbeat(
                conn, self.worker_id, lease_s=self._lease_s, state=state, devices=gpus, stats=stats
            )
            workers.reap(conn)
        if not alive:
            self.worker_id = self._register()
        if time.monotonic() >= self._devices_at + _DEVICES_S:
            self._keep_device_use()
        if time.monotonic() >= self._recorded_at + _RECORDS_S:
            self._record()

    def _keep_device_use(self) -> None:
        """Add what was seen of the GPUs to the sums of the day."""
        self._devices_at = time.monotonic()
        if self._meter.uses:
            with self._db.connection() as conn:
                device_days.add(conn, socket.gethostname(), self._meter.uses)
            self._meter.clear()

    def _record(self) -> None:
        """Record how fast this worker is, and prune the log."""
        self._recorded_at = time.monotonic()
        with self._db.connection() as conn:
            workers.remember_pace(conn, socket.gethostname(), self._models(), self._throughput.pace(measured=True))
            job_log.forget(conn, self._log_days)
            runs.forget(conn, self._log_days)

    def _sign_off(self) -> None:
        def leave() -> None:
            self._keep_device_use()
            self._record()
            with self._db.connection() as conn:
                jobs.release(conn, self.worker_id)
                workers.unregister(conn, self.worker_id)

        try:
            retry_until_available(leave, self._stop, self._emit)
        except DtkError as error:
            self._emit(ProblemReported(error.title, error.detail))

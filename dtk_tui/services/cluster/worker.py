"""The worker of a node, as an actor of Ray: the engine of ``dtk worker run`` in the actor's process.

It runs in the process itself, so that who kills or freezes the actor kills or freezes the worker: its lease ends, and
what it held goes back. What the engine starts, servers for captions among it, ends with that process as always.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from dataclasses import dataclass

from dtk_tui.config import Config
from dtk_tui.domain.events import Event, ProblemReported
from dtk_tui.domain.job import WorkerState
from dtk_tui.errors import DtkError
from dtk_tui.services.cluster.connection import load_ray
from dtk_tui.services.cluster.order import Order, config_of
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database

_AGAIN_S = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """Where a worker is.

    Attributes:
        node: Ray's id of the node.
        worker: its number in the library; None before it has one.
        devices: ``cuda:0``, or ``cpu``.
        problem: why it has no number yet.
    """

    node: str
    host: str
    pid: int
    worker: int | None
    devices: tuple[str, ...]
    problem: str | None


class ClusterWorker:
    """Works on the queue from its creation on; a restart by Ray begins anew."""

    def __init__(self, order: Order) -> None:
        context = load_ray().get_runtime_context()
        self._node = str(context.get_node_id())
        self._device = _device(context.get_accelerator_ids().get("GPU") or [])
        self._order = order
        self._engine: Engine | None = None
        self._problem: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="dtk-cluster", daemon=True)
        # libpq and the client of captions read these from the process; no other process sees them.
        os.environ.update({name: text for name, text in order.environ.items() if not name.startswith("DTK_")})
        self._thread.start()

    def report(self) -> Report:
        """Return where this worker is."""
        number = None if self._engine is None else self._engine.worker_id
        devices = ("cpu",) if self._device is None else (f"cuda:{self._device}",)
        return Report(self._node, socket.gethostname(), os.getpid(), number, devices, self._problem)

    def drain(self) -> None:
        """End as on Ctrl-C: what is under way is finished or given back."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        """Run a worker until it is drained; a database that is away at the start is waited for."""
        while not self._stop.is_set():
            try:
                config = config_of(self._order, self._device)
                db = Database.open(config)
            except DtkError as error:
                self._problem = str(error)
                self._stop.wait(_AGAIN_S)
                continue
            try:
                self._run(db, config)
            finally:
                db.close()

    def _run(self, db: Database, config: Config) -> None:
        engine = Engine(db, config, _tell, initial_state=WorkerState.RUNNING)
        engine.open()
        self._engine, self._problem = engine, None
        self._stop.wait()
        engine.close()


def _device(ids: list[str]) -> int | None:
    """Return the number of the GPU that Ray gave this process; None for the CPU.

    Ray hides the others, NVML does not: with all in sight, a number means the same GPU to both.
    """
    if not ids:
        return None
    if not str(ids[0]).isdecimal():  # a part of a GPU, by its name: it is the only one in sight
        return 0
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    return int(ids[0])


def _tell(event: Event) -> None:
    if isinstance(event, ProblemReported):
        _log.warning("%s %s", event.title, event.detail)

"""What the stages of a worker share: what is claimed and not yet ended, the buffers between them, and their signals."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dtk_tui.domain.events import Emit, Event, ProblemReported
from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.errors import DtkError
from dtk_tui.services.retry import retry_until_available
from dtk_tui.services.worker.batch_result import BatchResult
from dtk_tui.services.worker.batch_size import AdaptiveBatchSize
from dtk_tui.services.worker.handlers import JobHandler, Loaded
from dtk_tui.services.worker.priority_buffer import PriorityBuffer
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.store.database import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Text:
    """A prompt on its way to the text embedder."""

    prompt_id: int
    text: str


@dataclass(frozen=True, slots=True)
class ToLoad:
    """A claimed job on its way to a loader; ``text`` is the prompt of a suspect, which takes it along."""

    epoch: int
    job: ClaimedJob
    text: Text | None = None


class Belt:
    """Shared by the threads of one pipeline; ``changed`` guards every plain attribute.

    Attributes:
        in_flight: ids of jobs that are claimed and not ended.
        epoch: grows with each pause: what was claimed in an older one was given back.
        loading, inferring: how many images loaders, and batches devices, have in their hands.
        texts: ids of prompts that are under way to their vector.
        bad_texts: prompts that cannot be embedded, with the reason and whether trying again is useless.
        busy_since: when ``in_flight`` was last empty (monotonic seconds).
    """

    def __init__(
        self,
        db: Database,
        steps: dict[Kind, JobHandler],
        worker_id: Callable[[], int],
        emit: Emit,
        progress: Throughput,
        *,
        decode_threads: int,
        batch_size: int | None,
        niceness: int,
    ) -> None:
        self.db = db
        self.steps = steps
        self.worker_id = worker_id
        self.emit = emit
        self.progress = progress
        self.sizes = AdaptiveBatchSize({kind: batch_size or step.batch_size for kind, step in steps.items()})
        self.depth = max(4 * self.sizes.largest, 2 * decode_threads, 32)
        self._decode_threads = decode_threads
        self.to_load: PriorityBuffer[ToLoad] = PriorityBuffer(1 << 30)
        self.to_try: PriorityBuffer[ToLoad] = PriorityBuffer(1 << 30)
        self.to_infer: PriorityBuffer[Loaded | Text] = PriorityBuffer(2 * self.sizes.largest + decode_threads)
        self.to_save: queue.Queue[BatchResult | None] = queue.Queue(16)
        self.stop = threading.Event()
        self.running = threading.Event()
        self.wake = threading.Event()
        self.urgent_news = threading.Event()
        self.was_lost = threading.Event()
        self.changed = threading.Condition()
        self.in_flight: set[int] = set()
        self.epoch = 0
        self.loading = 0
        self.inferring = 0
        self.texts: set[int] = set()
        self.bad_texts: dict[int, tuple[str, bool]] = {}
        self.busy_since = time.monotonic()
        self._niceness = niceness

    def depth_of(self, kind: Kind) -> int:
        """Return how many jobs of one kind alone are enough to keep every stage busy."""
        return max(4 * self.sizes.of(kind), 2 * self._decode_threads)

    def persist(self, action: Callable[[], T]) -> T:
        """Do a whole transaction, waiting for a database that is away; see ``retry.retry_until_available``."""
        return retry_until_available(action, self.stop, self._note_loss)

    def _note_loss(self, event: Event) -> None:
        self.was_lost.set()
        self.emit(event)

    def report(self, error: DtkError) -> None:
        """Tell of an error that does not end the work."""
        self.emit(ProblemReported(error.title, error.detail))

    def be_nice(self) -> None:
        """Lower the priority of the calling thread as far as this worker is asked to."""
        be_nice(self._niceness)

    def land(self, ids: set[int]) -> None:
        """Note that jobs ended, and let the claimer fetch more."""
        with self.changed:
            self.in_flight -= ids
            self.changed.notify_all()
        self.wake.set()


def be_nice(niceness: int) -> None:
    """Lower the scheduling priority of the calling thread; 0 leaves it as it is."""
    if niceness and hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)

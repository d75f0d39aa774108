"""What the stages of a worker share: jobs that are claimed and not ended, the buffers between stages, and signals."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from dtk_tui.domain.events import Emit, Event
from dtk_tui.domain.job import NORMAL, ClaimedJob, Kind
from dtk_tui.errors import DtkError
from dtk_tui.services.retry import retry_until_available
from dtk_tui.services.worker.batch_result import BatchResult, Failure
from dtk_tui.services.worker.handlers.base import JobHandler, Loaded, PictureHandler, Prompt, PromptHandler
from dtk_tui.services.worker.lane import lanes_of
from dtk_tui.services.worker.lasting import problem
from dtk_tui.services.worker.priority import Niceness
from dtk_tui.services.worker.priority_buffer import PriorityBuffer
from dtk_tui.services.worker.rests import KindRests
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import looks

T = TypeVar("T")

#: A prompt in the eyes of one kind of work: another kind may make something else of it.
PromptKey = tuple[Kind, int]


@dataclass(frozen=True, slots=True)
class ToLoad:
    """Claimed jobs of one image on their way to a loader; ``prompt`` is that of a suspect, which takes it along.

    Several are of kinds that share a decoded picture, and of one priority.
    """

    epoch: int
    jobs: tuple[ClaimedJob, ...]
    prompt: Prompt | None = None

    @property
    def job(self) -> ClaimedJob:
        """The first of them: what all have in common."""
        return self.jobs[0]


class PipelineState:
    """The state of one pipeline; every method may be called from any thread.

    Attributes:
        handlers: of the first device and of all other lanes, by kind.
        lanes: where inference runs.
        to_load, suspects: claimed jobs that wait for a loader; suspects are loaded in a process of their own.
        to_save: what inference made; None ends the saver.
        local_path: turns the path of an image in the library into its path on this host.
        rests: kinds of which nothing can be done just now.
        niceness: how far each stage lowers the scheduling priority of its threads.
    """

    def __init__(
        self,
        db: Database,
        devices: Sequence[Mapping[Kind, JobHandler]],
        worker_id: Callable[[], int],
        emit: Emit,
        throughput: Throughput,
        *,
        decode_threads: int,
        batch_size: int | None,
        local_path: Callable[[str], str],
        niceness: Niceness,
    ) -> None:
        self.handlers = devices[0]
        self.local_path = local_path
        self.worker_id = worker_id
        self.emit = emit
        self.rests = KindRests(emit)
        self.throughput = throughput
        self.lanes = lanes_of(self.handlers, devices=len(devices), decode_threads=decode_threads, batch_size=batch_size)
        self.to_load: PriorityBuffer[ToLoad] = PriorityBuffer(1 << 30)
        self.suspects: PriorityBuffer[ToLoad] = PriorityBuffer(1 << 30)
        self.to_save: queue.Queue[BatchResult | None] = queue.Queue(16)
        self._lane_of = {kind: lane for lane in self.lanes for kind in lane.kinds}
        self._db = db
        self.niceness = niceness
        self._stop = threading.Event()
        self._running = threading.Event()
        self._awake = threading.Event()
        self._has_new_work = threading.Event()
        self._was_lost = threading.Event()
        #: Guards everything below.
        self._changed = threading.Condition()
        self._epoch = 0
        self._loading = 0
        self._inferring = 0
        self._prompts: set[PromptKey] = set()
        self._failed_prompts: dict[PromptKey, tuple[str, bool]] = {}

    # -- running, pausing, stopping ---------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether jobs are claimed."""
        return self._running.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether the threads are to end."""
        return self._stop.is_set()

    @property
    def epoch(self) -> int:
        """A number that grows with each pause: what was claimed in an older epoch was given back."""
        return self._epoch

    def resume(self) -> None:
        """Claim from now on, also what rested."""
        self.rests.clear()
        self._running.set()
        self._awake.set()

    def pause(self) -> None:
        """Claim no more, and forget what no thread works on yet."""
        self._running.clear()
        with self._changed:
            self._epoch += 1
            self._prompts.clear()
        self.to_load.clear()
        self.suspects.clear()
        for lane in self.lanes:
            lane.buffer.clear()

    def settle(self, timeout_s: float, read_s: float) -> None:
        """Wait after ``pause`` until what threads work on is saved; then nothing is in flight.

        Args:
            read_s: how long to wait at most for files that are being read: what comes of them later is dropped.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._inferring == 0 and self._loading == 0, min(read_s, timeout_s))
            self._changed.wait_for(lambda: self._inferring == 0, timeout_s)
        self.to_save.join()
        with self._changed:
            for lane in self.lanes:
                lane.in_flight.clear()

    def stop(self) -> None:
        """Let every thread end; a transaction that waits for a lost database gives up."""
        self._stop.set()
        self._awake.set()

    def wait_stopping(self, seconds: float) -> bool:
        """Wait until the threads are to end, or so long at most; say whether they are."""
        return self._stop.wait(seconds)

    def close_buffers(self) -> None:
        """End the waiting of loaders and of inference."""
        self.to_load.close()
        self.suspects.close()
        for lane in self.lanes:
            lane.buffer.close()

    # -- signals to the claimer -------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look for work now: something was queued."""
        self._has_new_work.set()
        self._awake.set()

    def sleep(self, seconds: float) -> None:
        """Wait until something happens, or so long at most."""
        self._awake.wait(seconds)
        self._awake.clear()

    def take_new_work(self) -> bool:
        """Say whether something was queued since the last call."""
        return _take(self._has_new_work)

    def take_loss(self) -> bool:
        """Say whether the database was lost since the last call: it may have forgotten the last commits."""
        return _take(self._was_lost)

    # -- database ---------------------------------------------------------------------------------------------------

    def transaction(self, action: Callable[[Connection], T]) -> T:
        """Do a whole transaction, waiting for a database that is away.

        Raises:
            DatabaseLostError: it is away, and this pipeline stops.
            DtkError: whatever else ``action`` raises.
        """

        def attempt() -> T:
            with self._db.connection() as conn:
                return action(conn)

        return retry_until_available(attempt, self._stop, self._note_loss)

    def compare_looks(self) -> None:
        """Let images that do not look like their representatives leave their groups.

        A transaction of its own, that begins with the images: one that holds jobs already would wait in a circle.
        """
        try:
            while self.transaction(looks.compare):
                pass
        except DtkError as error:  # the next one that saves looks does it
            self.report(error)

    def _note_loss(self, event: Event) -> None:
        self._was_lost.set()
        self.emit(event)

    def report(self, error: Exception) -> None:
        """Tell of an error that does not end the work."""
        self.emit(problem(error))

    # -- jobs -------------------------------------------------------------------------------------------------------

    @property
    def in_flight(self) -> set[int]:
        """Ids of the jobs that are claimed and not ended, as a copy."""
        with self._changed:
            return set().union(*(lane.in_flight for lane in self.lanes))

    def accept(
        self, epoch: int, jobs: Sequence[ClaimedJob], prompts: Mapping[PromptKey, Prompt], *, urgent: bool
    ) -> None:
        """Take claimed jobs into the buffers; after a pause they are dropped, and given back with the rest.

        Args:
            epoch: when they were claimed.
            prompts: those that these jobs need and that lack a result.
            urgent: whether they go before everything else.
        """
        calm = {(job.kind, job.prompt_id) for job in jobs if not job.isolated}
        with self._changed:
            if epoch != self._epoch or not self._running.is_set():
                return
            for job in jobs:
                lane = self._lane_of[job.kind]
                if not lane.in_flight:
                    lane.busy_since = time.monotonic()
                lane.in_flight.add(job.id)
            # An urgent image may overtake a prompt that is under way: its prompt goes with it, a second time at worst.
            new = [key for key in prompts if key in calm and (urgent or key not in self._prompts)]
            self._prompts.update(new)
            for key in prompts:
                self._failed_prompts.pop(key, None)
        rank = -max((job.priority for job in jobs), default=NORMAL)
        for key in new:
            self._lane_of[key[0]].buffer.put(rank, prompts[key])
        for of_image in self._by_picture(jobs):
            first = of_image[0]
            own = _prompt_of(first, prompts) if first.isolated else None
            (self.suspects if first.isolated else self.to_load).put(-first.priority, ToLoad(epoch, of_image, own))
        with_prompt = sum(
            1 for job in jobs if isinstance(self.handlers[job.kind], PromptHandler) and job.prompt_id is not None
        )
        self.throughput.count_cache(hits=max(0, with_prompt - len(new)), misses=len(new))

    def _by_picture(self, jobs: Sequence[ClaimedJob]) -> list[tuple[ClaimedJob, ...]]:
        """Return the jobs that one decoding serves together, in the order of the first of each."""
        together: dict[object, list[ClaimedJob]] = {}
        for job in jobs:
            shares = isinstance(self.handlers[job.kind], PictureHandler) and not job.isolated
            key = (job.image_id, job.priority) if shares else job.id
            together.setdefault(key, []).append(job)
        return [tuple(of_image) for of_image in together.values()]

    def more_will_end(self, kind: Kind, ended: int) -> bool:
        """Say whether a lane works on more jobs than have ended, and has not ended as many as it claims at a time."""
        lane = self._lane_of[kind]
        with self._changed:
            return self.is_running and ended < min(len(lane.in_flight), lane.least_claim())

    def mark_ended(self, ids: Iterable[int]) -> None:
        """Note that jobs ended, and let the claimer fetch more."""
        ended = set(ids)
        with self._changed:
            for lane in self.lanes:
                lane.end(ended)
            self._changed.notify_all()
        self._awake.set()

    # -- loading and inference --------------------------------------------------------------------------------------

    def begin_loading(self, item: ToLoad) -> bool:
        """Count an image that is being loaded; False when it was claimed before a pause and given back since."""
        with self._changed:
            is_current = item.epoch == self._epoch
            self._loading += is_current
        return is_current

    def end_loading(self) -> None:
        """Note that an image is loaded and handed on, or that nobody waits for it any more."""
        with self._changed:
            self._loading -= 1
            self._changed.notify_all()
        for lane in self.lanes:
            lane.buffer.nudge()

    def put_loaded(self, item: ToLoad, loaded: Loaded) -> None:
        """Hand what was loaded of an image to its lane."""
        if item.epoch == self._epoch:
            self._lane_of[loaded.job.kind].buffer.put(-loaded.job.priority, loaded)

    def put_failed(self, item: ToLoad, failure: Failure) -> None:
        """Hand a job whose image could not be loaded to the saver."""
        self.throughput.count_unloaded(failure.job.kind)
        if item.epoch == self._epoch:
            self.to_save.put(BatchResult(failed=[failure]))

    def put_returned(self, item: ToLoad) -> None:
        """Let the saver give an image back that could not be tried."""
        if item.epoch == self._epoch:
            self.to_save.put(BatchResult(returned=list(item.jobs)))

    def put_suspected(self, item: ToLoad) -> None:
        """Let the saver give an image back that is to be tried alone."""
        if item.epoch == self._epoch:
            self.to_save.put(BatchResult(suspected=list(item.jobs)))

    @property
    def more_is_loading(self) -> bool:
        """Whether a loader will have another image soon."""
        return self._loading > 0 or len(self.to_load) > 0

    @contextmanager
    def inferring(self) -> Iterator[None]:
        """Count a batch that is being inferred, until its result waits for the saver."""
        with self._changed:
            self._inferring += 1
        try:
            yield
        finally:
            with self._changed:
                self._inferring -= 1
                self._changed.notify_all()

    # -- prompts ----------------------------------------------------------------------------------------------------

    def mark_prompts_saved(self, kind: Kind, ids: Iterable[int]) -> None:
        """Note that prompts have their results."""
        with self._changed:
            self._prompts.difference_update((kind, number) for number in ids)

    def note_failed_prompt(self, kind: Kind, prompt_id: int, reason: str, permanent: bool) -> None:
        """Note why a prompt has no result: the images that need it fail with it."""
        self._failed_prompts[kind, prompt_id] = (reason, permanent)

    def prompt_failure(self, job: ClaimedJob) -> tuple[str, bool] | None:
        """Return why the prompt that a job needs has no result, and whether trying again is useless."""
        return None if job.prompt_id is None else self._failed_prompts.get((job.kind, job.prompt_id))


def _prompt_of(job: ClaimedJob, prompts: Mapping[PromptKey, Prompt]) -> Prompt | None:
    return None if job.prompt_id is None else prompts.get((job.kind, job.prompt_id))


def _take(event: threading.Event) -> bool:
    was_set = event.is_set()
    if was_set:
        event.clear()
    return was_set

"""Claim, load, infer, save: four stages with bounded buffers between them, so that a device never waits for a disk.

Loading runs on several threads, inference on the threads of each lane, saving on one thread that writes results and the
end of their jobs in one transaction. Prompts travel beside the images: each unique one is inferred once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from dtk_tui.domain.events import Emit
from dtk_tui.domain.job import Kind
from dtk_tui.domain.stats import AwayFolder
from dtk_tui.inference.captioner.base import Captioner
from dtk_tui.services.worker.bulk_index import BulkIndexes
from dtk_tui.services.worker.claim import Claimer
from dtk_tui.services.worker.files.away import AwayFolders
from dtk_tui.services.worker.files.reading import ReadWatch
from dtk_tui.services.worker.handlers.base import JobHandler
from dtk_tui.services.worker.handlers.caption import CaptionHandler
from dtk_tui.services.worker.infer import Inferrer
from dtk_tui.services.worker.lasting import lasting
from dtk_tui.services.worker.load import Loader, SuspectLoader
from dtk_tui.services.worker.priority import AS_IT_IS, Niceness
from dtk_tui.services.worker.sandbox import IsolatedLoader
from dtk_tui.services.worker.save import Saver
from dtk_tui.services.worker.state import PipelineState
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.store.database import Database

#: A pause, and the end, wait so long for files that are being read: one may never be.
_READ_S, _JOIN_S = 3.0, 1.0


class Pipeline:
    """The stages of one worker; ``start`` and ``close`` once, ``pause`` and ``resume`` any number of times.

    Args:
        devices: the handlers by kind of work of each device, the first with those of all other lanes.
        worker_id: called for the worker whose lease the jobs are under, which changes when a lease was lost.
        decode_threads: how many threads load images.
        read_s: how long reading one file may take, in seconds.
        max_retries: how often a job with a passing fault is tried again.
        batch_size: images a batch on a device; None is what each model asks for.
        local_path: turns the path of an image in the library into its path on this host.
        niceness: how far its threads step back, so that a screen in this process stays smooth.
    """

    def __init__(
        self,
        db: Database,
        devices: Sequence[dict[Kind, JobHandler]],
        worker_id: Callable[[], int],
        emit: Emit,
        throughput: Throughput,
        *,
        decode_threads: int,
        read_s: float = 60.0,
        max_retries: int = 3,
        batch_size: int | None = None,
        local_path: Callable[[str], str] = str,
        niceness: Niceness = AS_IT_IS,
    ) -> None:
        self._state = state = PipelineState(
            db,
            devices,
            worker_id,
            emit,
            throughput,
            decode_threads=decode_threads,
            batch_size=batch_size,
            local_path=local_path,
            niceness=niceness,
        )
        self._devices = devices
        self._away = AwayFolders(state)
        self._watch = ReadWatch(state, self._away)
        self._isolated = IsolatedLoader(2 * read_s)
        loader = Loader(state, self._away, self._watch, read_s)
        self._loaders = {
            **{f"dtk-load-{number}": loader.run for number in range(decode_threads)},
            "dtk-suspects": SuspectLoader(state, self._away, self._watch, read_s, self._isolated).run,
        }
        work = {
            "dtk-claim": Claimer(state, self._away, BulkIndexes(state, self._away)).run,
            "dtk-reads": self._watch.run,
            "dtk-away": self._away.run,
            **dict(self._inference()),
        }
        self._threads = [
            threading.Thread(target=lasting(run, name, emit, state.wait_stopping), name=name, daemon=True)
            for name, run in work.items()
        ]
        self._saver = threading.Thread(target=Saver(state, max_retries).run, name="dtk-save", daemon=True)

    def _inference(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield name and work of every thread that infers."""
        for lane in self._state.lanes:
            for number in range(lane.threads):
                handlers = self._devices[number if lane.on_devices else 0]
                yield f"dtk-{lane.name}-{number}", Inferrer(self._state, lane, handlers).run

    def start(self) -> None:
        """Start the threads, running."""
        self._state.resume()
        for thread in [*self._threads, self._saver]:
            thread.start()
        for name, run in self._loaders.items():
            self._watch.start_thread(run, name)

    def wake(self) -> None:
        """Look for work now: something was queued."""
        self._state.wake()

    def resume(self) -> None:
        """Claim again, after ``pause``."""
        self._state.resume()

    def pause(self, timeout_s: float = 60.0) -> None:
        """Finish the batches that are inferred, save them, and give everything else back to the queue."""
        self._state.pause()
        self._isolated.end()
        self._state.settle(timeout_s, _READ_S)

    def close(self) -> None:
        """Pause, end all threads, and unload the models."""
        state = self._state
        state.stop()
        state.pause()
        for handler in self._devices[0].values():
            handler.interrupt()
        self.pause()
        state.close_buffers()
        for thread in self._threads:
            thread.join()
        self._watch.join(_JOIN_S)
        self._isolated.end()
        state.to_save.put(None)
        self._saver.join()
        for handlers in self._devices:
            for handler in handlers.values():
                handler.close()
            handlers.clear()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of work that this pipeline can do."""
        return tuple(self._devices[0])

    @property
    def captioner(self) -> Captioner | None:
        """The captioner that jobs ask; None where there is none."""
        handler = self._devices[0].get(Kind.CAPTION) if self._devices else None
        return handler.captioner if isinstance(handler, CaptionHandler) else None

    @property
    def away(self) -> tuple[AwayFolder, ...]:
        """Folders that are away, whose jobs wait."""
        return self._away.folders

    @property
    def condition(self) -> str | None:
        """Why some kind of work is not done just now; None when nothing is in the way."""
        waits = [handler.condition for handler in self._devices[0].values()] if self._devices else []
        return next((words for words in waits if words), None) or self._state.rests.reason

    @property
    def lasting(self) -> tuple[Kind, ...]:
        """Kinds that are not done before a person does something."""
        return self._state.rests.lasting

    @property
    def idle(self) -> bool:
        """True when nothing that was claimed is unfinished."""
        return not self._state.in_flight

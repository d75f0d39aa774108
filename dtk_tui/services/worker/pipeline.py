"""Claim, load, infer, save: four stages with bounded buffers between them, so that a device never waits for a disk.

Loading runs on several threads, inference on one thread a device, saving on one thread that writes results and the end
of their jobs in one transaction. Prompts travel beside the images: each unique one is embedded once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from dtk_tui.domain.events import Emit
from dtk_tui.domain.job import Kind
from dtk_tui.services.worker.bulk_index import BulkIndexes
from dtk_tui.services.worker.claim import Claimer
from dtk_tui.services.worker.handlers import JobHandler
from dtk_tui.services.worker.infer import Device
from dtk_tui.services.worker.load import Loader, SuspectLoader
from dtk_tui.services.worker.sandbox import IsolatedLoader
from dtk_tui.services.worker.save import Saver
from dtk_tui.services.worker.state import Belt
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.store.database import Database


class Pipeline:
    """The stages of one worker; ``start`` and ``close`` once, ``pause`` and ``resume`` any number of times.

    Args:
        devices: the loaded models by kind of work, of each device.
        worker_id: called for the worker whose lease the jobs are under, which changes when a lease was lost.
        decode_threads: how many threads load images.
        max_retries: how often a job with a passing fault is tried again.
        local_path: turns the path of an image in the library into its path on this host.
        niceness: added to the scheduling priority of every thread, so that a screen in this process stays smooth.
    """

    def __init__(
        self,
        db: Database,
        devices: Sequence[dict[Kind, JobHandler]],
        worker_id: Callable[[], int],
        emit: Emit,
        progress: Throughput,
        *,
        decode_threads: int,
        max_retries: int = 3,
        batch_size: int | None = None,
        local_path: Callable[[str], str] = str,
        niceness: int = 0,
    ) -> None:
        belt = Belt(
            db,
            devices[0],
            worker_id,
            emit,
            progress,
            decode_threads=decode_threads,
            batch_size=batch_size,
            niceness=niceness,
        )
        self._belt = belt
        self._devices = devices
        self._trial = IsolatedLoader()
        work = {
            "dtk-claim": Claimer(belt, local_path, BulkIndexes(belt)).run,
            **{f"dtk-load-{number}": Loader(belt).run for number in range(decode_threads)},
            "dtk-suspects": SuspectLoader(belt, self._trial).run,
            **{f"dtk-infer-{n}": Device(belt, steps, len(devices)).run for n, steps in enumerate(devices)},
        }
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in work.items()]
        self._saver = threading.Thread(target=Saver(belt, max_retries).run, name="dtk-save", daemon=True)

    def start(self) -> None:
        """Start the threads, running."""
        self._belt.running.set()
        for thread in [*self._threads, self._saver]:
            thread.start()

    def news(self) -> None:
        """Look for work now: something was queued."""
        self._belt.urgent_news.set()
        self._belt.wake.set()

    def resume(self) -> None:
        """Claim again, after ``pause``."""
        self._belt.running.set()
        self._belt.wake.set()

    def pause(self, timeout_s: float = 60.0) -> None:
        """Finish the batch that a device works on, save it, and give everything else back to the queue."""
        belt = self._belt
        belt.running.clear()
        with belt.changed:
            belt.epoch += 1
            belt.texts.clear()
        belt.to_load.clear()
        belt.to_try.clear()
        belt.to_infer.clear()
        self._trial.end()
        with belt.changed:
            belt.changed.wait_for(lambda: belt.inferring == 0 and belt.loading == 0, timeout_s)
        belt.to_save.join()
        with belt.changed:
            belt.in_flight.clear()

    def close(self) -> None:
        """Pause, end all threads, and unload the models."""
        belt = self._belt
        belt.stop.set()  # a saver that waits for a lost database gives up; its jobs go to another worker
        belt.wake.set()
        self.pause()
        for buffer in (belt.to_load, belt.to_try, belt.to_infer):
            buffer.close()
        for thread in self._threads:
            thread.join()
        belt.to_save.put(None)
        self._saver.join()
        for steps in self._devices:
            for step in steps.values():
                step.close()
            steps.clear()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of work that this pipeline can do."""
        return tuple(self._devices[0])

    @property
    def idle(self) -> bool:
        """True when nothing that was claimed is unfinished."""
        return not self._belt.in_flight

"""The second stage: files become arrays, on several threads; suspects in a process of their own, one at a time."""

from __future__ import annotations

from collections.abc import Callable

from dtk_tui.services.worker.batch_result import BatchResult, is_permanent, reason_of
from dtk_tui.services.worker.handlers import Loaded
from dtk_tui.services.worker.sandbox import IsolatedLoader, LoadingCancelledError
from dtk_tui.services.worker.state import Belt, ToLoad


class Loader:
    """What a loading thread does."""

    def __init__(self, belt: Belt) -> None:
        self._belt = belt

    def run(self) -> None:
        """Load until the buffer is closed."""
        belt = self._belt
        belt.be_nice()
        while (item := belt.to_load.take()) is not None:
            self._handle(item, lambda item: belt.steps[item.job.kind].load(item.job))

    def _handle(self, item: ToLoad, load: Callable[[ToLoad], Loaded]) -> None:
        belt = self._belt
        with belt.changed:
            if item.epoch != belt.epoch:
                return  # claimed before a pause, given back since
            belt.loading += 1
        loaded: Loaded | None = None
        failure: BatchResult | None = None
        try:
            loaded = load(item)
        except LoadingCancelledError:
            pass  # a pause or a stop: the job is given back with the rest
        except Exception as error:
            failure = BatchResult(failed=[(item.job, reason_of(error), is_permanent(error))])
            belt.progress.count_unloaded(item.job.kind)
        with belt.changed:
            current = item.epoch == belt.epoch
        if current and loaded is not None:
            belt.to_infer.put(-item.job.priority, loaded)
        elif current and failure is not None:
            belt.to_save.put(failure)
        with belt.changed:
            belt.loading -= 1
            belt.changed.notify_all()
        belt.to_infer.nudge()


class SuspectLoader(Loader):
    """Loads what may have killed a worker in a process of its own: if that dies, it was the file."""

    def __init__(self, belt: Belt, trial: IsolatedLoader) -> None:
        super().__init__(belt)
        self._trial = trial

    def run(self) -> None:
        """Load suspects until the buffer is closed."""
        belt = self._belt
        belt.be_nice()
        while (item := belt.to_try.take()) is not None:
            self._handle(item, self._load)
        self._trial.end()

    def _load(self, item: ToLoad) -> Loaded:
        arrays = self._trial.load(item.job.path, self._belt.steps[item.job.kind].image_models)
        return Loaded(item.job, arrays, None if item.text is None else (item.text.prompt_id, item.text.text))

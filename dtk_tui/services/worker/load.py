"""The second stage: reads files on several threads; suspects in a process of their own, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dtk_tui.domain.looks import ImageLook
from dtk_tui.services.worker.batch_result import is_permanent, reason_of
from dtk_tui.services.worker.handlers.base import Loaded
from dtk_tui.services.worker.sandbox import IsolatedLoader, LoadingCancelledError
from dtk_tui.services.worker.state import PipelineState, ToLoad


class Loader:
    """Loads images; the work of one loading thread."""

    def __init__(self, state: PipelineState) -> None:
        self._state = state

    def run(self) -> None:
        """Load until the buffer is closed."""
        state = self._state
        state.lower_priority()
        while (item := state.to_load.take()) is not None:
            self._handle(item, self._load)

    def _load(self, item: ToLoad) -> Loaded:
        return self._state.handlers[item.job.kind].load(item.job)

    def _handle(self, item: ToLoad, load: Callable[[ToLoad], Loaded]) -> None:
        state = self._state
        with state.loading(item) as is_current:
            if not is_current:
                return
            try:
                loaded = load(item)
            except LoadingCancelledError:
                return  # a pause or a stop: the job is given back with the rest
            except Exception as error:
                state.put_unloaded(item, reason_of(error), is_permanent(error))
            else:
                state.put_loaded(item, loaded)


class SuspectLoader(Loader):
    """Loads what may have killed a worker in a process of its own: if that dies, it was the file."""

    def __init__(self, state: PipelineState, isolated: IsolatedLoader) -> None:
        super().__init__(state)
        self._isolated = isolated

    def run(self) -> None:
        """Load suspects until the buffer is closed."""
        state = self._state
        state.lower_priority()
        while (item := state.suspects.take()) is not None:
            self._handle(item, self._load_isolated)
        self._isolated.end()

    def _load_isolated(self, item: ToLoad) -> Loaded:
        models = self._state.handlers[item.job.kind].image_models
        if not models:
            return replace(self._load(item), prompt=item.prompt)
        arrays, look = self._isolated.load(item.job.path, models)
        return Loaded(item.job, arrays, item.prompt, (ImageLook(item.job.image_id, item.job.fingerprint, look),))

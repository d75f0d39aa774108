"""The second stage: reads files on several threads; suspects in a process of their own, one at a time."""

from __future__ import annotations

from dataclasses import replace

from dtk_tui.domain.looks import ImageLook
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.inference.preprocessing import Picture
from dtk_tui.services.worker.batch_result import Failure, failure_of
from dtk_tui.services.worker.files.away import AwayFolders
from dtk_tui.services.worker.files.reading import ReadWatch, require_same_file
from dtk_tui.services.worker.handlers.base import Loaded, PictureHandler
from dtk_tui.services.worker.priority import lower_thread_priority
from dtk_tui.services.worker.priority_buffer import PriorityBuffer
from dtk_tui.services.worker.sandbox import IsolatedLoader, LoadingCancelledError
from dtk_tui.services.worker.state import PipelineState, ToLoad

#: How many bounds of a read the reading of a suspect may take: its process, which ends it sooner, has to start.
_PATIENCE = 3


class Loader:
    """Loads images; the work of one loading thread.

    Args:
        watch: where each read is noted.
        read_s: how long reading one file may take, in seconds.
    """

    def __init__(self, state: PipelineState, away: AwayFolders, watch: ReadWatch, read_s: float) -> None:
        self._state = state
        self._away = away
        self._watch = watch
        self._read_s = read_s

    def run(self) -> None:
        """Load until the buffer is closed, or until another thread has taken over."""
        lower_thread_priority(self._state.niceness.others)
        while (item := self._source.take()) is not None:
            if self._state.begin_loading(item) and not self._handle(item):
                return

    @property
    def _source(self) -> PriorityBuffer[ToLoad]:
        return self._state.to_load

    def _load(self, item: ToLoad) -> list[Loaded | Failure]:
        """Return what is inferred of each job of a picture, which is decoded once, or why nothing is.

        Raises:
            Exception: the file cannot be read, for whatever kind of work.
        """
        handlers = self._state.handlers
        if len(item.jobs) == 1:
            return [handlers[item.job.kind].load(item.job)]
        picture = Picture.open(item.job.path)
        found: list[Loaded | Failure] = []
        for job in item.jobs:
            handler = handlers[job.kind]
            try:
                found.append(handler.take(job, picture) if isinstance(handler, PictureHandler) else handler.load(job))
            except Exception as error:  # of one kind alone: the others have what they need
                found.append(failure_of(job, error))
        return found

    def _handle(self, item: ToLoad) -> bool:
        """Load one image and hand it on; False when that took too long."""
        state = self._state
        read = self._watch.begin(item, self._read_s, self.run)
        outcome = self._outcome(item)
        if not self._watch.end(read):
            return False
        for one in outcome:
            if isinstance(one, Loaded):
                state.put_loaded(item, one)
            else:
                state.put_failed(item, one)
        if not outcome:
            state.put_returned(item)
        state.end_loading()
        return True

    def _outcome(self, item: ToLoad) -> list[Loaded | Failure]:
        """Return each loaded job of an image, or why there is none; empty when they are to wait."""
        if self._away.covers(item.job.path):
            return []
        try:
            loaded = self._load(item)
            require_same_file(item.job)
            return loaded
        except LoadingCancelledError:
            return []  # a pause or a stop: the job is given back with the rest
        except Exception as error:
            try:
                failure = self._watch.explain(item, error)
            except DatabaseLostError:
                return []  # stopping while the database is away
            except DtkError:
                failure = failure_of(item.job, error)
            return [] if failure is None else [failure._replace(job=job) for job in item.jobs]


class SuspectLoader(Loader):
    """Loads what may have killed a worker in a process of its own: if that dies, it was the file."""

    def __init__(
        self, state: PipelineState, away: AwayFolders, watch: ReadWatch, read_s: float, isolated: IsolatedLoader
    ) -> None:
        super().__init__(state, away, watch, _PATIENCE * read_s)
        self._isolated = isolated

    @property
    def _source(self) -> PriorityBuffer[ToLoad]:
        return self._state.suspects

    def _load(self, item: ToLoad) -> list[Loaded | Failure]:
        handler = self._state.handlers[item.job.kind]
        models = handler.image_models
        if not models:
            if handler.decodes:
                self._isolated.load(item.job.path, ())
            return [replace(handler.load(item.job), prompt=item.prompt)]
        arrays, look = self._isolated.load(item.job.path, models)
        return [Loaded(item.job, arrays, item.prompt, (ImageLook(item.job.image_id, item.job.fingerprint, look),))]

"""The third stage: batches of one kind, headed by the most urgent image, are inferred on the threads of a lane."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from dtk_tui.domain.job import Kind
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services.worker.batch_result import BatchResult, failure_of, is_memory, is_permanent, merge, reason_of
from dtk_tui.services.worker.batch_size import AdaptiveBatchSize
from dtk_tui.services.worker.handlers.base import JobHandler, KindPausedError, Loaded, Prompt, PromptHandler
from dtk_tui.services.worker.lane import LaneState
from dtk_tui.services.worker.priority import lower_thread_priority
from dtk_tui.services.worker.state import PipelineState
from dtk_tui.store.queue import jobs

_log = logging.getLogger(__name__)

#: How long an incomplete batch waits for company.
_PATIENCE_S = 0.1

_Work = Loaded | Prompt


class Inferrer:
    """Infers batches; the work of one thread of a lane.

    Args:
        handlers: those of this thread's device.
    """

    def __init__(self, state: PipelineState, lane: LaneState, handlers: Mapping[Kind, JobHandler]) -> None:
        self._state = state
        self._lane = lane
        self._handlers = handlers
        self._of_prompts = {kind: one for kind, one in handlers.items() if isinstance(one, PromptHandler)}
        self._sizes = AdaptiveBatchSize(lane.batch_sizes)
        self._span_from = 0.0

    def run(self) -> None:
        """Infer until the buffer is closed."""
        state = self._state
        lower_thread_priority(state.niceness.inference)
        while True:
            batch = self._lane.buffer.take_batch(self._size, _alike, _PATIENCE_S, lambda: state.more_is_loading)
            if batch is None:
                return
            if not batch:
                continue
            with state.inferring():
                done = self._infer(batch)
                if len(batch) > len(done.returned):
                    self._time(batch[0], len(batch) - len(done.returned))
                state.to_save.put(done)

    def _infer(self, batch: Sequence[_Work]) -> BatchResult:
        if prompts := [work for work in batch if isinstance(work, Prompt)]:
            return self._infer_prompts(prompts)
        images = [work for work in batch if isinstance(work, Loaded)]
        try:
            return self._infer_batch(images)
        except Exception as error:  # not of a model: what is lost with this thread would never end
            _log.error("an error outside of a model failed a batch", exc_info=error)
            return BatchResult(failed=[failure_of(item.job, error) for item in images])

    def _size(self, work: _Work) -> int:
        if isinstance(work, Prompt):
            return self._of_prompts[work.kind].prompt_batch_size
        return 1 if work.job.isolated else self._sizes.of(work.job.kind)

    def _time(self, first: _Work, number: int) -> None:
        """Count the time since the batch before to this one, waiting for files included."""
        now = time.monotonic()
        span_s = (now - max(self._span_from, self._lane.busy_since)) / self._lane.threads
        self._span_from = now
        if isinstance(first, Prompt):
            self._state.throughput.count_prompts(number, span_s)
        elif not first.job.isolated:
            self._state.throughput.count_span(first.job.kind, number, span_s)

    # -- prompts ----------------------------------------------------------------------------------------------------

    def _infer_prompts(self, prompts: Sequence[Prompt]) -> BatchResult:
        handler = self._of_prompts[prompts[0].kind]
        try:
            found = handler.infer_prompts(prompts)
        except Exception as error:
            if len(prompts) > 1:
                half = len(prompts) // 2
                return merge(handler, [self._infer_prompts(prompts[:half]), self._infer_prompts(prompts[half:])])
            self._state.note_failed_prompt(handler.kind, prompts[0].id, reason_of(error), is_permanent(error))
            return BatchResult()
        return BatchResult(handler, prompts=[(prompt.id, one) for prompt, one in zip(prompts, found, strict=True)])

    # -- images -----------------------------------------------------------------------------------------------------

    def _infer_batch(self, images: Sequence[Loaded]) -> BatchResult:
        first = images[0]
        if self._state.rests.left_s(first.job.kind):
            return BatchResult(returned=[item.job for item in images])
        if first.job.isolated and not self._begin(first):
            return BatchResult()
        done = self._infer_images(images)
        if first.prompt is not None:
            done.prompts = self._infer_prompts([first.prompt]).prompts
        return done

    def _begin(self, suspect: Loaded) -> bool:
        """Note in the database that this suspect is worked on; False when that is not possible any more."""
        state = self._state
        try:
            state.transaction(lambda conn: jobs.begin_suspect(conn, state.worker_id(), suspect.job.id))
        except DatabaseLostError:
            return False
        return True

    def _infer_images(self, images: Sequence[Loaded]) -> BatchResult:
        kind = images[0].job.kind
        handler, sizes = self._handlers[kind], self._sizes
        try:
            found = handler.infer(images)
        except KindPausedError as error:
            if not self._state.is_stopping:
                self._state.rests.begin(kind, error)
            return BatchResult(handler, returned=[item.job for item in images])
        except Exception as error:
            if is_memory(error):
                sizes.shrink(kind, len(images))
            if len(images) == 1:
                return BatchResult(handler, failed=[failure_of(images[0].job, error)])
            # One bad image must not fail its batch: halve it until the bad one stands alone.
            half = len(images) // 2
            return merge(handler, [self._infer_images(images[:half]), self._infer_images(images[half:])])
        sizes.grow(kind)
        self._state.rests.end(kind)
        rows = [(item.job, result) for item, result in zip(images, found, strict=True)]
        return BatchResult(handler, rows=rows, looks=[look for item in images for look in item.looks])


def _alike(first: _Work, second: _Work) -> bool:
    if isinstance(first, Prompt) or isinstance(second, Prompt):
        return isinstance(first, Prompt) and isinstance(second, Prompt) and first.kind == second.kind
    return first.job.kind == second.job.kind and not second.job.isolated

"""The third stage: batches of one kind, headed by the most urgent image, go through a device."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from dtk_tui.domain.job import Kind
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services.worker.batch_result import BatchResult, is_memory, is_permanent, merged_texts, reason_of
from dtk_tui.services.worker.batch_size import AdaptiveBatchSize
from dtk_tui.services.worker.handlers import EmbedHandler, JobHandler, Loaded
from dtk_tui.services.worker.state import Belt, Text
from dtk_tui.store.queue import jobs

_TEXT_BATCH = 64
#: How long an incomplete batch waits for company.
_PATIENCE_S = 0.1

_Work = Loaded | Text


class Device:
    """What the thread of one device does.

    Args:
        steps: the models on this device.
        devices: how many devices share the belt.
    """

    def __init__(self, belt: Belt, steps: Mapping[Kind, JobHandler], devices: int) -> None:
        self._belt = belt
        self._steps = steps
        self._sizes = AdaptiveBatchSize({kind: belt.sizes.of(kind) for kind in steps})
        self._devices = devices
        self._span_from = 0.0

    def run(self) -> None:
        """Infer until the buffer is closed."""
        belt = self._belt
        belt.be_nice()
        while True:
            batch = belt.to_infer.take_batch(self._size, _alike, _PATIENCE_S, self._more)
            if batch is None:
                return
            if not batch:
                continue
            with belt.changed:
                belt.inferring += 1
            texts = [work for work in batch if isinstance(work, Text)]
            images = [work for work in batch if isinstance(work, Loaded)]
            done = self._infer_texts(texts) if texts else self._infer_batch(images)
            self._time(batch[0], len(batch))
            belt.to_save.put(done)
            with belt.changed:
                belt.inferring -= 1
                belt.changed.notify_all()

    def _size(self, work: _Work) -> int:
        if isinstance(work, Text):
            return _TEXT_BATCH
        return 1 if work.job.isolated else self._sizes.of(work.job.kind)

    def _more(self) -> bool:
        return self._belt.loading > 0 or len(self._belt.to_load) > 0

    def _time(self, first: _Work, number: int) -> None:
        """Count the time since the batch before to this one, waiting for files included."""
        now = time.monotonic()
        span_s = (now - max(self._span_from, self._belt.busy_since)) / self._devices
        self._span_from = now
        if isinstance(first, Text):
            self._belt.progress.count_prompts(number, span_s)
        elif not first.job.isolated:
            self._belt.progress.count_span(first.job.kind, number, span_s)

    # -- texts ------------------------------------------------------------------------------------------------------

    def _infer_texts(self, texts: Sequence[Text]) -> BatchResult:
        embed = self._steps[Kind.EMBED]
        if not isinstance(embed, EmbedHandler):
            raise TypeError("the step of the kind embed makes text vectors too")
        try:
            vectors = embed.embed_texts([text.text for text in texts])
        except Exception as error:
            if len(texts) > 1:
                halves = [self._infer_texts(texts[: len(texts) // 2]), self._infer_texts(texts[len(texts) // 2 :])]
                return merged_texts(embed, halves)
            self._belt.bad_texts[texts[0].prompt_id] = (reason_of(error), is_permanent(error))
            return BatchResult()
        return BatchResult(step=embed, texts=([text.prompt_id for text in texts], vectors))

    # -- images -----------------------------------------------------------------------------------------------------

    def _infer_batch(self, images: Sequence[Loaded]) -> BatchResult:
        first = images[0]
        if first.job.isolated and not self._begin(first):
            return BatchResult()
        done = self._infer_images(images)
        if first.text is not None:
            done.texts = self._infer_texts([Text(*first.text)]).texts
        self._belt.steps[first.job.kind].recycle(images)
        return done

    def _begin(self, suspect: Loaded) -> bool:
        """Note in the database that this suspect is worked on; False when that is not possible any more."""
        belt = self._belt

        def transaction() -> None:
            with belt.db.connection() as conn:
                jobs.begin_suspect(conn, belt.worker_id(), suspect.job.id)

        try:
            belt.persist(transaction)
        except DatabaseLostError:
            return False
        return True

    def _infer_images(self, images: Sequence[Loaded]) -> BatchResult:
        kind = images[0].job.kind
        step, sizes = self._steps[kind], self._sizes
        try:
            found = step.infer(images)
        except Exception as error:
            if is_memory(error):
                sizes.shrink(kind, len(images))
            if len(images) == 1:
                return BatchResult(failed=[(images[0].job, reason_of(error), is_permanent(error))])
            # One bad image must not fail its batch: halve it until the bad one stands alone.
            one = self._infer_images(images[: len(images) // 2])
            two = self._infer_images(images[len(images) // 2 :])
            return BatchResult(step=step, rows=one.rows + two.rows, failed=one.failed + two.failed)
        sizes.grow(kind)
        return BatchResult(step=step, rows=[(item.job, result) for item, result in zip(images, found, strict=True)])


def _alike(first: _Work, second: _Work) -> bool:
    if isinstance(first, Text) or isinstance(second, Text):
        return isinstance(first, Text) and isinstance(second, Text)
    return first.job.kind == second.job.kind and not second.job.isolated

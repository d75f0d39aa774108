"""Claim, load, infer, save: four stages with bounded buffers between them, so that a device never waits for a disk.

Loading runs on several threads, inference on one thread a device, saving on one thread that writes results and the end
of their jobs in one transaction. Prompts travel beside the images: each unique one is embedded once.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dtk_tui.domain.events import Emit, Event, JobsFinished
from dtk_tui.domain.job import NORMAL, ClaimedJob, Kind
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.buffers import UrgencyBuffer
from dtk_tui.services.outcomes import (
    Outcome,
    is_memory,
    is_permanent,
    merged_texts,
    reason_of,
    save_failures,
    save_rows,
    save_texts,
)
from dtk_tui.services.patience import persist
from dtk_tui.services.progress import Progress
from dtk_tui.services.steps import PROMPT_CHARACTERS, EmbedStep, Loaded, Step
from dtk_tui.store import jobs, results
from dtk_tui.store.database import Database

_TEXT_BATCH = 64
_SAVE_AT_ONCE = 256
_PATIENCE_S = 0.1
_IDLE_S = 1.0


@dataclass(frozen=True, slots=True)
class _Text:
    """A prompt on its way to the text embedder."""

    prompt_id: int
    text: str


_Work = Loaded | _Text


class Pipeline:
    """The stages of one worker; ``start`` and ``close`` once, ``pause`` and ``resume`` any number of times.

    Args:
        steps: the loaded models by kind of work.
        worker_id: called for the worker whose lease the jobs are under, which changes when a lease was lost.
        decode_threads: how many threads load images.
        max_retries: how often a job with a passing fault is tried again.
        niceness: added to the scheduling priority of every thread, so that a screen in this process stays smooth.
    """

    def __init__(
        self,
        db: Database,
        steps: dict[Kind, Step],
        worker_id: Callable[[], int],
        emit: Emit,
        progress: Progress,
        *,
        decode_threads: int,
        max_retries: int = 3,
        batch_size: int | None = None,
        niceness: int = 0,
    ) -> None:
        self._db = db
        self._steps = steps
        self._worker_id = worker_id
        self._emit = emit
        self._progress = progress
        self._max_retries = max_retries
        self._niceness = niceness
        self._batch = {kind: batch_size or step.batch_size for kind, step in steps.items()}
        largest = max(self._batch.values())
        self._depth = max(4 * largest, 2 * decode_threads, 32)
        self._to_load: UrgencyBuffer[tuple[int, ClaimedJob]] = UrgencyBuffer(1 << 30)
        self._to_infer: UrgencyBuffer[_Work] = UrgencyBuffer(2 * largest + decode_threads)
        self._to_save: queue.Queue[Outcome | None] = queue.Queue(16)
        self._stop = threading.Event()
        self._running = threading.Event()
        self._wake = threading.Event()
        self._urgent_news = threading.Event()
        self._count_lock = threading.Condition()
        self._in_flight: set[int] = set()
        self._was_lost = threading.Event()
        self._loading = 0
        self._epoch = 0
        self._busy_with = 0
        self._texts_under_way: set[int] = set()
        self._bad_texts: dict[int, str] = {}
        self._threads = [threading.Thread(target=self._claim_all, name="dtk-claim", daemon=True)]
        self._threads += [
            threading.Thread(target=self._load_all, name=f"dtk-load-{i}", daemon=True) for i in range(decode_threads)
        ]
        self._threads.append(threading.Thread(target=self._infer_all, name="dtk-infer", daemon=True))
        self._saver = threading.Thread(target=self._save_all, name="dtk-save", daemon=True)

    # -- control ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads, running."""
        self._running.set()
        for thread in [*self._threads, self._saver]:
            thread.start()

    def news(self) -> None:
        """Look for work now: something was queued."""
        self._urgent_news.set()
        self._wake.set()

    def resume(self) -> None:
        """Claim again, after ``pause``."""
        self._running.set()
        self._wake.set()

    def pause(self, timeout_s: float = 60.0) -> None:
        """Finish the batch that a device works on, save it, and give everything else back to the queue."""
        self._running.clear()
        with self._count_lock:
            self._epoch += 1
            self._texts_under_way.clear()
        self._to_load.clear()
        self._to_infer.clear()
        with self._count_lock:
            self._count_lock.wait_for(lambda: self._busy_with == 0 and self._loading == 0, timeout_s)
        self._to_save.join()
        with self._count_lock:
            self._in_flight.clear()

    def close(self) -> None:
        """Pause, end all threads, and unload the models."""
        self._stop.set()  # a saver that waits for a lost database gives up; its jobs go to another worker
        self._wake.set()
        self.pause()
        self._to_load.close()
        self._to_infer.close()
        for thread in self._threads:
            thread.join()
        self._to_save.put(None)
        self._saver.join()
        for step in self._steps.values():
            step.close()
        self._steps.clear()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of work that this pipeline can do."""
        return tuple(self._steps)

    @property
    def idle(self) -> bool:
        """True when nothing that was claimed is unfinished."""
        return not self._in_flight

    # -- claim ------------------------------------------------------------------------------------------------------

    def _claim_all(self) -> None:
        be_nice(self._niceness)
        place = jobs.FIRST
        while not self._stop.is_set():
            if not self._running.is_set():
                place = jobs.FIRST
                self._wake.wait(_IDLE_S)
                self._wake.clear()
                continue
            if self._was_lost.is_set():
                self._was_lost.clear()
                self._give_back_strays()
            if self._urgent_news.is_set():
                self._urgent_news.clear()
                place = jobs.FIRST
                self._claim(jobs.FIRST, max(self._batch.values()), least=NORMAL + 1)
            room = self._depth - len(self._in_flight)
            if room < max(1, self._depth // 4):
                self._wake.wait(_PATIENCE_S)
                self._wake.clear()
                continue
            found, place = self._claim(place, room)
            if not found:
                if place == jobs.FIRST and not self._give_back_strays():
                    self._wake.wait(_IDLE_S)
                    self._wake.clear()
                place = jobs.FIRST

    def _note_loss(self, event: Event) -> None:
        self._was_lost.set()
        self._emit(event)

    def _give_back_strays(self) -> int:
        """Give back jobs under our lease that are not with us: a crash of PostgreSQL forgot how they ended."""

        def transaction() -> int:
            with self._db.connection() as conn:
                return jobs.release(conn, self._worker_id(), keep=self._in_flight.copy())

        try:
            return persist(transaction, self._stop, self._note_loss)
        except DatabaseLostError:
            return 0

    def _claim(self, place: jobs.Place, count: int, least: int = -32768) -> tuple[int, jobs.Place]:
        """Claim jobs, with the prompts that lack a vector, and hand them to the loaders."""
        epoch = self._epoch
        embed = self._steps.get(Kind.EMBED)

        def transaction() -> tuple[list[ClaimedJob], jobs.Place, dict[int, str]]:
            with self._db.connection() as conn:
                claimed, after = jobs.claim(conn, self._worker_id(), self.kinds, count, after=place, least=least)
                prompts = {job.prompt_id for job in claimed if job.kind == Kind.EMBED and job.prompt_id is not None}
                texts: dict[int, str] = {}
                if prompts and isinstance(embed, EmbedStep):
                    texts = results.missing_prompts(conn, embed.text_space, sorted(prompts), PROMPT_CHARACTERS)
                return claimed, after, texts

        try:
            claimed, after, texts = persist(transaction, self._stop, self._note_loss)
        except DatabaseLostError:
            return 0, place
        with self._count_lock:
            if epoch != self._epoch or not self._running.is_set():
                return 0, jobs.FIRST  # paused meanwhile: what was just claimed is given back with the rest
            self._in_flight.update(job.id for job in claimed)
            # An urgent image may overtake a prompt that is under way: its prompt goes with it, a second time at worst.
            new_texts = [n for n in texts if least > NORMAL or n not in self._texts_under_way]
            self._texts_under_way.update(new_texts)
        for number in new_texts:
            self._to_infer.put(-_urgency(claimed), _Text(number, texts[number]))
        for job in claimed:
            self._to_load.put(-job.priority, (epoch, job))
        with_prompt = sum(1 for job in claimed if job.kind == Kind.EMBED and job.prompt_id is not None)
        self._progress.count_cache(hits=max(0, with_prompt - len(new_texts)), misses=len(new_texts))
        return len(claimed), after

    # -- load -------------------------------------------------------------------------------------------------------

    def _load_all(self) -> None:
        be_nice(self._niceness)
        while True:
            taken = self._to_load.take()
            if taken is None:
                return
            epoch, job = taken
            with self._count_lock:
                if epoch != self._epoch:
                    continue  # claimed before a pause, given back since
                self._loading += 1
            loaded: Loaded | None = None
            done: Outcome | None = None
            try:
                loaded = self._steps[job.kind].load(job)
            except Exception as error:
                done = Outcome(failed=[(job, reason_of(error), is_permanent(error))])
            with self._count_lock:
                current = epoch == self._epoch
            if current and loaded is not None:
                self._to_infer.put(-job.priority, loaded)
            elif current and done is not None:
                self._to_save.put(done)
            with self._count_lock:
                self._loading -= 1
                self._count_lock.notify_all()
            self._to_infer.nudge()

    # -- infer ------------------------------------------------------------------------------------------------------

    def _size(self, work: _Work) -> int:
        if isinstance(work, _Text):
            return _TEXT_BATCH
        return 1 if work.job.isolated else self._batch[work.job.kind]

    @staticmethod
    def _alike(first: _Work, second: _Work) -> bool:
        if isinstance(first, _Text) or isinstance(second, _Text):
            return isinstance(first, _Text) and isinstance(second, _Text)
        return first.job.kind == second.job.kind and not second.job.isolated

    def _more(self) -> bool:
        return self._loading > 0 or len(self._to_load) > 0

    def _infer_all(self) -> None:
        be_nice(self._niceness)
        while True:
            batch = self._to_infer.take_batch(self._size, self._alike, _PATIENCE_S, self._more)
            if batch is None:
                return
            if not batch:
                continue
            with self._count_lock:
                self._busy_with = len(batch)
            done = self._infer_texts(batch) if isinstance(batch[0], _Text) else self._infer_images(batch)
            self._to_save.put(done)
            with self._count_lock:
                self._busy_with = 0
                self._count_lock.notify_all()

    def _infer_texts(self, batch: Sequence[_Work]) -> Outcome:
        texts = [work for work in batch if isinstance(work, _Text)]
        embed = self._steps[Kind.EMBED]
        if not isinstance(embed, EmbedStep):
            raise TypeError("the step of the kind embed makes text vectors too")
        try:
            vectors = embed.embed_texts([text.text for text in texts])
        except Exception as error:
            if len(texts) > 1:
                halves = [self._infer_texts(texts[: len(texts) // 2]), self._infer_texts(texts[len(texts) // 2 :])]
                return merged_texts(embed, halves)
            self._bad_texts[texts[0].prompt_id] = reason_of(error)
            return Outcome()
        return Outcome(step=embed, texts=([text.prompt_id for text in texts], vectors))

    def _infer_images(self, batch: Sequence[_Work]) -> Outcome:
        loaded = [work for work in batch if isinstance(work, Loaded)]
        step = self._steps[loaded[0].job.kind]
        try:
            found = step.infer(loaded)
        except Exception as error:
            if len(loaded) == 1:
                return Outcome(failed=[(loaded[0].job, reason_of(error), is_permanent(error))])
            if is_memory(error):
                self._batch[step.kind] = max(1, min(self._batch[step.kind], len(loaded)) // 2)
            # One bad image must not fail its batch: halve it until the bad one stands alone.
            first = self._infer_images(loaded[: len(loaded) // 2])
            second = self._infer_images(loaded[len(loaded) // 2 :])
            return Outcome(step=step, rows=first.rows + second.rows, failed=first.failed + second.failed)
        return Outcome(step=step, rows=[(item.job, result) for item, result in zip(loaded, found, strict=True)])

    # -- save -------------------------------------------------------------------------------------------------------

    def _save_all(self) -> None:
        be_nice(self._niceness)
        while True:
            done = self._to_save.get()
            if done is None:
                self._to_save.task_done()
                return
            batch, size, last = [done], len(done.rows), False
            while size < _SAVE_AT_ONCE:
                try:
                    more = self._to_save.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                    break
                batch.append(more)
                size += len(more.rows)
            self._save(batch)
            for _ in range(len(batch) + last):
                self._to_save.task_done()
            if last:
                return

    def _save(self, batch: list[Outcome]) -> None:
        """Write a batch; where PostgreSQL refuses it, one by one, so that a bad result fails alone."""
        try:
            self._write(batch)
        except DatabaseLostError:
            return  # stopping while the database is away: the lease ends, another worker does it
        except DtkError as error:
            if len(batch) == 1 and len(batch[0].rows) <= 1:
                for number in batch[0].texts[0] if batch[0].texts else ():
                    self._bad_texts[number] = reason_of(error)
                failed = [(job, reason_of(error), True) for job, _ in batch[0].rows]
                if failed:
                    self._save([Outcome(failed=failed)])
                return
            for done in batch:
                if done.texts or done.failed:
                    self._save([Outcome(step=done.step, texts=done.texts, failed=done.failed)])
                for row in done.rows:
                    self._save([Outcome(step=done.step, rows=[row])])

    def _write(self, batch: list[Outcome]) -> None:
        rows = [(done.step, job, result) for done in batch for job, result in done.rows if done.step]
        bad_prompt = [job for _, job, _ in rows if job.kind == Kind.EMBED and job.prompt_id in self._bad_texts]
        failed = [item for done in batch for item in done.failed]
        failed += [(job, self._bad_texts[job.prompt_id], True) for job in bad_prompt if job.prompt_id is not None]
        good = [row for row in rows if row[1] not in bad_prompt]

        def transaction() -> tuple[list[ClaimedJob], int]:
            with self._db.connection() as conn:
                conn.execute("SET LOCAL synchronous_commit = off")  # a job whose end a crash forgets is done again
                save_texts(conn, batch)
                done = save_rows(conn, self._worker_id(), good)
                return done, save_failures(conn, self._worker_id(), failed, self._max_retries)

        done, gone_bad = persist(transaction, self._stop, self._note_loss)
        for item in batch:
            if item.texts:
                self._texts_under_way.difference_update(item.texts[0])
        with self._count_lock:
            self._in_flight.difference_update(job.id for _, job, _ in good)
            self._in_flight.difference_update(job.id for job, _, _ in failed)
            self._count_lock.notify_all()
        self._wake.set()
        self._progress.count_jobs([job.kind for job in done], gone_bad)
        if done or gone_bad:
            self._emit(JobsFinished(len(done), gone_bad, tuple(job.image_id for job in done)))


def _urgency(claimed: Sequence[ClaimedJob]) -> int:
    """Return the priority at which the prompts of some jobs are embedded: that of the most urgent one."""
    return max((job.priority for job in claimed), default=NORMAL)


def be_nice(niceness: int) -> None:
    """Lower the scheduling priority of the calling thread; 0 leaves it as it is."""
    if niceness and hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)

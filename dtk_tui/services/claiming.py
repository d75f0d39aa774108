"""The first stage: jobs come out of the queue in order, and the prompts that lack a vector with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from dtk_tui.domain.job import NORMAL, ClaimedJob, Kind
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.belt import Belt, Text, ToLoad
from dtk_tui.services.bulk import BulkIndexes
from dtk_tui.services.steps import PROMPT_CHARACTERS, EmbedStep
from dtk_tui.store import jobs, results
from dtk_tui.store.database import Connection

_PATIENCE_S = 0.1
_IDLE_S = 1.0
#: Batches of a kind whose speed is not known that go first, so that the time expected is known early.
_SAMPLE = 4


class Claimer:
    """Keeps as much claimed as the stages behind it need, and no more.

    Args:
        local_path: turns the path of an image in the library into its path on this host.
    """

    def __init__(self, belt: Belt, local_path: Callable[[str], str], bulk: BulkIndexes) -> None:
        self._belt = belt
        self._local_path = local_path
        self._bulk = bulk
        self._place = jobs.FIRST

    def run(self) -> None:
        """Claim until the belt stops."""
        belt = self._belt
        belt.be_nice()
        fresh = True
        while not belt.stop.is_set():
            if not belt.running.is_set():
                self._place = jobs.FIRST
                fresh = True
                self._sleep(_IDLE_S)
                continue
            if belt.was_lost.is_set():
                belt.was_lost.clear()
                self._give_back_strays()
            if belt.urgent_news.is_set():
                belt.urgent_news.clear()
                self._place = jobs.FIRST
                self._claim(jobs.FIRST, belt.sizes.largest, least=NORMAL + 1)
            room = belt.depth - len(belt.in_flight)
            if room < max(1, belt.depth // 4):
                self._sleep(_PATIENCE_S)
                continue
            found, place = self._claim(self._place, room)
            if found and fresh:
                fresh = False
                self._look_ahead()
            if not found and self._place == jobs.FIRST:
                self._rest()
            self._place = place if found else jobs.FIRST
        self._bulk.finish()

    def _sleep(self, seconds: float) -> None:
        self._belt.wake.wait(seconds)
        self._belt.wake.clear()

    def _rest(self) -> None:
        """Nothing is left to claim: use the time."""
        if self._give_back_strays():
            return
        if not self._belt.in_flight:
            self._bulk.finish()
        self._sleep(_IDLE_S)

    def _look_ahead(self) -> None:
        """Let the first jobs of a kind that was never timed go along, and prepare for a bulk run."""
        belt = self._belt

        def pending() -> dict[str, int]:
            with belt.db.connection() as conn:
                return jobs.counts(conn).by_kind

        try:
            by_kind = belt.persist(pending)
        except DatabaseLostError:
            return
        self._bulk.prepare(by_kind.get(Kind.EMBED.label, 0))
        pace = belt.progress.pace()
        for kind in belt.steps:
            sample = _SAMPLE * belt.sizes.of(kind)
            if kind.label not in pace and by_kind.get(kind.label, 0) > 10 * sample and len(belt.steps) > 1:
                self._claim(jobs.FIRST, sample, kinds=(kind,))

    def _give_back_strays(self) -> int:
        """Give back jobs under our lease that are not with us: a crash of PostgreSQL forgot how they ended."""
        belt = self._belt

        def transaction() -> int:
            with belt.db.connection() as conn:
                return jobs.release(conn, belt.worker_id(), keep=belt.in_flight.copy())

        try:
            return belt.persist(transaction)
        except DatabaseLostError:
            return 0

    def _claim(
        self, place: jobs.Place, count: int, *, least: int = -32768, kinds: Sequence[Kind] = ()
    ) -> tuple[int, jobs.Place]:
        """Claim jobs and hand them to the loaders; return how many, and where that ended."""
        belt = self._belt
        epoch = belt.epoch

        def transaction() -> tuple[list[ClaimedJob], jobs.Place, dict[int, str]]:
            with belt.db.connection() as conn:
                wanted = kinds or tuple(belt.steps)
                claimed, after = jobs.claim(conn, belt.worker_id(), wanted, count, after=place, least=least)
                return claimed, after, self._missing_prompts(conn, claimed)

        try:
            claimed, after, texts = belt.persist(transaction)
        except DatabaseLostError:
            return 0, place
        except DtkError as error:
            belt.emit_trouble(error)
            return 0, place
        self._hand_over(claimed, texts, epoch, urgent=least > NORMAL)
        return len(claimed), after

    def _missing_prompts(self, conn: Connection, claimed: Sequence[ClaimedJob]) -> dict[int, str]:
        embed = self._belt.steps.get(Kind.EMBED)
        prompts = {job.prompt_id for job in claimed if job.kind == Kind.EMBED and job.prompt_id is not None}
        if not prompts or not isinstance(embed, EmbedStep):
            return {}
        return results.missing_prompts(conn, embed.text_space, sorted(prompts), PROMPT_CHARACTERS)

    def _hand_over(self, claimed: Sequence[ClaimedJob], texts: dict[int, str], epoch: int, *, urgent: bool) -> None:
        belt = self._belt
        calm = {job.prompt_id for job in claimed if job.kind == Kind.EMBED and not job.isolated}
        with belt.changed:
            if epoch != belt.epoch or not belt.running.is_set():
                return  # paused meanwhile: what was just claimed is given back with the rest
            if not belt.in_flight:
                belt.busy_since = time.monotonic()
            belt.in_flight.update(job.id for job in claimed)
            # An urgent image may overtake a prompt that is under way: its prompt goes with it, a second time at worst.
            new_texts = [n for n in texts if n in calm and (urgent or n not in belt.texts)]
            belt.texts.update(new_texts)
            for number in texts:
                belt.bad_texts.pop(number, None)
        rank = -max((job.priority for job in claimed), default=NORMAL)
        for number in new_texts:
            belt.to_infer.put(rank, Text(number, texts[number]))
        for job in claimed:
            here = replace(job, path=self._local_path(job.path))
            text = texts.get(job.prompt_id) if job.prompt_id is not None and job.isolated else None
            along = None if text is None or job.prompt_id is None else Text(job.prompt_id, text)
            (belt.to_try if job.isolated else belt.to_load).put(-job.priority, ToLoad(epoch, here, along))
        with_prompt = sum(1 for job in claimed if job.kind == Kind.EMBED and job.prompt_id is not None)
        belt.progress.count_cache(hits=max(0, with_prompt - len(new_texts)), misses=len(new_texts))

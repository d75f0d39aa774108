"""The first stage: jobs come out of the queue in order, and the prompts that lack a vector with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from dtk_tui.domain.job import NORMAL, ClaimedJob, Kind
from dtk_tui.domain.stats import QueueCounts
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.worker.bulk_index import BulkIndexes
from dtk_tui.services.worker.handlers import PROMPT_CHARACTERS, EmbedHandler
from dtk_tui.services.worker.scheduler import KindScheduler
from dtk_tui.services.worker.state import Belt, Text, ToLoad
from dtk_tui.store.database import Connection
from dtk_tui.store.queue import jobs, results

_PATIENCE_S = 0.1
_IDLE_S = 1.0


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
        self._turns = KindScheduler(tuple(belt.steps), belt.sizes.of, belt.progress.timed_s)
        self._turn_place = jobs.FIRST

    def run(self) -> None:
        """Claim until the belt stops."""
        belt = self._belt
        belt.be_nice()
        self._turns.forget()
        while not belt.stop.is_set():
            if not belt.running.is_set():
                self._place = jobs.FIRST
                self._turns.forget()
                self._sleep(_IDLE_S)
                continue
            if belt.was_lost.is_set():
                belt.was_lost.clear()
                self._give_back_strays()
            if belt.urgent_news.is_set():
                belt.urgent_news.clear()
                self._place = jobs.FIRST
                if self._claim(jobs.FIRST, belt.sizes.largest, least=NORMAL + 1)[0]:
                    self._turns.plan({})  # what is urgent waits for nobody's turn
            kinds = self._turns.kinds(idle=not belt.in_flight)
            if not kinds:
                self._sleep(_PATIENCE_S)
            elif self._turns.turn is None:
                self._claim_in_order()
            else:
                self._claim_in_turn(self._turns.turn)
        self._bulk.finish()

    def _claim_in_order(self) -> None:
        """Claim what comes next; rest when nothing does."""
        room = self._room(self._belt.depth)
        if not room:
            return
        found, place = self._claim(self._place, room)
        if found and self._turns.is_due:
            self._look_ahead()
        if not found and self._place == jobs.FIRST:
            self._rest()
        self._place = place if found else jobs.FIRST

    def _claim_in_turn(self, kind: Kind) -> None:
        """Claim jobs of one kind that nobody hurries."""
        room = self._room(self._belt.depth_of(kind))
        if not room:
            return
        start = jobs.before(kind) if self._turn_place.kind != kind else self._turn_place
        found, place = self._claim(start, room, kinds=(kind,))
        self._turn_place = place if found else jobs.FIRST
        if not found:
            self._turns.end()

    def _room(self, depth: int) -> int:
        """Return how many jobs may be claimed; waits a moment and returns 0 when it is not worth it yet."""
        room = depth - len(self._belt.in_flight)
        if room >= max(1, depth // 4):
            return room
        self._sleep(_PATIENCE_S)
        return 0

    def _sleep(self, seconds: float) -> None:
        self._belt.wake.wait(seconds)
        self._belt.wake.clear()

    def _rest(self) -> None:
        """Nothing is left to claim: use the time."""
        if self._give_back_strays():
            return
        if not self._belt.in_flight:
            self._bulk.finish()
            self._turns.forget()
        self._sleep(_IDLE_S)

    def _look_ahead(self) -> None:
        """Let each kind show how fast it goes, and prepare for a bulk run."""
        belt = self._belt

        def pending() -> QueueCounts:
            with belt.db.connection() as conn:
                return jobs.counts(conn)

        try:
            counts = belt.persist(pending)
        except DatabaseLostError:
            return
        self._bulk.prepare(counts.by_kind.get(Kind.EMBED.label, 0))
        self._turns.plan({} if counts.priority else counts.by_kind)

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
            belt.report(error)
            return 0, place
        self._hand_over(claimed, texts, epoch, urgent=least > NORMAL)
        return len(claimed), after

    def _missing_prompts(self, conn: Connection, claimed: Sequence[ClaimedJob]) -> dict[int, str]:
        embed = self._belt.steps.get(Kind.EMBED)
        prompts = {job.prompt_id for job in claimed if job.kind == Kind.EMBED and job.prompt_id is not None}
        if not prompts or not isinstance(embed, EmbedHandler):
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

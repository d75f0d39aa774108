"""The first stage: claims jobs in the order of the queue, and with them the prompts that have no result yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from dtk_tui.domain.job import NORMAL, ClaimedJob, Kind
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.worker.bulk_index import BulkIndexes
from dtk_tui.services.worker.files.away import AwayFolders
from dtk_tui.services.worker.handlers.base import PictureHandler, Prompt, PromptHandler
from dtk_tui.services.worker.lane import LaneState
from dtk_tui.services.worker.priority import lower_thread_priority
from dtk_tui.services.worker.scheduler import KindScheduler
from dtk_tui.services.worker.state import PipelineState, PromptKey
from dtk_tui.store.database import Connection
from dtk_tui.store.library import looks
from dtk_tui.store.queue import beside, claims, jobs, totals, workers

_PATIENCE_S = 0.1
_IDLE_S = 1.0
#: Walking over what waits for a folder that is away, or for its tags, takes at most one part in so many of the time.
_THRIFT = 10


class _LaneCursor:
    """Where the claims for one lane are in the queue, and which kind of work has its turn there.

    Attributes:
        found: whether anything was claimed since the walk began at the first job.
        passed_s: how long claims took since then that found nothing, as all that waits has to wait.
        not_before: when the next walk may begin (monotonic seconds).
    """

    def __init__(self, lane: LaneState, timed_s: Callable[[Kind], float]) -> None:
        self.lane = lane
        self.scheduler = KindScheduler(lane.kinds, lane.batch_sizes.__getitem__, timed_s)
        self.place = claims.FIRST
        self.turn_place = claims.FIRST
        self.found = False
        self.passed_s = 0.0
        self.not_before = 0.0

    @property
    def room(self) -> int:
        """How many jobs may be claimed now; 0 when it is not worth it yet."""
        turn = self.scheduler.turn
        room = self.lane.depth(turn) - len(self.lane.in_flight)
        return room if room >= self.lane.least_claim(turn) else 0

    def restart(self) -> None:
        """Begin again at the first job."""
        self.place = claims.FIRST
        self.not_before = 0.0
        self.scheduler.forget()

    def rest(self) -> float:
        """Begin no walk for a while; return for how long there is nothing to claim, in seconds."""
        wait_s = _THRIFT * self.passed_s
        self.not_before = time.monotonic() + wait_s
        return max(_IDLE_S, wait_s)


class Claimer:
    """Keeps as much claimed as the stages behind it need, and no more; each lane for itself."""

    def __init__(self, state: PipelineState, away: AwayFolders, bulk: BulkIndexes) -> None:
        self._state = state
        self._away = away
        self._bulk = bulk
        self._claim_s = 0.0
        self._cursors = [_LaneCursor(lane, state.throughput.timed_s) for lane in state.lanes]

    def run(self) -> None:
        """Claim until the pipeline stops."""
        state = self._state
        lower_thread_priority(state.niceness.others)
        state.compare_looks()  # what a worker that died has saved and not compared
        while not state.is_stopping:
            if not state.is_running:
                for cursor in self._cursors:
                    cursor.restart()
                state.sleep(_IDLE_S)
                continue
            if state.take_loss():
                self._give_back_strays()
            if state.take_new_work():
                self._claim_urgent()
            pause_s = min([self._claim_for(cursor) for cursor in self._cursors])
            if pause_s:
                state.sleep(pause_s)
        self._bulk.finish()

    def _claim_urgent(self) -> None:
        """Claim what has priority, whether there is room or not."""
        for cursor in self._cursors:
            kinds = self._awake(cursor.lane.kinds)
            found, _ = self._claim(claims.FIRST, cursor.lane.largest, kinds, least=NORMAL + 1) if kinds else (0, None)
            cursor.place = claims.FIRST
            cursor.not_before = 0.0
            if found:
                for other in self._cursors:
                    other.scheduler.plan({})  # what is urgent waits for nobody's turn

    def _claim_for(self, cursor: _LaneCursor) -> float:
        """Claim for one lane; return how long there is nothing to claim for it, in seconds."""
        scheduler = cursor.scheduler
        if not self._awake(cursor.lane.kinds):
            return _PATIENCE_S
        if scheduler.turn is not None and not self._awake((scheduler.turn,)):
            scheduler.end()
        if not scheduler.kinds(idle=cursor.lane.is_idle) or not (room := cursor.room):
            return _PATIENCE_S
        if (wait_s := cursor.not_before - time.monotonic()) > 0:
            return wait_s
        if scheduler.turn is None:
            return self._claim_in_order(cursor, room)
        return self._claim_in_turn(cursor, scheduler.turn, room)

    def _claim_in_order(self, cursor: _LaneCursor, room: int) -> float:
        """Claim what comes next; rest when nothing does."""
        if cursor.place == claims.FIRST:
            cursor.found, cursor.passed_s = False, 0.0
        found, place = self._claim(cursor.place, room, self._awake(cursor.lane.kinds))
        if found:
            cursor.place, cursor.found = place, True
            if cursor.scheduler.is_due:
                self._look_ahead(cursor)
            return 0.0
        cursor.passed_s += self._claim_s
        is_end, cursor.place = place == cursor.place, place
        if not is_end:
            return 0.0
        cursor.place = claims.FIRST
        return 0.0 if cursor.found else self._rest(cursor)

    def _claim_in_turn(self, cursor: _LaneCursor, kind: Kind, room: int) -> float:
        """Claim jobs of one kind that nobody hurries."""
        start = claims.before(kind) if cursor.turn_place.kind != kind else cursor.turn_place
        found, place = self._claim(start, room, (kind,))
        cursor.turn_place = place if found else claims.FIRST
        if not found:
            cursor.scheduler.end()
        return 0.0

    def _awake(self, kinds: Sequence[Kind]) -> tuple[Kind, ...]:
        """Return the kinds that do not rest."""
        return tuple(kind for kind in kinds if not self._state.rests.left_s(kind))

    def _rest(self, cursor: _LaneCursor) -> float:
        """Use the time when nothing is left to claim for a lane."""
        if self._give_back_strays():
            return 0.0
        if cursor.lane.is_idle:
            self._bulk.finish()
            cursor.scheduler.forget()
        return cursor.rest()

    def _look_ahead(self, cursor: _LaneCursor) -> None:
        """Let each kind show how fast it goes, and prepare for a bulk run."""
        try:
            counts = self._state.transaction(totals.counts)
            apart = {} if counts.priority else self._apart(cursor.lane.kinds, counts.by_kind)
        except DatabaseLostError:
            return
        self._bulk.prepare(counts.by_kind)
        cursor.scheduler.plan(apart)

    def _apart(self, kinds: Sequence[Kind], pending: Mapping[str, int]) -> dict[str, int]:
        """Return how many jobs of each kind come alone: what comes beside others is timed with them."""
        numbers = dict(pending)
        present = [kind for kind in self._sharing(kinds) if pending.get(kind.label, 0)]
        for place, kind in enumerate(present[1:], 1):
            count = partial(beside.count_alone, kind=kind, mates=present[:place])
            numbers[kind.label] = self._state.transaction(count)
        return numbers

    def _give_back_strays(self) -> int:
        """Give back jobs under our lease that are not with us: a crash of PostgreSQL forgot how they ended."""
        state = self._state
        try:
            return state.transaction(lambda conn: jobs.release(conn, state.worker_id(), keep=state.in_flight))
        except DatabaseLostError:
            return 0

    def _claim(
        self, place: claims.Place, count: int, kinds: Sequence[Kind], *, least: int = -32768
    ) -> tuple[int, claims.Place]:
        """Claim jobs and hand them to the loaders; return how many, and where that ended."""
        state = self._state
        epoch, without, begun = state.epoch, self._away.ids, time.monotonic()
        is_after_tags = any(state.handlers[kind].is_after_tags for kind in kinds)
        self._claim_s = 0.0

        def transaction(conn: Connection) -> tuple[list[ClaimedJob], claims.Place, dict[PromptKey, Prompt]]:
            tagged = is_after_tags and (Kind.TAG in state.handlers or workers.is_done_by_any(conn, Kind.TAG))
            claimed, after = claims.claim(
                conn, state.worker_id(), kinds, count, after=place, least=least, without=without, tagged=tagged
            )
            claimed = self._prepared(conn, claimed + self._beside(conn, claimed, kinds))
            return self._with_members(conn, claimed), after, self._missing_prompts(conn, claimed)

        try:
            claimed, after, prompts = state.transaction(transaction)
        except DatabaseLostError:
            return 0, place
        except DtkError as error:
            state.report(error)
            return 0, place
        if without or is_after_tags:
            self._claim_s = time.monotonic() - begun
        here = [replace(job, path=state.local_path(job.path)) for job in claimed]
        state.accept(epoch, here, prompts, urgent=least > NORMAL)
        return len(claimed), after

    def _beside(self, conn: Connection, claimed: Sequence[ClaimedJob], kinds: Sequence[Kind]) -> list[ClaimedJob]:
        """Claim what the decoding of the same pictures serves, too; suspects stay alone."""
        sharing = self._sharing(kinds)
        mates = [job for job in claimed if job.kind in sharing and not job.isolated]
        if len(sharing) < 2 or not mates:
            return []
        return beside.claim_beside(conn, self._state.worker_id(), mates, sharing)

    def _sharing(self, kinds: Sequence[Kind]) -> list[Kind]:
        """Return those of some kinds that one decoding serves, in their order."""
        return sorted(kind for kind in kinds if isinstance(self._state.handlers[kind], PictureHandler))

    def _prepared(self, conn: Connection, claimed: Sequence[ClaimedJob]) -> list[ClaimedJob]:
        """Return the jobs with what their handlers find out beforehand."""
        details: dict[int, Any] = {}
        for kind in {job.kind for job in claimed}:
            details.update(self._state.handlers[kind].prepare(conn, [job for job in claimed if job.kind == kind]))
        return [replace(job, details=details[job.id]) if job.id in details else job for job in claimed]

    def _with_members(self, conn: Connection, claimed: Sequence[ClaimedJob]) -> list[ClaimedJob]:
        """Return jobs with the members of their groups that nobody has decoded yet, where the result is theirs too."""
        state = self._state
        ids = [job.image_id for job in claimed if state.handlers[job.kind].is_of_group]
        found = looks.undecoded_members(conn, ids) if ids else {}
        result = []
        for job in claimed:
            members = found.get(job.image_id, ()) if state.handlers[job.kind].is_of_group else ()
            local = tuple(replace(member, path=state.local_path(member.path)) for member in members)
            result.append(replace(job, members=local) if local else job)
        return result

    def _missing_prompts(self, conn: Connection, claimed: Sequence[ClaimedJob]) -> dict[PromptKey, Prompt]:
        missing: dict[PromptKey, Prompt] = {}
        for kind, handler in self._state.handlers.items():
            if not isinstance(handler, PromptHandler):
                continue
            ids = sorted({job.prompt_id for job in claimed if job.kind == kind and job.prompt_id is not None})
            if ids:
                missing.update({(kind, number): one for number, one in handler.missing_prompts(conn, ids).items()})
        return missing

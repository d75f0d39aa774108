"""What doctor says of work that waits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import AwayFolder, LibraryCounts, QueueCounts, Stats, WorkerInfo, WorkerStats
from dtk_tui.services.doctor.finding import Verdict
from dtk_tui.services.doctor.library import queue

OK, NOTE, FAULT = Verdict.OK, Verdict.NOTE, Verdict.FAULT
RUNNING, STOPPED = WorkerState.RUNNING, WorkerState.STOPPED


def _worker(state: WorkerState, *kinds: str, trouble: str | None = None, wish: WorkerState | None = None) -> WorkerInfo:
    stats = WorkerStats(kinds=kinds, trouble=trouble)
    return WorkerInfo(1, "studio", 1, state, datetime.now(UTC), alive=True, stats=stats, wish=wish)


@pytest.mark.parametrize(
    ("workers", "desired", "waiting", "verdicts"),
    [
        ([], RUNNING, {}, [OK]),
        ([], STOPPED, {"tag": 3}, [NOTE]),
        ([_worker(STOPPED, "tag")], STOPPED, {"tag": 3}, [NOTE]),
        ([_worker(RUNNING, "tag")], RUNNING, {"tag": 3}, [OK]),
        ([_worker(RUNNING, "tag")], RUNNING, {"caption": 3}, [OK, FAULT]),
        ([_worker(STOPPED, "tag", trouble="The driver is too old.")], RUNNING, {"tag": 3}, [OK, FAULT]),
        ([_worker(STOPPED, "tag", trouble="The driver is too old.", wish=STOPPED)], RUNNING, {"tag": 3}, [NOTE, NOTE]),
        ([_worker(STOPPED, "tag", wish=RUNNING)], STOPPED, {"tag": 3}, [OK]),
        ([_worker(RUNNING, "tag", trouble="Auto-pause until 17:00.")], RUNNING, {"tag": 3}, [OK, NOTE]),
    ],
)
def test_work_that_no_live_worker_serves_is_found(
    workers: list[WorkerInfo], desired: WorkerState, waiting: dict[str, int], verdicts: list[Verdict]
) -> None:
    counts = QueueCounts(pending=sum(waiting.values()), by_kind=waiting)
    state = workers[0].state if workers else STOPPED
    found = list(queue(Stats(state, desired, tuple(workers), counts, LibraryCounts())))
    assert [one.verdict for one in found] == verdicts
    assert all(one.advice for one in found if one.verdict != OK)


def test_a_folder_that_is_away_is_a_note() -> None:
    away = (AwayFolder("/nas", "is not there", 1),)
    found = list(queue(Stats(RUNNING, RUNNING, (_worker(RUNNING, "tag"),), QueueCounts(), LibraryCounts(), away=away)))
    assert (found[-1].verdict, found[-1].detail) == (NOTE, "/nas is not there, and 1 job waits for it")

"""Reports of workers of other versions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import AwayFolder, LibraryCounts, QueueCounts, Stats, WorkerInfo, WorkerStats

#: What workers have written since the first release; hosts of several versions share a database.
KEYS = [
    "processed", "failed", "cache_hits", "cache_misses", "speed", "pace", "output", "kinds", "provider", "trouble",
    "away",
]  # fmt: skip


def test_the_keys_of_a_report_stay_and_a_report_survives_the_database() -> None:
    report = WorkerStats(
        3,
        1,
        5,
        2,
        {"tag": 4.5},
        {"tag": 9.0, "prompt": 50.0},
        {"captions": 0.5},
        ("tag", "embed"),
        "CPUExecutionProvider",
        "no model",
        (AwayFolder("/mnt/disk", "is empty", 101),),
    )
    written = report.to_json()
    assert list(written) == KEYS
    assert WorkerStats.from_json(json.loads(json.dumps(written))) == report


def test_an_older_worker_says_less_and_a_newer_one_more() -> None:
    assert WorkerStats.from_json({}) == WorkerStats()
    assert WorkerStats.from_json({"processed": 7, "speed": None}) == WorkerStats(processed=7)
    newer = WorkerStats.from_json({"failed": 2, "watts": 300})
    assert newer.failed == 2 and newer.to_json()["watts"] == 300


def _worker(state: WorkerState, *kinds: str, alive: bool = True) -> WorkerInfo:
    return WorkerInfo(1, "studio", 1, state, datetime.now(UTC), alive, stats=WorkerStats(kinds=kinds))


RUNNING, PAUSED = WorkerState.RUNNING, WorkerState.PAUSED
TOLD = ["No running worker has what caption jobs need: dtk caption test tells why."]


@pytest.mark.parametrize(
    "workers, waiting, told",
    [
        ([_worker(RUNNING, "tag", "embed")], {"caption": 2, "tag": 5}, TOLD),
        ([_worker(RUNNING, "tag", "embed")], {"tag": 5, "caption": 0}, []),
        ([_worker(RUNNING, "tag"), _worker(RUNNING, "caption")], {"caption": 2}, []),
        ([_worker(RUNNING, "tag"), _worker(PAUSED, "caption")], {"caption": 2}, TOLD),
        ([_worker(RUNNING, "tag"), _worker(RUNNING, "caption", alive=False)], {"caption": 2}, TOLD),
        ([_worker(RUNNING, "tag"), _worker(RUNNING)], {"caption": 2}, []),
        ([_worker(PAUSED, "tag")], {"caption": 2}, []),
        ([], {"caption": 2}, []),
    ],
)
def test_work_that_no_running_worker_can_do_is_told(
    workers: list[WorkerInfo], waiting: dict[str, int], told: list[str]
) -> None:
    queue = QueueCounts(pending=sum(waiting.values()), by_kind=waiting)
    stats = Stats(RUNNING, RUNNING, tuple(workers), queue, LibraryCounts())
    assert stats.unserved == told

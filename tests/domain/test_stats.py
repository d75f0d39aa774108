"""Reports of workers of other versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
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


def _worker(
    state: WorkerState,
    *kinds: str,
    alive: bool = True,
    host: str = "studio",
    away: Sequence[str] = (),
    trouble: str = "",
) -> WorkerInfo:
    folders = tuple(AwayFolder(path, "is not there", 2) for path in away)
    stats = WorkerStats(kinds=kinds, away=folders, trouble=trouble or None)
    return WorkerInfo(1, host, 1, state, datetime.now(UTC), alive, stats=stats)


def _stats(workers: Sequence[WorkerInfo], waiting: dict[str, int]) -> Stats:
    queue = QueueCounts(pending=sum(waiting.values()), by_kind=waiting)
    return Stats(RUNNING, RUNNING, tuple(workers), queue, LibraryCounts())


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
    assert _stats(workers, waiting).unserved == told


BOTH = {"tag": 2, "caption": 2}


@pytest.mark.parametrize(
    "workers, waiting, is_told",
    [
        ([_worker(RUNNING, "tag", host="a", away=["/nas"]), _worker(RUNNING, "caption", host="b")], BOTH, True),
        ([_worker(RUNNING, "tag", away=["/nas"]), _worker(RUNNING, "caption")], {"tag": 2, "caption": 0}, False),
        ([_worker(RUNNING, "tag", away=["/nas"]), _worker(RUNNING, "caption", away=["/nas"])], BOTH, False),
        ([_worker(RUNNING, "tag", "caption", away=["/nas"])], BOTH, False),
        ([_worker(RUNNING, "tag", away=["/nas"]), _worker(RUNNING, "tag"), _worker(RUNNING, "caption")], BOTH, False),
    ],
)
def test_captions_that_wait_for_a_tagger_that_does_not_see_their_folder_are_told(
    workers: list[WorkerInfo], waiting: dict[str, int], is_told: bool
) -> None:
    told = _stats(workers, waiting).unserved
    assert len(told) == is_told
    assert not told or told[0].startswith("No worker that tags (a) sees /nas, and captions there wait for its tags.")


def test_all_trouble_is_told_once_and_so_is_work_that_is_left_alone() -> None:
    reporting = [_worker(RUNNING, "tag", trouble="no driver"), _worker(RUNNING, "tag", trouble="no driver")]
    assert _stats(reporting, {"caption": 1}).trouble == ["studio: no driver", *TOLD]
    assert _stats([], {"tag": 1}).trouble == ["1 job waits, and no worker is connected: dtk worker run starts one."]
    assert _stats([], {"tag": 1}).unserved == [], "an app has a worker of its own"
    assert _stats([], {}).trouble == []
    assert _stats([_worker(PAUSED, "tag")], {"tag": 3}).trouble == []

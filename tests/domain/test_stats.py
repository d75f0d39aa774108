"""Reports of workers of other versions."""

from __future__ import annotations

import json

from dtk_tui.domain.stats import AwayFolder, WorkerStats

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

"""Graphs of letters, and the text of what is worked on."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Day, WorkDone
from dtk_tui.domain.stats import LibraryCounts, QueueCounts, Stats, WorkerInfo, WorkerStats
from dtk_tui.ui.widgets.activity_text import activity_text, graph

_GPU: dict[str, object] = {
    "name": "H100 \x1b[31m", "utilisation": 45, "memory_used_gb": 12.34, "memory_total_gb": 80.0,
}  # fmt: skip
_NOTHING = WorkDone({}, {}, [])
_IDLE = Stats(WorkerState.STOPPED, WorkerState.STOPPED, (), QueueCounts(), LibraryCounts())


def test_a_graph_is_as_high_as_its_values() -> None:
    assert graph([0, 4, 8], 3, 1, 8) == [" \u2584\u2588"]
    assert graph([8, 12, 16], 3, 2, 16) == [" \u2584\u2588", "\u2588\u2588\u2588"]
    assert graph([1], 4, 1, 8) == ["   \u2581"], "the newest stands at the right"
    assert graph([0.001, 100], 2, 1, 100) == ["\u2581\u2588"], "a little is not nothing"
    assert graph([None, 5], 2, 1, 5) == [" \u2588"]
    assert graph([], 3, 2, 0) == ["   ", "   "]


def test_more_values_than_room_are_drawn_by_their_means() -> None:
    assert graph([0, 8, 8, 8, None, None], 3, 1, 8) == ["\u2584\u2588 "]


@pytest.mark.parametrize("count", [1, 59, 60, 61, 720, 5000])
def test_a_graph_fits(count: int) -> None:
    assert {len(signs) for signs in graph([1.0] * count, 60, 3, 1.0)} == {60}


def text(done: WorkDone, stats: Stats, loads: list[tuple[float | None, ...]] | None = None) -> list[str]:
    return activity_text(done, stats, {"embed": 2.0}, loads or [], "F5").plain.splitlines()


def test_nothing() -> None:
    shown = text(_NOTHING, _IDLE)
    assert " No worker is connected: F5 starts that of this window, dtk worker run one on any host." in shown
    assert " Speed in the last hour  no job was done" in shown
    assert " Days  no work has ended yet" in shown


def test_work_workers_speed_load_and_days() -> None:
    report = WorkerStats(
        processed=1250, failed=7, speed={"embed": 2.0}, provider="CUDAExecutionProvider", trouble="\x07no"
    )
    worker = WorkerInfo(1, "studio", 42, WorkerState.RUNNING, datetime.now(UTC), True, (_GPU,), report)
    gone = WorkerInfo(2, "attic", 43, WorkerState.RUNNING, datetime(2025, 1, 1, tzinfo=UTC), False)
    queue = QueueCounts(pending=60, running=2, by_kind={"embed": 60}, running_by_kind={"embed": 2})
    stats = Stats(
        WorkerState.RUNNING, WorkerState.RUNNING, (worker, gone), queue, LibraryCounts(),
        speed={"embed": 2.0}, gpus=(_GPU,),
    )  # fmt: skip
    minutes = {Kind.EMBED: [0] * 58 + [10, 20], Kind.TAG: [0] * 59 + [20]}
    days = [Day(date(2025, 7, 2), Kind.EMBED, "done", 30), Day(date(2025, 7, 2), Kind.EMBED, "failed", 2)]
    days.append(Day(date(2025, 7, 1), Kind.TAG, "done", 15))
    shown = text(WorkDone(minutes, {Kind.EMBED: [30, 8]}, days), stats, [(40.0,), (50.0,), (None,), ()])
    bar = "\u2501" * 14
    assert f" embed   {bar}  38%  38 done  60 waiting  2 running  2.0/s  ETA 31s" in shown
    assert any(
        line.startswith(" studio (process 42)  running  CUDA, 1,250 done, 7 failed, embed 2.0/s") for line in shown
    )
    assert any(line.startswith(" attic (process 43)  not heard of any more") for line in shown)
    assert "   H100 \u241b[31m  45%  12.3 of 80 GB" in shown
    assert "   Trouble: \u2407no" in shown
    assert " Speed in the last hour  50 jobs, 40 in the best minute" in shown
    assert any(line.endswith("\u2588") for line in shown)
    assert " Load of H100 \u241b[31m  45% on average since this window opened" in shown
    day = "\u2501" * 24
    assert f" 2025-07-02 {day} embed 30, 2 failed" in shown
    assert f" 2025-07-01 {day[:12]}{' ' * 12} tag 15" in shown

"""Graphs of letters, and the text of what is worked on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Day, DeviceDay, DeviceUse, WorkDone
from dtk_tui.domain.stats import LibraryCounts, QueueCounts, Stats, WorkerInfo, WorkerStats
from dtk_tui.ui.widgets.activity_text import activity_text
from dtk_tui.ui.widgets.graph import graph

_GPU: dict[str, object] = {
    "name": "H100 \x1b[31m", "utilisation": 45, "memory_used_gb": 12.34, "memory_total_gb": 80.0,
}  # fmt: skip
_TODAY = date(2025, 7, 2)
_NOTHING = WorkDone({}, {}, [], _TODAY)
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


def text(
    done: WorkDone, stats: Stats, loads: list[tuple[float | None, ...]] | None = None, width: int = 80
) -> list[str]:
    return activity_text(done, stats, {"embed": 2.0}, loads or [], "F5", width).plain.splitlines()


def test_nothing() -> None:
    shown = text(_NOTHING, _IDLE)
    assert " No worker is connected: F5 starts one here, dtk worker run one on any host." in shown
    assert " Speed in the last hour  no job was done" in shown
    assert " Days  no work has ended yet" in shown
    assert " GPU load by day  no GPU measured: a worker does, where NVIDIA's driver is" in shown


@pytest.mark.parametrize("width", [58, 80, 120])
def test_the_numbers_of_each_kind_stand_in_one_line(width: int) -> None:
    queue = QueueCounts(pending=125_000, running=8, by_kind={"embed": 125_000, "tag": 3}, running_by_kind={"embed": 8})
    stats = Stats(WorkerState.RUNNING, WorkerState.RUNNING, (), queue, LibraryCounts(), speed={"embed": 2.0})
    lines = text(WorkDone({}, {Kind.EMBED: [1250]}, [], _TODAY), stats, width=width)[1:4]
    assert [line.split()[0] for line in lines] == [kind.label for kind in Kind]
    assert len({line.count("\u2501") for line in lines}) == 1 and all("\u2501" in line for line in lines)
    if width > 58:
        assert max(map(len, lines)) <= width
    idle = text(WorkDone({}, {Kind.EMBED: [88_000], Kind.TAG: [105]}, [], _TODAY), _IDLE, width=width)[1:4]
    assert max(map(len, idle)) <= width


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
    shown = text(WorkDone(minutes, {Kind.EMBED: [30, 8]}, days, _TODAY), stats, [(40.0,), (50.0,), (None,), ()])
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
    assert f" 2025-07-02 {day} embed 30, 2 failed so far" in shown
    assert f" 2025-07-01 {day[:12]}{' ' * 12} tag 15" in shown


def _day(back: int, load: float | None, host: str = "studio", device: int = 0, peak: float | None = None) -> DeviceDay:
    seconds = 0.0 if load is None else 1000.0
    use = DeviceUse(device, "H100 \x1b[31m", seconds, seconds * (load or 0.0), peak, peak and 80.0)
    return DeviceDay(_TODAY - timedelta(days=back), host, use)


def _devices(*days: DeviceDay, width: int = 80) -> list[str]:
    shown = text(WorkDone({}, {}, [], _TODAY, days), _IDLE, width=width)
    begin = next(place for place, words in enumerate(shown) if words.startswith(" GPU load by day"))
    return shown[begin + 1 : shown.index(" Days  no work has ended yet") - 1]


def test_the_load_of_a_day_stands_above_its_axis_and_a_day_that_nobody_saw_is_a_gap() -> None:
    shown = _devices(_day(0, 0.5), _day(1, 0.0), _day(3, 1.0, peak=60.25), _day(4, None, peak=70.5))
    assert shown[0] == " studio, GPU 0  H100 \u241b[31m"
    assert shown[1] == "   50% in 3 days, 50% today so far, memory up to 70.5 of 80 GB"
    full, none, axis = "\u2588\u2588", "  ", "\u2594\u2594"
    assert shown[2] == "  100% " + none * 26 + full + none * 3
    assert shown[3] == "       " + none * 26 + full + none * 2 + full
    assert shown[4] == "    0% " + none * 26 + axis + none + axis * 2
    assert shown[5] == "       2025-06-03" + "today, not over".rjust(50)
    assert len(shown) == 6


def test_each_gpu_of_each_host_has_its_graph() -> None:
    shown = _devices(_day(0, 0.5), _day(0, 0.1, device=1), _day(2, 0.2, host="at\x1btic"), _day(40, 0.9, host="old"))
    assert [words.split("  ")[0].strip() for words in shown if "GPU" in words] == [
        "at\u241btic, GPU 0", "old, GPU 0", "studio, GPU 0", "studio, GPU 1",
    ]  # fmt: skip
    assert "   last seen on 2025-05-23" in shown, "before the days that are shown"


def test_a_gpu_whose_load_nobody_knows_has_no_graph() -> None:
    assert _devices(_day(0, None, peak=3.0))[1:] == ["   memory up to 3.0 of 80 GB"]


@pytest.mark.parametrize("width", [20, 40, 58, 59, 66, 67, 68, 200])
def test_graphs_are_no_wider_than_the_lines(width: int) -> None:
    drawn = [words for words in _devices(_day(0, 0.5), width=width)[2:] if words.startswith("     ") or "%" in words]
    assert len(drawn) == 4 or width < 40
    assert all(len(words) <= max(width, 32) for words in drawn)
    minutes = {Kind.EMBED: [1] * 60}
    shown = text(WorkDone(minutes, {}, [], _TODAY), _IDLE, width=width)
    place = next(place for place, words in enumerate(shown) if words.startswith(" Speed in the last hour"))
    assert all(len(words) <= max(width, 32) for words in shown[place + 1 : place + 5])

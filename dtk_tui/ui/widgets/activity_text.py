"""Who works, how far each kind of work is, and how fast it went: as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from textual.content import Content

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import WorkDone
from dtk_tui.domain.stats import Stats, WorkerInfo
from dtk_tui.text import counted, duration, one_line
from dtk_tui.ui.format import line
from dtk_tui.ui.widgets.device_days_text import device_days_text
from dtk_tui.ui.widgets.graph import graph

_STATES = {WorkerState.RUNNING: "$success", WorkerState.PAUSED: "$warning", WorkerState.STOPPED: "$muted"}
#: Widths in cells; the bar of a kind is shorter where its numbers need the room.
_BAR, _LEAST_BAR, _GRAPH, _DAY_BAR = 14, 3, 60, 24
_DAYS = 30


def activity_text(
    done: WorkDone,
    stats: Stats,
    pace: Mapping[str, float],
    loads: Sequence[Sequence[float | None]],
    start_key: str,
    width: int,
) -> Content:
    """Return all that is known of the work under way.

    Args:
        done: what was done lately.
        pace: jobs per second by the kind's word while that kind has the device.
        loads: of each GPU in percent, as they were kept, the newest last.
        start_key: the key that starts the workers.
        width: of the lines, in cells: no graph is wider.
    """
    columns = max(1, min(_GRAPH, width - 1))
    rows = [
        _head("Work", "what was done in the last 24 hours, and what is left"),
        *_kinds(done, stats, pace, width),
        Content(""),
    ]
    rows += [_head("Workers"), *_workers(stats, start_key), Content("")]
    rows += [*_speed(done, columns), Content(""), *_gpus(stats, loads, columns)]
    rows += [*device_days_text(done, width), Content(""), *_days(done)]
    return Content("\n").join(rows)


def _head(words: str, note: str = "") -> Content:
    return Content.assemble((f" {words}", "bold $accent"), (f"  {note}" if note else "", "$muted"))


def _kinds(done: WorkDone, stats: Stats, pace: Mapping[str, float], width: int) -> Iterator[Content]:
    numbers = {kind: _numbers(kind, done, stats, pace) for kind in Kind}
    longest = max(words.cell_length for _, words in numbers.values())
    bar = max(_LEAST_BAR, min(_BAR, width - 9 - longest))
    for kind, (share, words) in numbers.items():
        filled = int(bar * share)
        yield Content.assemble(
            (f" {kind.label:<8}", ""), ("\u2501" * filled, "$success"), ("\u2501" * (bar - filled), "$faint"), words
        )


def _numbers(kind: Kind, done: WorkDone, stats: Stats, pace: Mapping[str, float]) -> tuple[float, Content]:
    """Return how much of a kind of work is done, from 0 to 1, and the numbers that stand behind its bar."""
    word, queue = kind.label, stats.queue
    waiting, running = queue.by_kind.get(word, 0), queue.running_by_kind.get(word, 0)
    made, left = sum(done.hours.get(kind, ())), waiting + running
    share = made / (made + left) if left else 1.0 if made else 0.0
    speed = stats.speed.get(word)
    rate = f"{speed:,.1f}/s" if speed and left else "\u2013"
    eta = duration(left / pace[word]) if left and pace.get(word) else "\u2013"
    return share, Content.assemble(
        f" {share:4.0%}" if made or left else "     ",
        f"  {made:,} done",
        (f"  {waiting:,} waiting", "" if waiting else "$muted"),
        (f"  {running:,} running", "" if running else "$muted"),
        (f"  {rate}  ETA {eta}" if left else "", ""),
    )


def _workers(stats: Stats, start_key: str) -> Iterator[Content]:
    if not stats.workers:
        words = f" No worker is connected: {start_key} starts one here, dtk worker run one on any host."
        yield Content.styled(words, "$muted")
    for worker in sorted(stats.workers, key=lambda one: (one.host, one.id)):
        yield _worker(worker)
        for device in worker.devices:
            yield _device(device)
        if worker.stats.trouble:
            yield Content.assemble(("   Trouble: ", "bold $warning"), line(worker.stats.trouble, "$warning", 400))
        for folder in worker.stats.away[:5]:
            why = f"   Away: {one_line(folder.path, 200)} {one_line(folder.reason, 60)}"
            yield Content.styled(f"{why}: {counted(folder.jobs, 'job waits', 'jobs wait')}", "$warning")


def _worker(worker: WorkerInfo) -> Content:
    report = worker.stats
    state = worker.state.value if worker.alive else "not heard of any more"
    age = duration((datetime.now(UTC) - worker.heartbeat_at).total_seconds())
    speeds = ", ".join(f"{one_line(word, 20)} {rate:,.1f}/s" for word, rate in sorted(report.speed.items()) if rate)
    provider = "" if report.provider is None else one_line(report.provider, 40).replace("ExecutionProvider", "")
    facts = [provider, f"{report.processed:,} done", f"{report.failed:,} failed" if report.failed else "", speeds]
    return Content.assemble(
        (f" {one_line(worker.host, 60)}", "bold"),
        (f" (process {worker.pid})  ", "$muted"),
        (state, _STATES[worker.state] if worker.alive else "$error"),
        (f"  {', '.join(fact for fact in facts if fact)}", ""),
        (f"  heard of {age} ago", "$muted"),
    )


def _device(device: Mapping[str, object]) -> Content:
    parts = [one_line(str(device.get("name") or "GPU"), 80)]
    load, used, total = (device.get(key) for key in ("utilisation", "memory_used_gb", "memory_total_gb"))
    if isinstance(load, int | float):
        parts.append(f"{load:.0f}%")
    if isinstance(used, int | float) and isinstance(total, int | float):
        parts.append(f"{used:.1f} of {total:.0f} GB")
    return Content.styled(f"   {'  '.join(parts)}", "$muted")


def _speed(done: WorkDone, columns: int) -> Iterator[Content]:
    sums = [sum(numbers) for numbers in zip(*done.minutes.values(), strict=True)]
    most = max(sums, default=0)
    note = f"{sum(sums):,} jobs, {most:,} in the best minute" if sums else "no job was done"
    yield _head("Speed in the last hour", note)
    if sums:
        for signs in graph(sums, columns, 3, most):
            yield Content.styled(f" {signs}", "$accent")
        yield Content.styled(f" {'60 minutes ago':<{columns - 3}}now", "$faint")


def _gpus(stats: Stats, loads: Sequence[Sequence[float | None]], columns: int) -> Iterator[Content]:
    for place, gpu in enumerate(stats.gpus):
        values = [sample[place] if place < len(sample) else None for sample in loads]
        known = [value for value in values if value is not None]
        name = one_line(str(gpu.get("name") or "GPU"), 60)
        note = (
            f"{sum(known) / len(known):.0f}% on average since this window opened" if known else "its load is not told"
        )
        yield _head(f"Load of {name}", note)
        if known:
            for signs in graph(values, columns, 2, 100.0):
                yield Content.styled(f" {signs}", "$accent")
        yield Content("")


def _days(done: WorkDone) -> Iterator[Content]:
    by_day = [(day, list(found)) for day, found in groupby(done.days, key=lambda one: one.day)][:_DAYS]
    sums = {day: sum(one.jobs for one in found if one.outcome == "done") for day, found in by_day}
    most = max(sums.values(), default=0)
    yield _head("Days", "" if by_day else "no work has ended yet")
    for day, found in by_day:
        filled = -(-_DAY_BAR * sums[day] // most) if most else 0
        made = [f"{one.kind.label} {one.jobs:,}" for one in found if one.outcome == "done"]
        failed = sum(one.jobs for one in found if one.outcome == "failed")
        yield Content.assemble(
            (f" {day.isoformat()} ", "$muted"),
            ("\u2501" * filled + " " * (_DAY_BAR - filled), "$accent"),
            f" {', '.join(made) or 'nothing done'}",
            (f", {failed:,} failed" if failed else "", "$error"),
            (" so far" if day == done.today else "", "$muted"),
        )

"""How busy each GPU was on each day: as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from textual.content import Content

from dtk_tui.domain.queue import DeviceDay, DeviceUse, WorkDone
from dtk_tui.text import counted, one_line
from dtk_tui.ui.widgets.graph import graph

#: Days, columns of each, and of the axis at the left.
_DAYS, _COLUMNS, _AXIS = 30, 2, 6
_ROWS = 2


def device_days_text(done: WorkDone, width: int) -> Iterator[Content]:
    """Yield a head, and a graph for each GPU, of the last 30 days or as many as there is room for.

    A day of which nobody knows the load is a gap in the graph and in its axis; one without load has the axis alone.

    Args:
        width: of the lines, in cells.
    """
    number = max(1, min(_DAYS, (width - _AXIS - 1) // _COLUMNS))
    shown = [done.today - timedelta(days=back) for back in reversed(range(number))]
    by_device: dict[tuple[str, int], dict[date, DeviceDay]] = {}
    for one in done.devices:
        by_device.setdefault((one.host, one.use.device), {})[one.day] = one
    note = "while a worker ran there" if by_device else "no GPU measured: a worker does, where NVIDIA's driver is"
    yield Content.assemble((" GPU load by day", "bold $accent"), (f"  {note}", "$muted"))
    for (host, device), days in sorted(by_device.items()):
        yield from _device(host, device, days, shown)


def _device(host: str, device: int, days: dict[date, DeviceDay], shown: Sequence[date]) -> Iterator[Content]:
    found = [days[day] for day in shown if day in days]
    newest = max(days.values(), key=lambda one: one.day)
    yield Content.assemble(
        (f" {one_line(host, 40)}, GPU {device}", "bold"), (f"  {one_line(newest.use.name, 60)}", "$muted")
    )
    yield Content.styled(f"   {_facts(found, shown[-1]) or f'last seen on {newest.day.isoformat()}'}", "")
    loads = [days[day].use.load if day in days else None for day in shown]
    if all(load is None for load in loads):
        return
    columns = len(shown) * _COLUMNS
    for place, signs in enumerate(graph([load for load in loads for _ in range(_COLUMNS)], columns, _ROWS, 1.0)):
        yield Content.assemble(("  100% " if place == 0 else "       ", "$muted"), (signs, "$accent"))
    axis = "".join((" " if load is None else "\u2594") * _COLUMNS for load in loads)
    yield Content.styled(f"    0% {axis}", "$muted")
    first = shown[0].isoformat()
    yield Content.styled(f"       {first}{'today, not over':>{columns - len(first)}}", "$muted")


def _facts(found: Sequence[DeviceDay], today: date) -> str:
    """Return the mean load, that of today, and the memory at its highest."""
    known = [one.use for one in found if one.use.load is not None]
    facts = []
    if known:
        mean = sum(use.busy_s for use in known) / sum(use.observed_s for use in known)
        facts.append(f"{min(mean, 1.0):.0%} in {counted(len(known), 'day')}")
    facts += [f"{one.use.load:.0%} today so far" for one in found if one.day == today and one.use.load is not None]
    peak = max((one.use for one in found if one.use.memory_peak_gb is not None), key=_peak, default=None)
    if peak is not None:
        total = "" if peak.memory_total_gb is None else f" of {peak.memory_total_gb:.0f}"
        facts.append(f"memory up to {_peak(peak):.1f}{total} GB")
    return ", ".join(facts)


def _peak(use: DeviceUse) -> float:
    return use.memory_peak_gb or 0.0

"""The image table with a million rows: opening, memory, jumps, and how long the event loop is held up.

Textual's own DataTable is opened with a fiftieth of the rows for comparison. Prints one table.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
from textual.app import App, ComposeResult
from textual.widgets import DataTable

from dtk_tui.domain.library import ImageRow
from dtk_tui.ui.theme import OWN_VARIABLES
from dtk_tui.ui.widgets.image_pane import ImagePane

_ROWS = 1_000_000
_FEW = 20_000
_START = datetime(2024, 1, 1, tzinfo=UTC)


def fetch(ids: Sequence[int]) -> list[ImageRow]:
    """Return rows as a library has them."""
    return [
        ImageRow(
            id=number,
            folder_id=1,
            file_name=f"{number:08d}-{number * 7919 % 10**9}.png",
            file_size=1_500_000,
            created_at=_START + timedelta(seconds=number),
            width=1024,
            height=1536,
            model="sd_xl_base_1.0",
            prompt="a castle on a hill at dawn, volumetric light, highly detailed, " * 3,
            tags=number % 30,
            embedded=number % 2 == 0,
        )
        for number in ids
    ]


class _Table(App[None]):
    CSS_PATH: ClassVar = [f"../dtk_tui/ui/styles/{name}.tcss" for name in ("base", "browser")]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return OWN_VARIABLES

    def compose(self) -> ComposeResult:
        yield ImagePane(fetch)


class _Plain(App[None]):
    def compose(self) -> ComposeResult:
        yield DataTable[str]()


class Lag:
    """How much later than asked a sleeping task wakes up, in ms."""

    def __init__(self) -> None:
        self._late: list[float] = []

    async def __aenter__(self) -> Lag:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(0.002)
            self._late.append((time.perf_counter() - begin - 0.002) * 1000)

    def words(self) -> str:
        """Return median and 99th percentile."""
        cuts = statistics.quantiles(self._late, n=100)
        return f"{cuts[49]:.1f} / {cuts[98]:.1f}"


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _timed(step: Callable[[], Awaitable[object]]) -> float:
    begin = time.perf_counter()
    await step()
    return time.perf_counter() - begin


async def _jump(pane: ImagePane, row: int) -> float:
    begin = time.perf_counter()
    pane.table.cursor = row
    while pane.table.row(row) is None:
        await asyncio.sleep(0.0005)
    return (time.perf_counter() - begin) * 1000


async def _ours() -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    async with _Table().run_test(size=(200, 50)) as pilot:
        pane = pilot.app.query_one(ImagePane)
        gc.collect()
        before = _memory_mb()
        ids = np.arange(_ROWS, dtype=np.int64)[::-1].copy()

        async def open_it() -> None:
            pane.table.show(ids)
            while pane.table.row(0) is None:
                await asyncio.sleep(0.0005)

        took = await _timed(open_it)
        out.append((f"table, {_ROWS:,} rows: open to first rows", f"{took * 1000:.0f} ms"))
        out.append(("  memory for it (ids, marks, pages)", f"{_memory_mb() - before:.0f} MB"))
        rng = np.random.default_rng(1)
        jumps = sorted([await _jump(pane, int(row)) for row in rng.integers(0, _ROWS, 60)])
        out.append(("  jump to any row, p50 / p99", f"{jumps[30]:.0f} / {jumps[-1]:.0f} ms"))
        async with Lag() as idle:
            await asyncio.sleep(2)
        out.append(("  loop lag idle, p50 / p99", f"{idle.words()} ms"))
        async with Lag() as moving:
            for key in ["down"] * 150 + ["pagedown"] * 60 + ["end", "pageup", "home"] * 10:
                await pilot.press(key)
        out.append(("  loop lag scrolling, p50 / p99", f"{moving.words()} ms"))
        out.append(("  mark all rows", f"{await _timed(lambda: pilot.press('a')) * 1000:.0f} ms"))
    return out


async def _plain() -> float:
    async with _Plain().run_test(size=(200, 50)) as pilot:
        table = pilot.app.query_one(DataTable)
        rows = [
            (row.file_name, f"{row.width}x{row.height}", row.model, str(row.tags), row.prompt)
            for row in fetch(range(_FEW))
        ]

        async def open_it() -> None:
            table.add_columns("Name", "Size", "Model", "Tags", "Prompt")
            table.add_rows(rows)
            await pilot.pause()

        return await _timed(open_it)


def main() -> None:
    """Measure and print."""
    rows = asyncio.run(_ours())
    plain = asyncio.run(_plain())
    rows.append((f"Textual's DataTable, {_FEW:,} rows: open", f"{plain * 1000:.0f} ms"))
    for words, value in rows:
        print(f"{words:<48}{value:>18}")


if __name__ == "__main__":
    main()

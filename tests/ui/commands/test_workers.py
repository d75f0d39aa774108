"""The header, the control bar, quitting, and news from threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.events import Event, ProblemReported, ScanProgressed, WorkerStateChanged
from dtk_tui.domain.imports import STEPS, ImportProgressed
from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import AwayFolder, LibraryCounts, QueueCounts, Stats, WorkerInfo, WorkerStats
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.worker import control
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from dtk_tui.ui import stats_feed
from dtk_tui.ui.app import DtkApp
from dtk_tui.ui.commands import workers as commands
from tests.helpers.running_app import NARROW, WIDE, library_app, running

BUSY = Stats(
    state=WorkerState.RUNNING,
    desired=WorkerState.RUNNING,
    workers=(),
    queue=QueueCounts(pending=124_936, running=64, failed=2, priority=500),
    library=LibraryCounts(images=425_300),
    processed=1_250,
    failed=7,  # five of them were tried again since
    cache_hit_rate=0.95,
    speed={"embed": 500.4, "tag": 11.6},
    eta_s=250.0,
    provider="CUDA",
    gpus=({"name": "NVIDIA H100 80GB HBM3", "utilisation": 45, "memory_used_gb": 12.3, "memory_total_gb": 80.0},),
)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_all_numbers_have_their_place(db: Database, config: Config, library: Path, size: tuple[int, int]) -> None:
    async with library_app(db, config, size) as run:
        await run.show_numbers(BUSY)
        await run.shows("Queue: 125,000 (500 priority) \u2502 Processed: 1,250 \u2502 Failed: 2")
        text = run.text()
        assert "Cache: 95% \u2502 GPU: H100 (45%) \u2502 Speed: 512 img/s \u2502 ETA: 4m 10s" in text
        header = text.splitlines()[0]
        assert header.rstrip().endswith("GPU0 H100 45%   12.3/80 GB   CUDA   db ok")
        assert header.startswith(" dtk  outputs")
        assert text.splitlines()[1].rstrip().endswith("Running")
        assert "  0%" in text.splitlines()[2]


async def test_work_on_the_cpu_beside_a_gpu_stands_out(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await run.show_numbers(replace(BUSY, provider="CPUExecutionProvider"))
        await run.shows("80 GB   CPU   db ok")
        strip = run.app.screen._compositor.render_strips()[0]
        colors = {segment.style.color for segment in strip if segment.text.strip() == "CPU" and segment.style}
        ordinary = {segment.style.color for segment in strip if "GB" in segment.text and segment.style}
        assert colors and colors != ordinary


async def test_what_was_asked_last_holds(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_busy, done = threading.Event(), list[WorkerState]()

    def slowly(state: WorkerState) -> Callable[[Database], None]:
        def ask(db: Database) -> None:
            if state is WorkerState.RUNNING:
                is_busy.wait(60)
            control.set_desired_state(db, state)
            done.append(state)

        return ask

    monkeypatch.setattr(commands, "_SET", {state: slowly(state) for state in WorkerState})
    async with library_app(db, config) as run:
        await run.press("f5", "f7")
        await asyncio.sleep(0.2)
        is_busy.set()
        await run.until(lambda: len(done) == 2)
    with db.connection() as conn:
        assert workers.get_desired_state(conn) is WorkerState.STOPPED


async def test_an_app_at_rest_hears_of_work_at_once(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_feed, "_LINGER_S", 0.0)
    monkeypatch.setattr(stats_feed, "_IDLE_POLL_S", 3600.0)
    monkeypatch.setattr(stats_feed, "_RESTING_POLL_S", 3600.0)
    takers = list[Callable[[Event], None]]()

    def emit(event: Event) -> None:
        for take in takers:
            take(event)

    engine = Engine(db, config, emit)
    async with library_app(db, config, engine=engine) as run:
        await run.until(lambda: engine._control.has_followed.is_set())
        await run.until(lambda: run.dtk.context.stats._poll_at > time.monotonic() + 1000.0)
        takers.append(run.dtk.take)
        await asyncio.to_thread(control.set_desired_state, db, WorkerState.PAUSED)  # before it ran: no new state
        await run.until(lambda: run.stats.desired is WorkerState.PAUSED)


async def test_the_keys_write_the_wish(db: Database, config: Config, library: Path) -> None:
    def wished() -> WorkerState:
        with db.connection() as conn:
            return workers.get_desired_state(conn)

    async with library_app(db, config) as run:
        for key, state in (
            ("f5", WorkerState.RUNNING),
            ("f6", WorkerState.PAUSED),
            ("f7", WorkerState.STOPPED),
        ):
            await run.press(key)
            await run.until(lambda state=state: wished() is state)  # type: ignore[misc]
        await run.pilot.click("#buttons", offset=(3, 0))
        await run.until(lambda: wished() is WorkerState.RUNNING)
        await run.shows("Stopped \u2192 running")


async def test_the_worker_of_this_window_opens_and_closes_with_it(db: Database, config: Config, library: Path) -> None:
    engine = Engine(db, config)
    async with library_app(db, config, engine=engine) as run:
        await run.until(lambda: len(run.stats.workers) == 1)
        await run.press("ctrl+q")
        await run.until(lambda: not run.app.is_running)
    with db.connection() as conn:
        assert not workers.all_workers(conn)


async def test_news_may_come_from_any_thread_at_any_time(db: Database, config: Config, library: Path) -> None:
    app = DtkApp(LibraryBrowser(db, config), None)
    app.take(ProblemReported("too early"))
    async with running(app) as run:
        await run.until(lambda: app.context.stats.current is not None)

        def tell() -> None:
            for _ in range(200):
                app.take(ScanProgressed("deep", 64, 0))
                app.take(ImportProgressed(STEPS[0]))
            app.take(WorkerStateChanged(WorkerState.RUNNING))
            app.take(ProblemReported("The model is missing.", "[bold]dtk models pull[/bold]"))

        threads = [threading.Thread(target=tell) for _ in range(4)]
        for thread in threads:
            thread.start()
        await run.shows("The model is missing. [bold]dtk models pull[/bold]")
        for thread in threads:
            thread.join()
        app.take(ProblemReported("Another one."))
        await run.shows("Another one.")
        assert len([words for words in run.told if "is missing" in words]) == 1, "a problem that comes again at once"
    app.take(ProblemReported("too late"))


async def test_quitting_asks_only_when_it_would_stop_work(db: Database, config: Config, library: Path) -> None:
    engine = Engine(db, config)
    async with library_app(db, config, engine=engine) as run:
        await run.show_numbers(BUSY)
        await run.shows("125,000")
        await run.press("ctrl+q")
        await run.shows("125,000 jobs are left")
        await run.shows("Nothing is lost")
        await run.press("n")
        assert run.app.is_running
        await run.press("ctrl+q")
        await run.shows("125,000 jobs are left")
        await run.press("y")
        await run.until(lambda: not run.app.is_running)


CAPTIONING = replace(
    BUSY,
    speed={"embed": 500.4, "tag": 11.6, "caption": 12.1},
    output={"captions": 12.13, "tokens": 3100.4},
    workers=(
        WorkerInfo(
            1, "studio", 1, WorkerState.RUNNING, datetime.now(UTC), True,
            stats=WorkerStats(trouble="The endpoint refuses the key. [/x] \x1b[31mIncorrect key: ask your admin " * 3),
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_captions_a_second_and_why_they_wait_have_their_place(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await run.show_numbers(replace(CAPTIONING, workers=()))
        await run.shows("Output: 12.1 captions/s, 3,100 tokens/s \u2502 ETA: 4m 10s")
        assert "Trouble" not in run.text() and ("Cache" in run.text()) == (size == WIDE)
        await run.show_numbers(CAPTIONING)
        await run.shows("Trouble (!): The endpoint refuses the key. [/x] \u241b[31mIncorrect key")
        await run.press("q")
        await run.shows("Trouble (!): The endpoint refuses the key.")
        await run.press("exclamation_mark")
        await run.shows("This keeps the workers from their work.")
        await run.shows("ask your admin")
        await run.press("enter", "escape")
        await run.show_numbers(replace(CAPTIONING, workers=()))
        await run.until(lambda: "Trouble" not in run.text())
        await run.press("exclamation_mark")
        await run.shows("Nothing keeps the workers from their work.")
        lacks = "The model tiny is not on this machine. Get it with: dtk models pull tiny."
        without = replace(CAPTIONING.workers[0], stats=WorkerStats(trouble=lacks))
        run.dtk.context.stats.publish(replace(CAPTIONING, workers=(without,)))
        await run.shows("Trouble (!): The model tiny is not on this machine. Alt+M gets it here")
        embeds = replace(CAPTIONING.workers[0], stats=WorkerStats(kinds=("embed",)))
        queue = QueueCounts(pending=1, by_kind={"caption": 1})
        run.dtk.context.stats.publish(replace(CAPTIONING, workers=(embeds,), queue=queue))
        await run.shows("Trouble (!): No running worker has what caption jobs need: K tells why.")
        await run.press("exclamation_mark")
        await run.shows("This keeps the workers from their work.")
        assert run.text().count("No running worker has what caption jobs need: K tells why.") == 2
        await run.press("enter")
        away = AwayFolder("/mnt/nas/ai", "is not there", 109)
        await run.show_numbers(replace(CAPTIONING, workers=(), away=(away,)))
        await run.press("exclamation_mark")
        await run.shows("The folder /mnt/nas/ai is not there: 109 jobs wait for it.")

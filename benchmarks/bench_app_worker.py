"""Event-loop lag of the whole app while its worker embeds and then tags, beside the same app at rest.

The real app on a real library (DTK_BENCH_IMAGES generated images, default 700), headless at 200x50; the lag is
how late a timer of 10 ms fires.
In the busy part the cursor moves through the image table all the time, so that rows and previews are drawn as well.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from workload import owned_server

from dtk_tui.config import AppPaths, Config, load
from dtk_tui.domain.events import Event
from dtk_tui.domain.job import NOW, Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker import control
from dtk_tui.services.worker.engine import Engine
from dtk_tui.services.worker.priority import NICENESS_BESIDE_SCREEN
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs
from dtk_tui.ui.app import DtkApp

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "700"))
TICK_S = 0.01
PART_S = float(os.environ.get("DTK_BENCH_SECONDS", "10"))
KEYS = ["down", "down", "down", "pagedown"]


def make_images(folder: Path) -> None:
    """Write photographs of noise on gradients: their decoding costs what that of real ones does."""
    chance = np.random.default_rng(1)
    folder.mkdir(parents=True)
    ramp = np.linspace(0, 180, 768, dtype=np.float32)[None, :, None]
    for number in range(IMAGES):
        noise = chance.normal(0, 12, (512, 768, 3)).astype(np.float32)
        pixels = np.clip(ramp * chance.random(3, dtype=np.float32) + 40 + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png", compress_level=1)


async def lags(seconds: float, keys: list[str] | None, app: DtkApp) -> list[float]:
    """Return how late each tick came, in milliseconds, while keys are pressed."""
    late: list[float] = []
    until = time.monotonic() + seconds
    pressed = 0
    while time.monotonic() < until:
        begun = time.perf_counter()
        await asyncio.sleep(TICK_S)
        late.append((time.perf_counter() - begun - TICK_S) * 1000)
        if keys and len(late) % 8 == 0:
            app.simulate_key(keys[pressed % len(keys)])
            pressed += 1
    return late


def row(name: str, late: list[float], note: str = "") -> str:
    """Return one line of the table."""
    p50, p99 = np.percentile(late, [50, 99])
    return f"{name:34}{len(late):7}{p50:9.1f}{p99:9.1f}{max(late):9.1f}  {note}"


async def measure(db: Database, config: Config) -> list[str]:
    """Run the app at rest, at rest with keys, and with the worker running and keys."""
    rows = []

    def news(event: Event) -> None:
        app.take(event)

    engine = Engine(db, config, news, niceness=NICENESS_BESIDE_SCREEN)
    app = DtkApp(LibraryBrowser(db, config), lambda: engine)
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.pause(2)
        await pilot.press("tab")
        rows.append(row("at rest", await lags(5, None, app)))
        rows.append(row("at rest, cursor moving", await lags(5, ["down"], app)))
        control.start(db)
        while snapshot(db).state != WorkerState.RUNNING or snapshot(db).processed == 0:
            await asyncio.sleep(0.1)
        for kind, keys in ((Kind.EMBED, None), (Kind.EMBED, KEYS), (Kind.TAG, KEYS)):
            before, begun = engine.throughput.processed, time.monotonic()
            late = await lags(PART_S, keys, app)
            rate = (engine.throughput.processed - before) / (time.monotonic() - begun)
            name = f"worker: {kind.label}" + (", cursor moving" if keys else "")
            left = snapshot(db).queue.by_kind.get(kind.label, 0)
            rows.append(row(name, late, f"{rate:.1f} jobs/s, {left} left"))
            if keys:
                with db.connection() as conn:
                    jobs.remove(conn, kind=kind)
    return rows


def main() -> None:
    """Print the table."""
    sys.setswitchinterval(0.001)
    with (
        tempfile.TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as folder,
        owned_server(f"{folder}/home"),
    ):
        make_images(Path(folder) / "library")
        config = load({"HOME": folder, "DTK_HOME": str(Path(folder) / "home"), "DTK_MODELS": str(AppPaths().models)})
        db = Database.open(config)
        try:
            scan(db, config, [str(Path(folder) / "library")])
            enqueue(db, config, Target(everything=True), [Kind.EMBED], priority=NOW)
            enqueue(db, config, Target(everything=True), [Kind.TAG])
            rows = asyncio.run(measure(db, config))
        finally:
            db.close()
    sys.stdout.write(f"{'event-loop lag, ms':34}{'ticks':>7}{'p50':>9}{'p99':>9}{'max':>9}\n" + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()

"""Who works and how fast, from the log and the workers' reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind
from dtk_tui.services.work_done import work_done
from dtk_tui.store.database import Database
from dtk_tui.ui.screens.work.activity import ActivityScreen
from tests.helpers.running_app import NARROW, WIDE, library_app

_LOG = """
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at, finished_at) VALUES
    (1, 1, 2, 0, 1, 'done', now(), now() - interval '10 seconds'),
    (2, 2, 2, 0, 1, 'done', now(), now() - interval '90 seconds'),
    (3, 3, 1, 0, 1, 'done', now(), now() - interval '90 minutes'),
    (4, 4, 1, 0, 1, 'failed', now(), now() - interval '5 seconds'),
    (5, 5, 2, 0, 1, 'done', now(), now() - interval '3 days');
INSERT INTO job_day (day, kind, outcome, jobs) VALUES ('2020-02-03', 3, 'done', 1234);
"""
_WORKER = """
INSERT INTO worker (host, pid, state, lease_until, devices, stats)
VALUES ('studio', 1, 'running', now() + interval '1 day',
  '[{"name": "NVIDIA H100", "utilisation": 45, "memory_used_gb": 12.3, "memory_total_gb": 80.0}]',
  '{"speed": {"embed": 2.0}, "pace": {"embed": 2.0}, "kinds": ["embed"], "provider": "CUDA", "processed": 1250}')
"""
_DEVICES = """
INSERT INTO device_day SELECT now()::date - n, 'studio', 0, 'NVIDIA H100', 3600, 36 * n, 5 + n, 80, now()
  FROM generate_series(0, 99) n WHERE n % 5 <> 1
"""


def test_what_was_done_lately(db: Database) -> None:
    with db.connection() as conn:
        conn.execute(_LOG)
    done = work_done(db)
    assert set(done.minutes) == {Kind.EMBED}
    assert list(done.minutes[Kind.EMBED])[-2:] == [1, 1] and sum(done.minutes[Kind.EMBED]) == 2
    assert sum(done.hours[Kind.TAG]) == 1 and list(done.hours[Kind.TAG])[-2] == 1
    assert len(done.minutes[Kind.EMBED]) == 60 and len(done.hours[Kind.TAG]) == 24
    assert (done.days[-1].day.isoformat(), done.days[-1].jobs) == ("2020-02-03", 1234)


async def test_a_graph_and_its_ends_have_the_same_width(db: Database, config: Config, library: Path) -> None:
    with db.connection() as conn:
        conn.execute(_LOG)
    async with library_app(db, config, (60, 20)) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("alt+w")
        await run.shows("60 minutes ago")
        assert any("60 minutes ago" in line and "now" in line for line in run.text().splitlines())


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_it_shows_workers_and_follows(db: Database, config: Config, library: Path, size: tuple[int, int]) -> None:
    with db.connection() as conn:
        conn.execute(_LOG)
    async with library_app(db, config, size) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("alt+w")
        await run.until(lambda: isinstance(run.app.screen, ActivityScreen))
        await run.shows("No worker is connected: F5")
        await run.shows("2 done 0 waiting")
        await run.shows("GPU load by day no GPU measured")
        with db.connection() as conn:
            conn.execute(_WORKER)
        await run.shows("studio (process 1) running")
        await run.shows("NVIDIA H100 45%")
        with db.connection() as conn:
            conn.execute(_DEVICES)
        await run.press("r", "end")
        await run.shows("studio, GPU 0 NVIDIA H100")
        await run.shows("0% today so far, memory up to 34.0 of 80 GB")
        await run.shows("2020-02-03")
        await run.shows("caption 1,234")
        await run.press("q")
        await run.until(lambda: run.app.screen is run.main)

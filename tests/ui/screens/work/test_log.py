"""The log: filters, facts of an entry, its picture, following."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.screens.picture.screen import PictureScreen
from dtk_tui.ui.screens.work.log import LogScreen
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

_LOG = """
DELETE FROM job;
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, model, error, host, queued_at, started_at,
                     finished_at)
SELECT n, n, 1 + n % 3, 0, 1, CASE n % 5 WHEN 0 THEN 'failed' WHEN 1 THEN 'removed' ELSE 'done' END, 'a-model',
       CASE WHEN n % 5 = 0 THEN 'The file ends too early.' END, 'studio', '2025-07-01', '2025-07-01',
       '2025-07-01'::timestamptz + n * interval '1 second'
  FROM generate_series(1, 30) n;
"""
_MORE = """
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)
VALUES (99, 1, 2, 0, 1, 'done', now())
"""
_WORKER = """
INSERT INTO worker (host, pid, state, lease_until, stats)
VALUES ('studio', 1, 'running', now() + interval '1 day', '{"processed": 7}')
"""


@pytest.fixture
def logged(db: Database, config: Config, library: Path) -> Config:
    """A library of which work has ended, and settings by which pictures are letters."""
    with db.connection() as conn:
        conn.execute(_LOG)
    return Config(config.paths, Settings(preview=PreviewSettings(protocol="text")))


async def opened(run: Running) -> LogScreen:
    """Open the log."""
    await run.until(lambda: run.main.table.current_row is not None)
    await run.press("alt+l")
    await run.until(lambda: isinstance(run.app.screen, LogScreen) and run.app.screen.is_mounted)
    screen = run.app.screen
    assert isinstance(screen, LogScreen)
    return screen


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_filters_facts_and_pictures(db: Database, logged: Config, size: tuple[int, int]) -> None:
    async with library_app(db, logged, size) as run:
        screen = await opened(run)
        await run.shows("30 jobs")
        await run.press("tab", "tab")
        await run.until(lambda: screen.table.count == 6)
        await run.shows("The file ends too")
        await run.press("t")
        await run.shows("2 tag")
        await run.press("t", "t", "t", "shift+tab", "shift+tab")
        await run.shows("30 jobs")
        await run.press("home", "enter")
        await run.shows("By studio, a-model")
        await run.press("escape")
        await run.until(lambda: run.app.screen is screen)
        await run.press("v")
        await run.until(lambda: isinstance(run.app.screen, PictureScreen))
        await run.shows("1 of 1")
        await run.press("s")
        await run.until(lambda: run.main._view.like is not None)
        await run.until(lambda: screen not in run.app.screen_stack)


async def test_it_follows_until_it_is_told_not_to(db: Database, logged: Config) -> None:
    async with library_app(db, logged, NARROW) as run:
        screen = await opened(run)
        await run.shows("30 jobs follows")
        await run.until(lambda: screen._ended is not None)
        with db.connection() as conn:
            conn.execute(_MORE)
            conn.execute(_WORKER)
        await run.until(lambda: screen.table.count == 31)
        assert screen.table.cursor == 0
        await run.press("f")
        await run.shows("stands still")
        with db.connection() as conn:
            conn.execute(_MORE)
            conn.execute("UPDATE worker SET stats = '{\"processed\": 8}'")
        await run.until(lambda: run.stats.processed == 8)
        assert screen.table.count == 31
        await run.press("f")
        await run.shows("32 jobs follows")


async def test_nothing_has_ended(db: Database, config: Config, library: Path) -> None:
    with db.connection() as conn:
        conn.execute("DELETE FROM job_log")
    async with library_app(db, config, NARROW) as run:
        await opened(run)
        await run.shows("No work has ended yet.")
        await run.press("v")
        await run.shows("There is no picture here.")

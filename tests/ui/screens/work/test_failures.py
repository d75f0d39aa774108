"""Failures by their reasons: tried again, removed, listed, looked at."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.store.queue import totals
from dtk_tui.ui.screens.picture.screen import PictureScreen
from dtk_tui.ui.screens.queue import QueueScreen
from dtk_tui.ui.screens.work.failures import FailuresScreen
from tests.helpers.running_app import NARROW, library_app

_FAILED = """
DELETE FROM job;
INSERT INTO job (image_id, kind, state, error)
SELECT id, 2, 'failed', CASE WHEN id % 3 = 0 THEN 'The file ends too early.' ELSE file_name || ' cannot be decoded.' END
  FROM image WHERE id <= 12;
INSERT INTO job (image_id, kind, state) SELECT id, 1, 'pending' FROM image WHERE id <= 3;
"""


async def test_reasons(db: Database, config: Config, library: Path) -> None:
    with db.connection() as conn:
        conn.execute(_FAILED)
    config = Config(config.paths, Settings(preview=PreviewSettings(protocol="text")))
    async with library_app(db, config, NARROW) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("q")
        await run.until(lambda: isinstance(run.app.screen, QueueScreen))
        queue = run.app.screen
        assert isinstance(queue, QueueScreen)
        await run.shows("Failed 12")
        await run.press("t")
        await run.shows("only tag")
        await run.until(lambda: queue.table.count == 3)
        await run.press("f")
        await run.until(lambda: isinstance(run.app.screen, FailuresScreen))
        failures = run.app.screen
        assert isinstance(failures, FailuresScreen)
        await run.shows("12 failed jobs, 2 reasons")
        await run.shows("8 embed \u2026 cannot be decoded.")
        await run.press("v")
        await run.until(lambda: isinstance(run.app.screen, PictureScreen))
        await run.shows("1 of 1")
        await run.press("escape")
        await run.until(lambda: run.app.screen is failures)
        await run.press("y")
        await run.shows("8 jobs wait again")
        await run.shows("4 failed jobs, 1 reason")
        await run.press("enter")
        await run.until(lambda: run.app.screen is queue)
        await run.shows("Failed 4, embed: The file ends too early.")
        await run.until(lambda: queue.table.count == 4)
        await run.press("escape")
        await run.until(lambda: queue.table.count == 15)
        await run.press("f")
        await run.until(lambda: isinstance(run.app.screen, FailuresScreen))
        await run.shows("4 failed jobs, 1 reason")
        await run.press("d")
        await run.shows("Remove 4 failed jobs from the queue?")
        await run.press("y")
        await run.shows("4 jobs removed")
        await run.shows("No job has failed.")
        with db.connection() as conn:
            counts = totals.counts(conn)
        assert (counts.pending, counts.failed) == (11, 0)
        await run.press("y")
        await run.until(lambda: "No job has failed." in run.told)

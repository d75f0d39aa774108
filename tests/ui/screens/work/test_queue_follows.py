"""The list of jobs and the counts above it follow what others do to the queue."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.screens.queue import QueueScreen
from tests.helpers.running_app import NARROW, library_app


async def test_counts_follow_the_queue(db: Database, config: Config, library: Path) -> None:
    """A job that another process ends changes the counts of the list as it changes those of the control bar."""
    with db.connection() as conn:
        conn.execute(
            "DELETE FROM job; INSERT INTO job (image_id, kind, state) SELECT id, 1, 'pending' FROM image WHERE id <= 4"
        )
    async with library_app(db, config, NARROW) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("q")
        await run.until(lambda: isinstance(run.app.screen, QueueScreen))
        queue = run.app.screen
        assert isinstance(queue, QueueScreen)
        await run.shows("All 4   Waiting 4   Running 0   Failed 0")
        await run.until(lambda: queue.table.count == 4)
        with db.connection() as conn:
            conn.execute("UPDATE job SET state = 'failed', error = 'away' WHERE image_id = 1")
        await run.shows("Failed: 1")
        await run.shows("All 4   Waiting 3   Running 0   Failed 1")
        with db.connection() as conn:
            conn.execute("DELETE FROM job WHERE image_id = 2")
        await run.shows("All 3   Waiting 2   Running 0   Failed 1")
        await run.until(lambda: queue.table.count == 3)
        await run.press("home", "y")
        await run.shows("Nothing to try again: what is chosen has not failed.")
        await run.press("enter")
        await run.shows("tag: waiting")

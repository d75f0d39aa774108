"""What queueing a folder would do: counts, a sample, and queueing it from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind
from dtk_tui.services.queue import enqueue
from dtk_tui.store.database import Database
from dtk_tui.ui.queue_preview import QueuePreview
from tests.helpers.running_app import NARROW, WIDE, library_app
from tests.helpers.running_worker import EVERYTHING, one_value

_JOBS = "SELECT count(*) FROM job"


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_it_tells_what_is_new_and_queues_it(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("All images  30")
        run.main.query_one("#folders").focus()
        await run.press("M")
        await run.shows("Queue All images?")
        await run.shows("30 new; how long is not known yet")
        await run.shows("Sample, 12 of 12 images, by perceptual hash")
        await run.shows("nothing in the library to compare them with yet")
        assert one_value(db, _JOBS) == 0
        await run.press("y")
        await run.shows("30 queued.")
        assert one_value(db, _JOBS) == 30


async def test_it_is_left_without_queueing(db: Database, config: Config, library: Path) -> None:
    enqueue(db, config, EVERYTHING, [Kind.EMBED])
    async with library_app(db, config, WIDE) as run:
        await run.shows("All images  30")
        run.main.query_one("#folders").focus()
        await run.press("M")
        await run.shows("30 in the queue already")
        await run.press("escape")
        await run.until(lambda: not isinstance(run.app.screen, QueuePreview))
        assert one_value(db, _JOBS) == 30

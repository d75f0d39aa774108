"""Keys that come while the tree of folders waits for the library."""

from __future__ import annotations

import threading
from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.domain.library import FolderRows
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets.folder_tree import FolderTree
from tests.helpers.running_app import WIDE, library_app


async def test_a_folder_that_is_closed_while_it_opens_stays_closed(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("final")
        tree = run.main.query_one(FolderTree)
        await run.press("shift+tab", "home", "down", "left")
        await run.until(lambda: "final" not in run.text())
        fetch, held = tree._fetch, threading.Event()

        def late(key: int | None) -> FolderRows:
            held.wait(60)
            return fetch(key)

        tree._fetch = late
        await run.press("right", "left")
        held.set()
        await run.until(lambda: not [worker for worker in run.app.workers if worker.group == "open"])
        assert tree.count == 2
        await run.press("right")
        await run.shows("final")

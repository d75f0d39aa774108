"""What changes on the disk while the app is open."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.watcher import Watcher
from dtk_tui.store.database import Database
from dtk_tui.ui.app import DtkApp
from tests.ui.conftest import running, write_picture


async def test_new_files_are_offered_and_the_order_stays(db: Database, config: Config, library: Path) -> None:
    watcher = Watcher(db, config, lambda event: app.take(event), poll_s=0.1)
    app = DtkApp(db, config, None, watcher)
    async with running(app) as run:
        await run.shows("029.png")
        await run.until(watcher.watching.is_set)
        write_picture(library / "winter" / "new.png", "snow on a roof", made_at=1_760_000_000)
        await run.shows("1 new")
        assert "new.png" not in run.text(), "the order stays until a person asks"
        await run.shows("winter")
        await run.press("r")
        await run.shows("new.png")
        (library / "2025-11" / "000.png").unlink()
        await run.until(lambda: not run.main.query_one("#activity").display)
    assert not watcher.watching.is_set(), "it ends with the app"

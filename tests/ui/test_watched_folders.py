"""What changes on the disk while the app is open."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.domain.events import ScanFinished
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.scan.watcher import Watcher
from dtk_tui.store.database import Database
from dtk_tui.ui.app import DtkApp
from dtk_tui.ui.messages import NewsArrived
from dtk_tui.ui.screens.importer import ImportScreen
from dtk_tui.ui.screens.queue import QueueScreen
from tests.helpers.running_app import running, write_picture


async def test_new_files_are_offered_and_the_order_stays(db: Database, config: Config, library: Path) -> None:
    watcher = Watcher(db, config, lambda event: app.take(event), poll_s=0.1)
    app = DtkApp(LibraryBrowser(db, config), None, lambda: watcher)
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


class Hasty(Watcher):
    """A watcher that has news before anything else runs."""

    def start(self) -> None:
        """Tell it."""
        self._emit(ScanFinished({"seen": 30, "added": 1}, watched=True))
        super().start()


async def test_news_that_come_while_the_app_opens_do_not_end_it(db: Database, config: Config, library: Path) -> None:
    watcher = Hasty(db, config, lambda event: app.take(event), poll_s=0.1)
    app = DtkApp(LibraryBrowser(db, config), None, lambda: watcher)
    async with running(app) as run:
        await run.shows("029.png")
        await run.until(lambda: run.dtk.context.stats.current is not None)
        assert run.dtk.context.stats.current is not None
        for screen in (QueueScreen(run.dtk.context), ImportScreen(run.dtk.context)):
            run.dtk.push_screen(screen)
            run.dtk.context.stats.publish(run.dtk.context.stats.current)
            run.dtk.post_message(NewsArrived(ScanFinished({}, watched=True)))
            await run.until(lambda screen=screen: screen.is_mounted and run.app.screen is screen)
            await run.press("escape")
            await run.until(lambda: run.app.screen is run.main)


async def test_new_files_are_offered_in_the_folder_that_is_shown(db: Database, config: Config, library: Path) -> None:
    watcher = Watcher(db, config, lambda event: app.take(event), poll_s=0.1)
    app = DtkApp(LibraryBrowser(db, config), None, lambda: watcher)
    async with running(app) as run:
        await run.shows("029.png")
        await run.until(watcher.watching.is_set)
        await run.press("shift+tab", "down", "down", "down")
        await run.shows("final  10")
        write_picture(library / "final" / "new.png", "snow on a roof", made_at=1_760_000_000)
        await run.shows("final  10  newest first   refresh (r): 1 new")
        await run.press("r")
        await run.shows("final  11  newest first")
        assert "refresh" not in run.text()
        # The number of all images stays, that of this folder does not.
        (library / "final" / "new.png").rename(library / "2025-11" / "new.png")
        await run.shows("final  10  newest first")

"""Opening the app."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from dtk_tui.cli.open_library import open_database
from dtk_tui.ending import THREADS_S, end_within
from dtk_tui.errors import DtkError, ServerAwayError

if TYPE_CHECKING:
    from dtk_tui.config import Config
    from dtk_tui.domain.events import Event
    from dtk_tui.services.scan.watcher import Watcher
    from dtk_tui.services.worker.engine import Engine
    from dtk_tui.store.database import Database

#: The interpreter hands over between threads this often beside a screen, in seconds.
_SWITCH_S = 0.001


def open_app() -> None:
    """Open the app on the library of this environment."""
    # A server that hands it on to a browser names the driver for that.
    is_served = bool(os.environ.get("TEXTUAL_DRIVER"))
    if not is_served and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise DtkError("The app needs a terminal.", "For scripts there are commands: dtk --help")
    from dtk_tui.config import load
    from dtk_tui.terminal_report import hold_early_keys, tell_true_color

    with hold_early_keys():
        config = load()
        tell_true_color()
        # A page is told of the end of the first app, and would read nothing of the next one.
        db = open_database(config) if is_served else _opened(config)
        try:
            is_to_restart = run_app(db, config)
        finally:
            db.close()
            end_within(THREADS_S, status=int(sys.exc_info()[0] is not None))
    # Who reads the output of a served app has been told that it ended; the page offers to open it again.
    if is_to_restart and not is_served:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (this program again)


def _opened(config: Config) -> Database:
    """Open the library; a server elsewhere that is away is waited for, as long as a person does."""
    while True:
        try:
            return open_database(config)
        except ServerAwayError as error:
            if config.database_url is None or not _is_waited_for(config, error):
                raise


def _is_waited_for(config: Config, error: ServerAwayError) -> bool:
    from dtk_tui.store.database import Database
    from dtk_tui.ui.waiting import WaitingApp

    app = WaitingApp(config, error, lambda: Database.require_server(config))
    app.run()
    if app.return_code:
        raise SystemExit(app.return_code)
    return app.is_answered


def run_app(db: Database, config: Config) -> bool:
    """Run the app with a worker in background threads of this process; return whether a person wants it anew."""
    from dtk_tui.services.library.browse import LibraryBrowser
    from dtk_tui.ui.app import DtkApp

    sys.setswitchinterval(_SWITCH_S)

    def news(event: Event) -> None:
        app.take(event)

    def make_engine() -> Engine:
        from dtk_tui.services.worker import control
        from dtk_tui.services.worker.engine import Engine
        from dtk_tui.services.worker.priority import NICENESS_BESIDE_SCREEN

        if config.settings.worker.auto_start:
            control.start(db)
        return Engine(db, config, news, niceness=NICENESS_BESIDE_SCREEN)

    def make_watcher() -> Watcher:
        from dtk_tui.services.scan.watcher import Watcher

        return Watcher(db, config, news)

    # What only shows a database of Diffusion Toolkit has neither: both would write.
    is_watched = config.settings.scan.watch and not db.is_read_only
    app = DtkApp(
        LibraryBrowser(db, config), None if db.is_read_only else make_engine, make_watcher if is_watched else None
    )
    app.run()
    if app.return_code:
        raise SystemExit(app.return_code)
    return app.return_value is not None

"""Moving the library from the embedded server to another one, and back."""

from __future__ import annotations

from collections.abc import Callable

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.services.database.backups import require_no_workers
from dtk_tui.store.backup import move as store
from dtk_tui.store.database import Database, require_conninfo
from dtk_tui.store.server.embedded import EmbeddedServer

#: What names the embedded server as the target.
EMBEDDED = "embedded"


def move(db: Database, config: Config, to: str, on_progress: Callable[[int, int], None]) -> store.Moved:
    """Copy the library to another server, or go on with that; the library stays whole where it is.

    Args:
        to: a connection string, or ``embedded``.

    Raises:
        DtkError: a worker uses the library, it is there already, or as the store's ``move``.
    """
    if to == EMBEDDED:
        if config.database_url is None and config.followed_file is None:
            raise DtkError("The library is on the embedded server already.", "Name another one: postgresql://...")
        target = Database(None, EmbeddedServer(config.paths.database))
    else:
        require_conninfo(to)
        target = Database(to, None)
    require_no_workers(db, "move")
    try:
        return store.move(db, target, on_progress)
    finally:
        target.close()

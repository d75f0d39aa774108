"""The database as a whole: keeping the embedded server running, stopping it, and replacing the library by a backup."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.services import stats
from dtk_tui.store import maintenance
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from dtk_tui.store.server.embedded import EmbeddedServer


def keep_running(config: Config) -> EmbeddedServer:
    """Let the embedded server run on when its last user has left, and return it; DtkError as ``stop``."""
    server = _embedded(config)
    server.keep(True)
    return server


def stop(config: Config) -> bool:
    """Stop the embedded server, whoever uses it, and return whether it was running.

    Raises:
        DtkError: the library is on a server of its own.
    """
    server = _embedded(config)
    running = server.is_running()
    server.keep(False)
    server.stop()
    return running


def _embedded(config: Config) -> EmbeddedServer:
    if config.database_url is not None:
        raise DtkError("This library is on a server of its own.", "Start and stop it by its own means.")
    return EmbeddedServer(config.paths.database)


def require_no_workers(db: Database) -> int:
    """Return how many images the library has; raise DtkError while a worker uses it.

    What a worker knows of the library would be wrong from one moment to the next.
    """
    found = stats.snapshot(db)
    if found.workers:
        names = ", ".join(f"{worker.host} (process {worker.pid})" for worker in found.workers)
        raise DtkError(
            f"A worker uses this library: {names}.",
            "End it, or close its app, before you restore. One that was killed counts for a minute more.",
        )
    return found.library.images


def restore(db: Database, source: Path) -> None:
    """Replace the library by a backup; DtkError as ``maintenance.restore``.

    The workers of its time are gone: what they had claimed waits again, and nothing that they did is suspected.
    """
    maintenance.restore(db, source)
    with db.connection() as conn:
        workers.forget_all(conn)

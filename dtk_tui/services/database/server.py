"""The embedded server of a library: keeping it running, and stopping it."""

from __future__ import annotations

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
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
    if config.followed_file is not None:
        raise DtkError(
            "This library only shows a database of Diffusion Toolkit.", "Its server starts and ends by itself."
        )
    if config.database_url is not None:
        raise DtkError("This library is on a server of its own.", "Start and stop it by its own means.")
    return EmbeddedServer(config.paths.database)

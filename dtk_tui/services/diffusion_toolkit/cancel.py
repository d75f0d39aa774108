"""Cancelling an import: the error that it ends with, and the end of statements that still run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection
from dtk_tui.store.diffusion_toolkit import session

_POLL_S = 0.1


class StoppedError(DtkError):
    """A person stopped the import; the library is as it was."""

    def __init__(self) -> None:
        super().__init__("The migration was stopped.", "The library is as it was. --resume goes on with what was read.")


@contextmanager
def cancel_when_set(conn: Connection, stop: threading.Event) -> Iterator[None]:
    """Cancel what ``conn`` is doing in the block as soon as ``stop`` is set."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_S):
            if stop.is_set():
                # Between two statements there is nothing to cancel, so it is tried again.
                session.cancel_statement(conn)

    watcher = threading.Thread(target=watch, name="migrate-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()

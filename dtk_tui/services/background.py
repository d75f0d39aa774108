"""Work in a thread of its own, beside a screen, and stopping it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from dtk_tui.domain.events import Emit
from dtk_tui.errors import DtkError
from dtk_tui.store.database import Connection, cancel_statement

_log = logging.getLogger(__name__)

_POLL_S = 0.1


class BackgroundTask(threading.Thread):
    """One piece of work that runs beside everything else and can be stopped.

    A subclass gives ``_work``, which looks at ``_stop_asked``, and tells through ``_emit`` what it does. ``error`` says
    why it failed, if it did, when ``_ended`` is called.
    """

    def __init__(self, what: str, emit: Emit) -> None:
        super().__init__(name=f"dtk-{what}", daemon=True)
        self.error: DtkError | None = None
        self._what = what
        self._emit = emit
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Do the work; a failure ends up in ``error``."""
        try:
            self._work()
        except DtkError as error:
            self.error = error
        except Exception as error:
            _log.exception("the %s failed", self._what)
            self.error = DtkError(f"The {self._what} failed.", f"{type(error).__name__}: {error}")
        self._ended()

    def stop(self) -> None:
        """End soon."""
        self._stop_asked.set()

    def _work(self) -> None:
        """Do the work, in this thread."""
        raise NotImplementedError

    def _ended(self) -> None:
        """Tell that it is over, one way or the other."""


@contextmanager
def calling_when_set(stop: threading.Event, act: Callable[[], object]) -> Iterator[None]:
    """Call ``act`` in another thread as soon as ``stop`` is set, again and again until the block ends."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_S):
            if stop.is_set():
                act()

    watcher = threading.Thread(target=watch, name="dtk-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


@contextmanager
def cancel_when_set(conn: Connection, stop: threading.Event) -> Iterator[None]:
    """Cancel what ``conn`` is doing in the block as soon as ``stop`` is set."""
    # Between two statements there is nothing to cancel, so it is tried again.
    with calling_when_set(stop, partial(cancel_statement, conn)):
        yield

"""Work in a thread of its own, beside a screen."""

from __future__ import annotations

import logging
import threading

from dtk_tui.domain.events import Emit
from dtk_tui.errors import DtkError

_log = logging.getLogger(__name__)


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

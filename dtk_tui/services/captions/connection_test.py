"""The connection test of the captioner that the config names, in this thread or in one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dtk_tui.config import Config
from dtk_tui.domain.events import ignore
from dtk_tui.errors import DtkError
from dtk_tui.inference.captioner.base import Captioner
from dtk_tui.inference.captioner.choice import captioner, check_settings
from dtk_tui.inference.captioner.connection import ConnectionReport, check_connection
from dtk_tui.services.background import BackgroundTask


def check_captioner(config: Config, opened: Callable[[Captioner], None] | None = None) -> ConnectionReport:
    """Ask the captioner for its models and about a small picture; what is wrong stands in the report.

    Args:
        opened: gets the captioner before it is asked; closing it ends the test.
    """
    try:
        check_settings(config)
        asked = captioner(config)
    except DtkError as error:
        return ConnectionReport(False, [], None, str(error))
    try:
        if opened is not None:
            opened(asked)
        return check_connection(asked)
    finally:
        asked.close()


class CaptionerTest(BackgroundTask):
    """A connection test that can be cancelled, whatever it waits for.

    Args:
        ended: called in the thread of the test when it is over, unless it was cancelled.

    Attributes:
        report: what was found, when ``ended`` is called; None where the test itself failed (``error``).
    """

    def __init__(self, config: Config, ended: Callable[[], None]) -> None:
        super().__init__("captioner test", ignore)
        self.report: ConnectionReport | None = None
        self._config = config
        self._tell = ended
        self._lock = threading.Lock()
        self._asked: Captioner | None = None

    @property
    def condition(self) -> str | None:
        """What the captioner does before it can answer; None when it can."""
        asked = self._asked
        return None if asked is None else asked.condition

    def stop(self) -> None:
        """Cancel it: returns at once, the server of the captioner ends soon."""
        super().stop()
        with self._lock:
            asked = self._asked
        if asked is not None:
            threading.Thread(target=asked.close, name="dtk-captioner-close", daemon=True).start()

    def _work(self) -> None:
        self.report = check_captioner(self._config, self._opened)

    def _opened(self, asked: Captioner) -> None:
        with self._lock:
            self._asked = asked
        if self._stop_asked.is_set():
            asked.close()

    def _ended(self) -> None:
        if not self._stop_asked.is_set():
            self._tell()

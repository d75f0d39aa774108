"""The worker and the watcher of this process: made, opened and closed in threads, beside the screen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from dtk_tui.errors import DtkError
from dtk_tui.ui.gentle_import import gentle_imports

if TYPE_CHECKING:
    from dtk_tui.services.scan.watcher import Watcher
    from dtk_tui.services.worker.engine import Engine


class LocalServices:
    """What works in the background of an app.

    Args:
        make_engine, make_watcher: make them, in a thread, so that what they import holds up no screen; None where the
            app has none.
        report: is told, in that thread, why the worker cannot be opened.

    Attributes:
        engine, watcher: None until they are made.
        has_worker: whether there is, or will be, an engine.
    """

    def __init__(
        self,
        make_engine: Callable[[], Engine] | None,
        make_watcher: Callable[[], Watcher] | None,
        report: Callable[[DtkError], None],
    ) -> None:
        self.has_worker = make_engine is not None
        self.engine: Engine | None = None
        self.watcher: Watcher | None = None
        self._make_engine = make_engine
        self._make_watcher = make_watcher
        self._report = report
        self._opening: threading.Thread | None = None
        self._closing = threading.Event()

    def open(self) -> None:
        """Make and open them, once; returns at once."""
        if self._opening is None and not self._closing.is_set():
            self._opening = threading.Thread(
                target=self._open, args=(asyncio.get_running_loop(),), name="dtk-open", daemon=True
            )
            self._opening.start()

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._make_engine is not None:
            with gentle_imports(loop):
                self.engine = self._make_engine()
            if self._closing.is_set():
                return
            try:
                self.engine.open()
            except DtkError as error:
                self._report(error)
        if self._make_watcher is not None and not self._closing.is_set():
            with gentle_imports(loop):
                self.watcher = self._make_watcher()
            self.watcher.start()

    def close(self) -> list[threading.Thread]:
        """Begin to close them; return the threads that are at it."""
        self._closing.set()
        if self._opening is None:
            return []
        threads = [
            threading.Thread(target=self._end, args=(part,), name="dtk-close", daemon=True)
            for part in (lambda: self.engine, lambda: self.watcher)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _end(self, part: Callable[[], Engine | Watcher | None]) -> None:
        """Close what there is at once, since it may be what the opening waits for, and what comes of the opening."""
        first = part()
        if first is not None:
            first.close()
        if self._opening is not None:
            self._opening.join()
        last = part()
        if last is not None and last is not first:
            last.close()

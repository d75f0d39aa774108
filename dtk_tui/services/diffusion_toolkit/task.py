"""An import in the background of the app."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from dtk_tui.domain.imports import STEPS, ImportOptions, ImportProgressed, ImportReport
from dtk_tui.errors import DtkError
from dtk_tui.services.library.browse import LibraryBrowser

_log = logging.getLogger(__name__)


class Import(threading.Thread):
    """One migration; at its end ``report`` or ``error`` is there. ``tell`` is called at every step, in this thread.

    ``progress`` is the last news, ``tables`` the last that had tables.
    """

    def __init__(self, library: LibraryBrowser, options: ImportOptions, tell: Callable[[], None]) -> None:
        super().__init__(name="dtk-import", daemon=True)
        self.options = options
        self.progress = self.tables = ImportProgressed(STEPS[0])
        self.report: ImportReport | None = None
        self.error: DtkError | None = None
        self._library = library
        self._tell = tell
        self._stopping = threading.Event()

    @property
    def is_done(self) -> bool:
        """Whether it ended, one way or the other."""
        return self.report is not None or self.error is not None

    @property
    def fills(self) -> bool:
        """Whether it writes the library now: who asks for images waits for its end."""
        return not self.is_done and self.progress.step == STEPS[-1]

    def run(self) -> None:
        """Migrate."""
        # Arrow, which this loads, would make every start of the app slower.
        from dtk_tui.services.diffusion_toolkit.importer import import_database

        library = self._library
        try:
            self.report = import_database(library.db, library.config, self.options, self._follow, self._stopping)
        except DtkError as error:
            self.error = error
        except Exception as error:
            _log.exception("the import of %r failed", self.options.source)
            self.error = DtkError("The import failed.", f"{type(error).__name__}: {error}")
        self._tell()

    def _follow(self, news: ImportProgressed) -> None:
        self.progress = news
        if news.tables:
            self.tables = news
        self._tell()

    def stop(self) -> None:
        """End soon; what was read is kept for a resume, the library stays as it was."""
        self._stopping.set()

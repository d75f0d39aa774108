"""An import in the background of the app."""

from __future__ import annotations

from dtk_tui.domain.events import Emit, ImportFinished
from dtk_tui.domain.imports import STEPS, ImportOptions, ImportProgressed, ImportReport
from dtk_tui.services.background import BackgroundTask
from dtk_tui.services.library.browse import LibraryBrowser


class Import(BackgroundTask):
    """One import; at its end, which ``emit`` tells like every step, ``report`` or ``error`` is there.

    ``progress`` is the last news, ``tables`` the last that had tables. One that is stopped leaves the library as it
    was; what it had read is kept for a resume.
    """

    def __init__(self, library: LibraryBrowser, options: ImportOptions, emit: Emit) -> None:
        super().__init__("import", emit)
        self.options = options
        self.progress = self.tables = ImportProgressed(STEPS[0])
        self.report: ImportReport | None = None
        self._library = library

    @property
    def is_done(self) -> bool:
        """Whether it ended, one way or the other."""
        return self.report is not None or self.error is not None

    @property
    def fills(self) -> bool:
        """Whether it writes the library now: who asks for images waits for its end."""
        return not self.is_done and self.progress.step == STEPS[-1]

    def _work(self) -> None:
        # Arrow, which this loads, would make every start of the app slower.
        from dtk_tui.services.diffusion_toolkit.importer import import_database

        library = self._library
        self.report = import_database(library.db, library.config, self.options, self._follow, self._stop_asked)

    def _ended(self) -> None:
        self._emit(ImportFinished())

    def _follow(self, news: ImportProgressed) -> None:
        self.progress = news
        if news.tables:
            self.tables = news
        self._emit(news)

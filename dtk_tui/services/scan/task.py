"""A scan in the background of the app."""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.domain.events import Emit, Event, ProblemReported, ScanFinished
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.background import BackgroundTask
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.library.folder_rules import require_roots


class Scan(BackgroundTask):
    """One scan, of some folders or (none) of all roots; its progress and its end are told through ``emit``."""

    def __init__(self, library: LibraryBrowser, paths: Sequence[str], emit: Emit) -> None:
        super().__init__("scan", emit)
        self._library = library
        self._paths = paths

    def _work(self) -> None:
        # The readers of files, which this loads, would make every start of the app slower.
        from dtk_tui.services.scan import scanner

        db = self._library.db
        if not self._paths:
            self._require_roots()
        scanner.scan(db, self._library.config, self._paths, self._emit, self._stop_asked)

    def _ended(self) -> None:
        if self.error is not None:  # the end of one that went well is told by itself
            self._emit(ScanFinished())

    def _require_roots(self) -> None:
        """Tell which roots are away; where it is all of them, in the one failure that says so."""
        away: list[Event] = []
        try:
            with self._library.db.connection() as conn:
                require_roots(conn, away.append)
        except DatabaseLostError:
            raise
        except DtkError as error:
            names = [event.title for event in away if isinstance(event, ProblemReported)]
            raise DtkError(error.title, "\n".join([*names, error.detail])) from error
        for event in away:
            self._emit(event)

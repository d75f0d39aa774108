"""A scan in the background of the app."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from dtk_tui.domain.events import Emit, Event, ProblemReported, ScanFinished
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.library.folder_rules import require_roots
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database

_log = logging.getLogger(__name__)


class Scan(threading.Thread):
    """One scan, of some folders or (none) of all roots.

    Its progress and its end are told through ``emit``, a failure stands in ``error`` by then.
    """

    def __init__(self, library: LibraryBrowser, paths: Sequence[str], emit: Emit) -> None:
        super().__init__(name="dtk-scan", daemon=True)
        self._library = library
        self._paths = paths
        self._emit = emit
        self._stopping = threading.Event()
        self.error: DtkError | None = None

    def run(self) -> None:
        """Scan."""
        try:
            db = self._library.db
            if not self._paths:
                self._require_roots(db)
            scanner.scan(db, self._library.config, self._paths, self._emit, self._stopping)
            return
        except DtkError as error:
            self.error = error
        except Exception as error:
            _log.exception("the scan of %r failed", self._paths)
            self.error = DtkError("The scan failed.", f"{type(error).__name__}: {error}")
        self._emit(ScanFinished())

    def _require_roots(self, db: Database) -> None:
        """Tell which roots are away; where it is all of them, in the one failure that says so."""
        away: list[Event] = []
        try:
            with db.connection() as conn:
                require_roots(conn, away.append)
        except DatabaseLostError:
            raise
        except DtkError as error:
            names = [event.title for event in away if isinstance(event, ProblemReported)]
            raise DtkError(error.title, "\n".join([*names, error.detail])) from error
        for event in away:
            self._emit(event)

    def stop(self) -> None:
        """End soon; what was written stays."""
        self._stopping.set()

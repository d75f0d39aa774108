"""Adding folders: naming one, and scanning it in the background."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.suggester import Suggester

from dtk_tui.domain.events import Emit, Event, ScanFinished, TroubleMet
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services import scanner
from dtk_tui.services.rules import require_roots
from dtk_tui.store.database import Database
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.source import Library

_log = logging.getLogger(__name__)


class Scan(threading.Thread):
    """One scan, of some folders or (none) of all roots.

    Its progress and its end are told through ``emit``, a failure stands in ``error`` by then.
    """

    def __init__(self, library: Library, paths: Sequence[str], emit: Emit) -> None:
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
            names = [event.title for event in away if isinstance(event, TroubleMet)]
            raise DtkError(error.title, "\n".join([*names, error.detail])) from error
        for event in away:
            self._emit(event)

    def stop(self) -> None:
        """End soon; what was written stays."""
        self._stopping.set()


def counts_words(counts: Mapping[str, float]) -> str:
    """Return what a scan found, e.g. ``Scan done: 30 seen, 30 added``."""
    shown = [
        f"{counts[key]:,.0f} {key}"
        for key in ("seen", "added", "updated", "moved", "gone", "failed")
        if counts.get(key)
    ]
    return "Scan done: " + (", ".join(shown) or "nothing found")


def typed_path(text: str) -> str:
    """Return the path that somebody means: one that was pasted behind the folder that stood there counts alone."""
    for sign in ("//", "/~"):
        at = text.rfind(sign)
        if at > 0 and not os.path.lexists(text):
            text = text[at + 1 :]
    return os.path.expanduser(text)  # noqa: PTH111 (names may be any bytes)


class FolderSuggester(Suggester):
    """Completes the names of folders, and of files with certain endings."""

    def __init__(self, endings: tuple[str, ...] = ()) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._endings = endings

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first folder or file that begins with what was typed."""
        return await in_thread(self._complete, value)

    def _complete(self, value: str) -> str | None:
        start, typed = os.path.split(value)
        try:
            with os.scandir(Path(start or ".").expanduser()) as entries:
                found = [e for e in entries if e.name.startswith(typed) and (typed or not e.name.startswith("."))]
            names = sorted(
                e.name + "/" if e.is_dir() else e.name
                for e in found
                if e.is_dir() or e.name.endswith(self._endings or "/")
            )
        except OSError:
            return None
        if not names or one_line(names[0]) != names[0]:
            return None
        return os.path.join(start, names[0])  # noqa: PTH118 (what was typed must stay as it is)

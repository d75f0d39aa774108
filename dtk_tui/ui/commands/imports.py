"""Opening the import of a Diffusion Toolkit database, and offering one that lies about."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from textual.app import App

from dtk_tui.domain.queue import Target
from dtk_tui.domain.stats import Stats
from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit.find import find_sources
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import Confirm
from dtk_tui.ui.messages import ImportOpened, SourceFound

_log = logging.getLogger(__name__)


def open_import(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show the import: a new one, or the one under way."""
    screen.app.post_message(ImportOpened())


class ImportOffer:
    """Looks once for a database when the library is empty and none was ever offered."""

    def __init__(self, app: App[Any], context: AppContext) -> None:
        self._app = app
        self._context = context
        self._file: Path = context.config.paths.state / "import-offered"
        self._is_considered = False

    def consider(self, stats: Stats) -> None:
        """Look for a database if the first numbers say that the library is empty."""
        if self._is_considered:
            return
        self._is_considered = True
        if not stats.library.images:
            # Not of the pool that is waited for: a mounted profile may hang.
            threading.Thread(target=self._find, name="dtk-find", daemon=True).start()

    def _find(self) -> None:
        try:
            if self._file.exists() or self._context.library.folders(None):
                return
            found = find_sources(self._context.config)
            if found and self._app.is_running:
                self._app.post_message(SourceFound(found[0]))
        except (DtkError, OSError, RuntimeError) as error:
            _log.info("no database of Diffusion Toolkit was looked for: %s", error)

    async def ask(self, path: str) -> None:
        """Offer a database, this one time."""
        await in_thread(self._remember, path)
        text = (
            f"{one_line(path, 200)}\n\nIts images, ratings, albums and tags can be brought over. "
            "The file is only read. Later: the command palette, or dtk migrate."
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self._app.post_message(ImportOpened(path))

        self._app.push_screen(Confirm("A database of Diffusion Toolkit is here.", text, "Look at it"), answered)

    def _remember(self, path: str) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(path + "\n", encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            _log.warning("the offer cannot be remembered: %s", error)

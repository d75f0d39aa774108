"""Importing a Diffusion Toolkit database, and offering one that lies about."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import App
from textual.binding import Binding, BindingType

from dtk_tui.domain.imports import STEPS, ImportOptions
from dtk_tui.domain.stats import Stats
from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit.find import find_sources
from dtk_tui.services.diffusion_toolkit.task import Import
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.dialogs import Confirm
from dtk_tui.ui.messages import SourceFound
from dtk_tui.ui.screens.importer import ImportScreen
from dtk_tui.ui.screens.importer_text import Form

if TYPE_CHECKING:
    from dtk_tui.ui.app import DtkApp

_log = logging.getLogger(__name__)


class Imports(App[None]):
    """What the app does about Diffusion Toolkit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("I", "import_toolkit", "Import a Diffusion Toolkit database", show=False, id="app.import"),
    ]
    importing: Import | None = None
    import_form: Form | None = None
    _offer_considered = False

    @property
    def _dtk(self) -> DtkApp:
        return cast("DtkApp", self)

    def action_import_toolkit(self) -> None:
        """Show the import: a new one, or the one under way."""
        self.show_import(None)

    def show_import(self, source: str | None) -> None:
        """Show the screen of the import, with a file."""
        if not any(isinstance(screen, ImportScreen) for screen in self.screen_stack):
            self.push_screen(ImportScreen(source))

    def start_import(self, options: ImportOptions) -> None:
        """Import in the background."""
        if self.importing is not None and not self.importing.is_done:
            self._dtk.say("An import is running already.", severity="warning")
            return
        self.importing = Import(self._dtk.library, options, self._dtk.take)
        self.importing.start()

    def on_import_moved(self) -> None:
        """Show how far the import is, and take over what it brought."""
        running = self.importing
        if running is None:
            return
        for screen in self.screen_stack:
            if isinstance(screen, ImportScreen) and screen.is_mounted:
                screen.show_import(running)
        if not running.is_done:
            news = running.progress
            whole = counted(news.total, "row") if news.step == STEPS[0] else f"{news.total:,}"
            share = f": {news.done:,} of {whole}" if news.total else ""
            self._dtk.main.show_activity(f"Importing, {news.step}{share}")
            return
        self._dtk.main.show_activity("")
        if not any(isinstance(screen, ImportScreen) for screen in self.screen_stack):
            # Whoever left the screen does something else now.
            if running.error is not None:
                self._dtk.say(f"{running.error.title} I shows more.", severity="error")
            else:
                self._dtk.say("The import is done. I shows its report.")
        self._dtk.library_changed()

    # -- the offer ----------------------------------------------------------------------------------------------------

    @property
    def _offered_file(self) -> Path:
        return self._dtk.config.paths.state / "import-offered"

    def consider_offer(self, stats: Stats) -> None:
        """Look once for a database when the library is empty and none was ever offered."""
        if self._offer_considered:
            return
        self._offer_considered = True
        if not stats.library.images:
            # Not of the pool that is waited for: a mounted profile may hang.
            threading.Thread(target=self._find, name="dtk-find", daemon=True).start()

    def _find(self) -> None:
        try:
            if self._offered_file.exists() or self._dtk.library.folders(None):
                return
            found = find_sources(self._dtk.config)
            if found and self.is_running:
                self.post_message(SourceFound(found[0]))
        except (DtkError, OSError, RuntimeError) as error:
            _log.info("no database of Diffusion Toolkit was looked for: %s", error)

    @task("offer")
    async def on_source_found(self, message: SourceFound) -> None:
        """Offer a database, this one time."""
        await in_thread(self._remember_offer, message.path)
        text = (
            f"{one_line(message.path, 200)}\n\nIts images, ratings, albums and tags can be brought over. "
            "The file is only read. Later: the command palette, or dtk migrate."
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.show_import(message.path)

        self.push_screen(Confirm("A database of Diffusion Toolkit is here.", text, "Look at it"), answered)

    def _remember_offer(self, path: str) -> None:
        try:
            self._offered_file.parent.mkdir(parents=True, exist_ok=True)
            self._offered_file.write_text(path + "\n", encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            _log.warning("the offer cannot be remembered: %s", error)

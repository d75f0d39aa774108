"""Adding folders to the library and scanning them, from the app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import App
from textual.binding import Binding, BindingType

from dtk_tui.domain.events import ScanFinished
from dtk_tui.text import one_line
from dtk_tui.ui.messages import ScanMoved, TroubleReported
from dtk_tui.ui.scans import FolderSuggester, Scan, counts_words, typed_path
from dtk_tui.ui.screens.dialogs import Ask
from dtk_tui.ui.widgets.folder_tree import FolderTree

if TYPE_CHECKING:
    from dtk_tui.ui.app import DtkApp


class RootActions(App[None]):
    """What the app does with the folders of the library."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "add_folder", "Add a folder", show=False, id="app.add_folder"),
        Binding("ctrl+r", "scan_again", "Scan again", show=False, id="app.scan_again"),
    ]
    scanning: Scan | None = None

    @property
    def _its(self) -> DtkApp:
        return cast("DtkApp", self)

    def action_add_folder(self) -> None:
        """Ask for a folder and scan it."""
        hint = "an absolute path; \u2192 takes the completion, Enter scans it with all below it"
        ask = Ask("Add a folder of images", hint, value=str(Path.home()) + "/", suggester=FolderSuggester())
        self.push_screen(ask, lambda path: self.scan(typed_path(path)) if path else None)

    def action_scan_again(self) -> None:
        """Scan the folder under the cursor again, or all folders of the library."""
        tree = self._its.main.query_one(FolderTree)
        if tree.folder is not None:
            self.scan(tree.folder.path)
        elif tree.roots:
            self.scan()
        else:
            self.action_add_folder()

    def scan(self, *paths: str) -> None:
        """Scan folders, without any all of the library, in the background."""
        if self.scanning is not None:
            self._its.say("A scan is running already.", severity="warning")
            return
        self.scanning = Scan(self._its.library, paths, self._its.take)
        self._its.main.show_activity(f"Scanning {one_line(', '.join(paths) or 'all folders', 60)}")
        self.scanning.start()

    def on_scan_moved(self, message: ScanMoved) -> None:
        """Show how far a scan is."""
        progress = message.progress
        if progress.phase == "quick":
            self._its.main.show_activity(f"Looking for images: {progress.done:,} found")
        else:
            self._its.main.show_activity(f"Reading images: {progress.done:,} of {progress.total:,}")

    def scan_finished(self, event: ScanFinished) -> None:
        """Show what a scan found, and what it brought."""
        its = self._its
        if event.watched:
            if self.scanning is None:
                its.main.show_activity("")
            its.main.renew()
            return
        scan, self.scanning = self.scanning, None
        its.main.show_activity("")
        if scan is not None and scan.error is not None:
            its.on_trouble_reported(TroubleReported(scan.error))
        elif event.counts:
            its.say(counts_words(event.counts))
        its.library_changed()

"""What the app does with the folders of the library: add, scan, leave out, take out, forget what is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import App
from textual.binding import Binding, BindingType

from dtk_tui.domain.events import ScanFinished
from dtk_tui.domain.library import FolderRow, Rule
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services.library.folder_rules import absolute
from dtk_tui.services.scan.task import Scan
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.dialogs import Confirm, FolderDialog
from dtk_tui.ui.format import counts_words
from dtk_tui.ui.messages import ErrorReported, ScanMoved
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.path_input import FolderSuggester, typed_path

if TYPE_CHECKING:
    from dtk_tui.ui.app import DtkApp


class RootActions(App[None]):
    """Actions on the folder under the cursor of the tree, and on the library as a whole."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "add_folder", "Add a folder", show=False, id="app.add_folder"),
        Binding("ctrl+r", "scan_again", "Scan again", show=False, id="app.scan_again"),
        Binding("X", "forget_missing", "Forget images without a file", show=False, id="app.forget_missing"),
    ]
    scanning: Scan | None = None

    @property
    def _its(self) -> DtkApp:
        return cast("DtkApp", self)

    @property
    def _tree(self) -> FolderTree:
        return self._its.main.query_one(FolderTree)

    # -- scans --------------------------------------------------------------------------------------------------------

    def action_add_folder(self) -> None:
        """Ask for a folder and scan it."""
        ask = FolderDialog("Add a folder of images", str(Path.home()) + "/", FolderSuggester())
        self.push_screen(ask, self._add)

    def _add(self, asked: tuple[str, bool] | None) -> None:
        if asked is None:
            return
        path, recursive = typed_path(asked[0]), asked[1]
        if recursive:
            self.scan(path)
        else:
            self._add_alone(path)

    @task("add", asked=True)
    async def _add_alone(self, path: str) -> None:
        here = absolute(path)
        await in_thread(self._its.library.add_folder, here, recursive=False)
        self.scan(here)

    def action_scan_again(self) -> None:
        """Scan the folder under the cursor again, or all folders of the library."""
        tree = self._tree
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
            its.on_error_reported(ErrorReported(scan.error))
        elif event.counts:
            its.say(counts_words(event.counts))
        its.library_changed()

    # -- rules --------------------------------------------------------------------------------------------------------

    def _chosen(self) -> FolderRow | None:
        folder = self._tree.folder
        if folder is None:
            self._its.say("Choose a folder of the tree first.", severity="warning")
        return folder

    def action_exclude(self) -> None:
        """Leave the folder out of scans."""
        folder = self._chosen()
        if folder is not None:
            self._set_rule(folder, Rule(excluded=True))

    def action_archive(self) -> None:
        """Keep the folder as it is."""
        folder = self._chosen()
        if folder is not None:
            self._set_rule(folder, Rule(archived=True))

    def action_include(self) -> None:
        """Scan the folder, whatever was said of it before."""
        folder = self._chosen()
        if folder is not None:
            self._set_rule(folder, Rule())

    def action_alone(self) -> None:
        """Let the folder's rule hold for itself alone, or for all below it again."""
        folder = self._chosen()
        if folder is not None:
            rule = Rule(folder.excluded, folder.archived, folder.recursive)
            self._set_rule(folder, replace(rule, recursive=not rule.recursive))

    @task("rule", asked=True)
    async def _set_rule(self, folder: FolderRow, rule: Rule) -> None:
        path, its = folder.path, self._its
        said = await in_thread(its.library.set_rule, path, rule)
        its.say(f"{path} {said}")
        self._tree.reload()
        if its.watcher is not None:
            its.watcher.look_again()
        if not (rule.excluded or rule.archived) and self.scanning is None:
            self.scan(path)

    # -- taking out ---------------------------------------------------------------------------------------------------

    @task("outline", asked=True)
    async def action_remove_folder(self) -> None:
        """Take the folder out of the library, after a question."""
        folder = self._chosen()
        if folder is None:
            return
        number = folder.id
        below, images = await in_thread(self._its.library.folder_size, number)
        text = (
            f"{folder.path}\n\n{counted(below, 'folder')}, {counted(images, 'image')} with all that is known of them: "
            "ratings, tags, captions, vectors. The files stay."
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self._take_out(images, "taken out of the library", lambda: self._its.library.take_out_some(number))

        self.push_screen(Confirm("Take this out of the library?", text, "Take it out"), answered)

    @task("outline", asked=True)
    async def action_forget_missing(self) -> None:
        """Forget the images whose files are gone, of the folder under the cursor or of all, after a question."""
        tree = self._tree
        folder = tree.folder if tree.has_focus else None
        number, path = (None, None) if folder is None else (folder.id, folder.path)
        images = await in_thread(self._its.library.missing, number)
        where = "the library" if folder is None else one_line(folder.name, 60)
        if not images:
            self._its.say(f"No image of {where} is without its file.")
            return
        away = await in_thread(self._its.library.roots_away, path)
        text = f"{counted(images, 'image')} of {where} without a file, with ratings, tags, captions and vectors."
        text += "".join(f"\n\nAll of {lost} is away: is its disk mounted?" for lost in away)

        def answered(yes: bool | None) -> None:
            if yes:
                self._take_out(images, "forgotten", lambda: self._its.library.forget_some(number))

        self.push_screen(Confirm("Forget images?", text, "Forget them" if images > 1 else "Forget it"), answered)

    @task("take out", exclusive=False)
    async def _take_out(self, images: int, verb: str, some: Callable[[], int]) -> None:
        if self.scanning is not None:
            self._its.say("A scan is running: this must wait for its end.", severity="warning")
            return
        its, done = self._its, 0
        try:
            while taken := await in_thread(some):
                done += taken
                its.main.show_activity(f"{done:,} of {counted(images, 'image')} {verb}")
        except DatabaseLostError:
            its.say(f"Only {counted(done, 'image')} {verb}: the database went away. Ask again when it is back.")
            raise
        finally:
            its.main.show_activity("")
            its.library_changed()
        its.say(f"{counted(done, 'image')} {verb}.")

"""The scan, the import and the check under way, and what is told of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.signal import Signal

from dtk_tui.domain.events import Emit, GroupCheckProgressed, PullProgressed, ScanFinished, ScanProgressed
from dtk_tui.domain.imports import STEPS, ImportOptions
from dtk_tui.services.background import BackgroundTask
from dtk_tui.services.diffusion_toolkit.task import Import
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.services.library.edits import EditResult, EditTask, Progress
from dtk_tui.services.library.groups import GroupCheckTask
from dtk_tui.services.scan.task import Scan
from dtk_tui.text import counted, one_line

if TYPE_CHECKING:
    from dtk_tui.services.models import ModelPull


class Tasks:
    """Long work beside the screens: at most one scan, import, edit of many, download of models and check of the groups.

    Args:
        app: on whose event loop it lives.
        emit: takes the news of the tasks from their threads; the app brings them back to the methods here.

    Attributes:
        emit: as given; for whoever has news from a thread and shows nothing itself.
        scan, importing, editing, group_check: what is under way; an import, and an edit of many or the undo of one,
            stay here until somebody has seen how they ended.
        activity: publishes what goes on, in words; an empty text when nothing does.
        import_moved: publishes the import when it came further or ended.
        import_form: what a person said of an import, for when they come back to its screen.
        import_is_shown: whether a screen shows the import, so that nobody has to be told of its end.
        edit_moved: publishes the edit of many when it came further or ended.
        edit_screens: how many screens show it.
        pulling: the models that are fetched, or were last.
        pull_moved: publishes them when they came further or ended.
        pull_is_shown: whether a screen shows them.
        edits_in_order: held by an edit of few images, so that they are done in the order of their keys.
        flags_in_order: held from the look whether images have a flag to the edit that follows from it.
        wishes_in_order: held by what is asked of the workers, so that what was asked last holds.
    """

    def __init__(self, app: App[Any], library: LibraryBrowser, emit: Emit) -> None:
        self.scan: Scan | None = None
        self.importing: Import | None = None
        self.group_check: GroupCheckTask | None = None
        self.activity: Signal[str] = Signal(app, "activity")
        self.import_moved: Signal[Import] = Signal(app, "import-moved")
        self.import_form: ImportOptions | None = None
        self.import_is_shown = False
        self.editing: EditTask | None = None
        self.edit_moved: Signal[EditTask] = Signal(app, "edit-moved")
        self.edit_screens = 0
        self.pulling: ModelPull | None = None
        self.pull_moved: Signal[ModelPull] = Signal(app, "pull-moved")
        self.pull_is_shown = False
        self.edits_in_order = asyncio.Lock()
        self.flags_in_order = asyncio.Lock()
        self.wishes_in_order = asyncio.Lock()
        self._told_edit: EditTask | None = None
        self._told_import: Import | None = None
        self._library = library
        self.emit = emit

    @property
    def is_importing(self) -> bool:
        """Whether an import is under way and not over."""
        return self.importing is not None and not self.importing.is_done

    @property
    def is_filling(self) -> bool:
        """Whether an import writes the library now: who asks for numbers waits for its end."""
        return self.importing is not None and self.importing.fills

    def start_scan(self, *paths: str) -> bool:
        """Scan folders, without any all of the library; say whether that began, as none is under way."""
        if self.scan is not None:
            return False
        self.scan = Scan(self._library, paths, self.emit)
        self.activity.publish(f"Scanning {one_line(', '.join(paths) or 'all folders', 60)}")
        self.scan.start()
        return True

    def show_scan(self, progress: ScanProgressed) -> None:
        """Tell how far a scan is."""
        if progress.phase == "quick":
            self.activity.publish(f"Looking for images: {progress.done:,} found")
        else:
            self.activity.publish(f"Reading images: {progress.done:,} of {progress.total:,}")

    def end_scan(self, event: ScanFinished) -> Scan | None:
        """Take note of the end of a scan; return the one that a person asked for."""
        if not event.watched:
            scan, self.scan = self.scan, None
            self.activity.publish("")
            return scan
        if self.scan is None:
            self.activity.publish("")
        return None

    def start_import(self, options: ImportOptions) -> bool:
        """Import; say whether that began, as none is under way."""
        if self.is_importing:
            return False
        self.importing = Import(self._library, options, self.emit)
        self.importing.start()
        return True

    def show_import(self) -> Import | None:
        """Tell how far the import is; return it, once, if it is over."""
        running = self.importing
        if running is None or running is self._told_import:
            return None
        is_done = running.is_done
        self.import_moved.publish(running)
        if is_done:
            self.activity.publish("")
            self._told_import = running
            return running
        news = running.progress
        whole = counted(news.total, "row") if news.step == STEPS[0] else f"{news.total:,}"
        share = f": {news.done:,} of {whole}" if news.total else ""
        self.activity.publish(f"Importing, {news.step}{share}")
        return None

    @property
    def is_editing(self) -> bool:
        """Whether an edit of many is under way and not over."""
        return self.editing is not None and not self.editing.is_done

    def start_edit(self, title: str, work: Callable[[Progress, threading.Event], EditResult]) -> bool:
        """Edit many, undo that, or make tags anew; say whether it began, as no other is under way."""
        if self.is_editing:
            return False
        self.editing = EditTask(self._library.db, title, work, self.emit)
        self.activity.publish(one_line(title, 60))
        self.editing.start()
        return True

    def show_edit(self) -> EditTask | None:
        """Tell how far the edit of many is; return it, once, if it is over."""
        running = self.editing
        if running is None or running is self._told_edit:
            return None
        is_done = running.is_done
        if is_done:
            self.activity.publish("")
        elif running.total:
            self.activity.publish(f"{one_line(running.title, 60)}: {running.done:,} of {running.total:,}")
        self.edit_moved.publish(running)
        if is_done:
            self._told_edit = running
        return running if is_done else None

    def start_pull(self, names: Sequence[str]) -> bool:
        """Get models; say whether that began, as no other download is under way."""
        if self.pulling is not None and not self.pulling.is_done:
            return False
        from dtk_tui.services.models import ModelPull

        self.pulling = ModelPull(self._library.config, names, self.emit)
        self.activity.publish("Getting models")
        self.pulling.start()
        return True

    def show_pull(self, progress: PullProgressed) -> None:
        """Tell how far a model is on its way."""
        share = f", {progress.done / 1e6:,.0f} of {progress.total / 1e6:,.0f} MB" if progress.total else ""
        self.activity.publish(f"Getting models: {one_line(progress.name, 40)}, {progress.step}{share}")
        self._publish_pull()

    def end_pull(self) -> ModelPull | None:
        """Take note of the end of a download; return it where no screen shows it."""
        self.activity.publish("")
        self._publish_pull()
        return None if self.pull_is_shown else self.pulling

    def _publish_pull(self) -> None:
        if self.pulling is not None:
            self.pull_moved.publish(self.pulling)

    def start_group_check(self) -> None:
        """Check the groups, unless that is under way."""
        if self.group_check is None:
            self.group_check = GroupCheckTask(self._library.db, self._library.config, self.emit)
            self.group_check.start()

    def show_group_check(self, progress: GroupCheckProgressed) -> None:
        """Tell how far the check of the groups is."""
        self.activity.publish(f"Looking at groups: {progress.done:,} of {progress.total:,}")

    def end_group_check(self) -> None:
        """Take note of the end of the check of the groups."""
        self.group_check = None
        self.activity.publish("")

    def stop(self) -> list[BackgroundTask]:
        """Let all end soon; return what is still at it."""
        running: list[BackgroundTask] = [
            task
            for task in (self.scan, self.importing, self.editing, self.pulling, self.group_check)
            if task is not None and task.is_alive()
        ]
        for task in running:
            task.stop()
        return running

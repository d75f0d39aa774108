"""What services tell from their threads, brought to the screens: what is emitted is shown."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any

from textual.app import App
from textual.message import Message

from dtk_tui.domain.caption_edit import BatchResult
from dtk_tui.domain.events import (
    EditFinished,
    EditProgressed,
    Event,
    GroupCheckFinished,
    GroupCheckProgressed,
    ImportFinished,
    ProblemReported,
    PullFinished,
    PullProgressed,
    QueueNotified,
    ScanFinished,
    ScanProgressed,
)
from dtk_tui.domain.imports import ImportProgressed
from dtk_tui.domain.thresholds import TagChange
from dtk_tui.services.scan.task import Scan
from dtk_tui.text import counted, one_line
from dtk_tui.ui.context import AppContext, LibraryChange
from dtk_tui.ui.format import counts_words, edit_words
from dtk_tui.ui.messages import EditMoved, ErrorReported, ImportMoved, NewsArrived, ScanMoved

_log = logging.getLogger(__name__)

#: Progress that comes faster than anyone can read is dropped.
_PROGRESS_S = 0.2
#: A problem that comes again and again is told once in so long: its notices would cover the screen.
_AGAIN_S = 60.0


class News:
    """Takes events from any thread, as messages to the app, and shows them when the app gets these."""

    def __init__(self, app: App[Any], context: AppContext) -> None:
        self._app = app
        self._context = context
        self._last_progress = 0.0
        self._told_at: dict[tuple[str, Scan | None], float] = {}

    def take(self, event: Event) -> None:
        """Take an event from any thread; never blocks."""
        if isinstance(event, ScanProgressed):
            now = monotonic()
            if now - self._last_progress > _PROGRESS_S:
                self._last_progress = now
                self.post(ScanMoved(event))
        elif isinstance(event, QueueNotified):
            # While work goes on, many come, and the numbers are looked at anyway.
            if self._context.stats.rests:
                self.post(NewsArrived(event))
        elif isinstance(event, ImportProgressed | ImportFinished):
            self.post(ImportMoved())
        elif isinstance(event, EditProgressed | EditFinished):
            self.post(EditMoved())
        else:
            self.post(NewsArrived(event))

    def post(self, message: Message) -> None:
        """Post a message to the app from any thread, if it is there."""
        if self._app.is_running:
            try:
                self._app.post_message(message)
            except RuntimeError:
                _log.debug("the app ended before news could be told")

    def show(self, event: Event) -> None:
        """Show what a service did."""
        if isinstance(event, ProblemReported):
            self._tell(f"{event.title} {event.detail}")
        elif isinstance(event, ScanFinished):
            self._end_scan(event)
        elif isinstance(event, GroupCheckProgressed):
            self._context.tasks.show_group_check(event)
            return
        elif isinstance(event, PullProgressed):
            self._context.tasks.show_pull(event)
            return
        elif isinstance(event, PullFinished):
            self._end_pull()
        elif isinstance(event, GroupCheckFinished):
            self._end_group_check(event)
        self._context.stats.poll_now()

    def _tell(self, problem: str) -> None:
        _log.warning("%s", one_line(problem, 5000))
        now = monotonic()
        self._told_at = {told: at for told, at in self._told_at.items() if now - at < _AGAIN_S}
        # Whoever scans again asks again.
        about = problem, self._context.tasks.scan
        if about not in self._told_at:
            self._told_at[about] = now
            self._context.notify(problem, severity="warning")

    def _end_scan(self, event: ScanFinished) -> None:
        context = self._context
        scan = context.tasks.end_scan(event)
        if event.watched:
            context.library_changed.publish(LibraryChange.FOUND)
            return
        if scan is not None and scan.error is not None:
            self._app.post_message(ErrorReported(scan.error))
        elif event.counts:
            words = counts_words(event.counts)
            if event.counts.get("failed"):
                words += f". {context.key('main.search')} has:error shows what could not be read, and why."
            context.notify(words)
        context.library_changed.publish(LibraryChange.IMAGES)

    def _end_pull(self) -> None:
        pull = self._context.tasks.end_pull()
        self._context.library_changed.publish(LibraryChange.IMAGES)  # an empty library names what is missing
        if pull is None:
            return
        if pull.error is not None:
            self._app.post_message(ErrorReported(pull.error))
        elif not pull.was_stopped:
            self._context.notify("The models are here.")

    def _end_group_check(self, event: GroupCheckFinished) -> None:
        self._context.tasks.end_group_check()
        words = counted(event.wrong, "image", "images")
        self._context.notify(f"{words} shared a vector with what does not look alike; {event.queued:,} queued.")
        self._context.library_changed.publish(LibraryChange.IMAGES)

    def show_import(self) -> None:
        """Show how far the import is, and take over what it brought."""
        context = self._context
        done = context.tasks.show_import()
        if done is None:
            return
        if not context.tasks.import_is_shown:
            # Whoever left its screen does something else now.
            if done.error is not None:
                context.notify(f"{done.error.title} {context.key('app.import')} shows more.", severity="error")
            else:
                context.notify(f"The import is done. {context.key('app.import')} shows its report.")
        context.library_changed.publish(LibraryChange.IMAGES)

    def show_edit(self) -> None:
        """Show how far an edit of many is, and take over what it changed."""
        context = self._context
        done = context.tasks.show_edit()
        if done is None:
            return
        if not context.tasks.edit_screens:
            # Whoever left its screen does something else now.
            if done.error is not None:
                context.notify(f"{done.error.title} {done.error.detail}", severity="error")
            elif done.result is not None:
                hint = "" if isinstance(done.result, TagChange) else f" {context.key('app.journal')} shows the journal."
                context.notify(f"{edit_words(done.result)}{hint}")
        is_of_captions = isinstance(done.result, BatchResult)
        context.library_changed.publish(LibraryChange.IMAGES if is_of_captions else LibraryChange.MARKS)

"""Edits of many rows, and their undo: one transaction that can be stopped, and work beside the screens."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dtk_tui.domain.caption_edit import BatchResult
from dtk_tui.domain.events import EditFinished, EditProgressed, Emit
from dtk_tui.domain.journal import Undone
from dtk_tui.domain.organise import EditDone
from dtk_tui.domain.thresholds import TagChange
from dtk_tui.errors import DtkError
from dtk_tui.services.background import BackgroundTask, cancel_when_set
from dtk_tui.services.library.caption_words import catch_up
from dtk_tui.store.database import Connection, Database

_log = logging.getLogger(__name__)

#: Is told how many rows of an edit are done, and how many there are.
Progress = Callable[[int, int], None]
#: What an edit of many did: of captions, of what a person gave images, an undo, or tags made anew.
EditResult = BatchResult | EditDone | Undone | TagChange


class EditStoppedError(DtkError):
    """A person stopped an edit; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("It was stopped.", "Nothing was changed.")


@contextmanager
def edit_transaction(db: Database, stop: threading.Event | None = None) -> Iterator[Connection]:
    """Give the transaction of an edit: all of it or nothing.

    Args:
        stop: when it is set, what the connection does just then is cancelled.

    Raises:
        EditStoppedError: ``stop`` was set.
    """
    stop = stop or threading.Event()
    try:
        with db.connection() as conn, cancel_when_set(conn, stop):
            yield conn
            if stop.is_set():
                raise EditStoppedError
    except DtkError as error:
        if stop.is_set() and not isinstance(error, EditStoppedError):
            raise EditStoppedError from error
        raise


class EditTask(BackgroundTask):
    """An edit of many, the undo of one, or tags made anew.

    ``emit`` tells each step and the end, which has a result or an error.
    Then it computes the words by which the captions that it changed are found, for as long as the app is there.

    Args:
        title: what it does, in words.
        work: does it; gets what to tell the progress to, and the event that asks it to stop.
    """

    def __init__(
        self,
        db: Database,
        title: str,
        work: Callable[[Progress, threading.Event], EditResult],
        emit: Emit,
    ) -> None:
        super().__init__("edit", emit)
        self.title = title
        self.done = self.total = 0
        self.result: EditResult | None = None
        self._db = db
        self._do = work

    @property
    def is_done(self) -> bool:
        """Whether it ended, one way or the other."""
        return self.result is not None or self.error is not None

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop_asked.is_set()

    def _work(self) -> None:
        self.result = self._do(self._follow, self._stop_asked)

    def _ended(self) -> None:
        self._emit(EditFinished())
        if self.result is not None:
            try:
                catch_up(self._db, self._stop_asked)
            except DtkError as error:
                _log.info("the words of captions wait on: %s", error)

    def _follow(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self._emit(EditProgressed())

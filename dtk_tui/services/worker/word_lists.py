"""Putting new prompts into the lists of words that searches read, also while a worker has other work or is stopped."""

from __future__ import annotations

import threading
import time

from dtk_tui.domain.events import Emit
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.background import cancel_when_set
from dtk_tui.services.worker.lasting import lasting
from dtk_tui.store.database import Database
from dtk_tui.store.library import postings

#: Seconds between two looks for new prompts, and at least between two lists.
_LOOK_S, _LEAST_REST_S = 10.0, 1.0
#: A rest is so many times as long as a list took: a fifth of a processor is less than one notices.
_REST = 4


class WordLists:
    """The thread of a worker that writes the lists, of some prompts at a time.

    Args:
        stop: is set when the worker closes; a list that is being written then is not.
    """

    def __init__(self, db: Database, stop: threading.Event, emit: Emit) -> None:
        self._db = db
        self._stop = stop
        run = lasting(self._follow, "dtk-words", emit, stop.wait)
        self.thread = threading.Thread(target=run, name="dtk-words", daemon=True)

    def _follow(self) -> None:
        rest_s = _LEAST_REST_S
        while not self._stop.wait(rest_s):
            begun = time.monotonic()
            is_more = self._list()
            rest_s = max(_LEAST_REST_S, _REST * (time.monotonic() - begun)) if is_more else _LOOK_S

    def _list(self) -> bool:
        """Write lists of some prompts; False where there are too few, or the next worker will do it."""
        try:
            with self._db.connection() as conn, cancel_when_set(conn, self._stop):
                return postings.list_some(conn)
        except DatabaseLostError:
            return False
        except DtkError:
            if self._stop.is_set():
                return False
            raise

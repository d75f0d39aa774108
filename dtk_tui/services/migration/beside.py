"""Two connections write into an empty library at once: one the images, the other their books and raw texts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from dtk_tui.services.migration.stopping import stopping
from dtk_tui.store import migration_beside as beside
from dtk_tui.store import migration_books as books
from dtk_tui.store.database import Connection, Database


class Beside:
    """Books and raw texts, written in a thread of their own from entering on, where the library is empty.

    Args:
        values: as for ``migration_merge.write_images``.
        memory_mb: what the transaction may use.
        stop: set from outside, ends it.
    """

    def __init__(self, db: Database, values: dict[str, Any], memory_mb: int, stop: threading.Event) -> None:
        self._db = db
        self._values = values
        self._memory_mb = memory_mb
        self._stop = stop
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Beside:
        with self._db.connection() as conn:
            is_possible = books.library_is_empty(conn) and beside.create(conn)
        if is_possible:
            self._thread = threading.Thread(target=self._work, name="migrate-books", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.join()

    def taking_over(self, conn: Connection) -> Callable[[], None] | None:
        """Return what puts the tables in their place, in the transaction of ``conn``; None when there are none."""
        if self._thread is None:
            return None
        thread = self._thread

        def take_over() -> None:
            thread.join()
            if self._error is not None:
                raise self._error
            beside.take_over(conn, self._values)

        return take_over

    def _work(self) -> None:
        try:
            with self._db.connection() as conn, stopping(conn, self._stop):
                books.set_for_load(conn, self._memory_mb)
                beside.fill(conn, self._values)
        except BaseException as error:
            self._error = error

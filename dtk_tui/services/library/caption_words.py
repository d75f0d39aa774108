"""The words of captions that were edited many at once: computed behind the edit, and before a search needs them."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from dtk_tui.store.database import Database
from dtk_tui.store.library import caption_words as store

_CONNECTIONS = min(4, os.cpu_count() or 1)


def catch_up(db: Database, stop: threading.Event | None = None) -> int:
    """Compute the words of all captions that wait for that, some at a time; return of how many images.

    Nothing is lost by a stop or a crash: what still waits is done before the next search for captions.
    """
    with db.connection() as conn:
        if not store.count_waiting(conn):
            return 0

    def work(_: int) -> int:
        done = 0
        while stop is None or not stop.is_set():
            with db.connection() as conn:
                some = store.compute_some(conn)
            if not some:
                break
            done += some
        return done

    with ThreadPoolExecutor(_CONNECTIONS, "dtk-words") as pool:
        total = sum(pool.map(work, range(_CONNECTIONS)))
    with db.connection() as conn:
        store.put_in(conn)
    return total

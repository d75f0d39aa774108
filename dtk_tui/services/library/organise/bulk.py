"""Edits of images, some thousand at a time in one transaction, written into the journal as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dtk_tui.domain.organise import EditDone
from dtk_tui.services.library.edits import EditStoppedError, Progress, edit_transaction
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library.journal import Entry

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

#: So many images are written at a time.
SOME = 5000

#: Edits some images, and writes into the journal what they had.
Step = Callable[["Ids"], None]
#: Returns, in the transaction of the edit, what is to be done and for which images.
Prepare = Callable[[Connection, Entry], Sequence[tuple[Step, "Ids | Sequence[int]"]]]


def silent(done: int, total: int) -> None:
    """Tell nobody how far an edit is."""


def in_portions(image_ids: Ids | Sequence[int]) -> list[Ids]:
    """Return ids in ascending order, each once, as many in a list as are written at once.

    In one order, two edits of many wait for each other instead of blocking each other.
    """
    import numpy as np

    ids = np.unique(np.asarray(image_ids, np.int64))
    return [ids[start : start + SOME] for start in range(0, len(ids), SOME)]


def edit(
    db: Database, kind: str, title: str, prepare: Prepare, progress: Progress, stop: threading.Event | None
) -> EditDone:
    """Do an edit, all of it or nothing, and again when another transaction got into its way.

    Args:
        kind: what the journal calls edits of this kind.
        title: what it does, in words.
        progress: is told how many images are done.
        stop: ends it when it is set; nothing is changed then.

    Raises:
        EditStoppedError: ``stop`` was set.
    """

    def transaction() -> EditDone:
        done = 0
        with edit_transaction(db, stop) as conn:
            entry = Entry(conn, kind, title)
            steps = [(step, some) for step, ids in prepare(conn, entry) for some in in_portions(ids)]
            total = sum(len(some) for _, some in steps)
            progress(done, total)
            for step, some in steps:
                if stop is not None and stop.is_set():
                    raise EditStoppedError
                step(some)
                done += len(some)
                progress(done, total)
            return EditDone(entry.changed, entry.finish())

    return retry_on_conflict(transaction)

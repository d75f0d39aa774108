"""Ratings and flags, set by hand for one image or for a million, all or none of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.domain.organise import EditDone, Mark, MarkEdit
from dtk_tui.services.library.edits import EditStoppedError, Progress, edit_transaction
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Database
from dtk_tui.store.library import journal
from dtk_tui.store.library.organise import marks as store

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

#: So many images are written at a time.
_SOME = 5000


def in_portions(image_ids: Ids | Sequence[int]) -> list[list[int]]:
    """Return ids in ascending order, each once, as many in a list as are written at once.

    In one order, two edits of many wait for each other instead of blocking each other.
    """
    ids = np.unique(np.asarray(image_ids, np.int64))
    return [ids[start : start + _SOME].tolist() for start in range(0, len(ids), _SOME)]


def all_have(db: Database, image_ids: Ids | Sequence[int], mark: Mark) -> bool:
    """Say whether all of some images have a flag, or a rating."""
    with db.connection() as conn:
        return all(store.all_have(conn, mark, some) for some in in_portions(image_ids))


def count(db: Database, image_ids: Ids | Sequence[int], edit: MarkEdit) -> int:
    """Return how many images ``apply`` would change."""
    with db.connection() as conn:
        return sum(store.count(conn, edit, some) for some in in_portions(image_ids))


def apply(
    db: Database,
    image_ids: Ids | Sequence[int],
    edit: MarkEdit,
    progress: Progress = lambda done, total: None,
    stop: threading.Event | None = None,
) -> EditDone:
    """Rate or flag images, all or none of them; one edit in the journal.

    Args:
        progress: is told how many images are done.
        stop: ends it when it is set; nothing is changed then.

    Raises:
        EditStoppedError: ``stop`` was set.
    """
    portions = in_portions(image_ids)
    total = sum(map(len, portions))

    def transaction() -> EditDone:
        done = 0
        with edit_transaction(db, stop) as conn:
            entry = journal.Entry(conn, edit.mark.value, edit.title)
            progress(done, total)
            for some in portions:
                if stop is not None and stop.is_set():
                    raise EditStoppedError
                store.change(conn, entry, edit, some)
                done += len(some)
                progress(done, total)
            return EditDone(entry.changed, entry.finish())

    return retry_on_conflict(transaction)

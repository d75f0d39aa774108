"""Ratings and flags, set by hand for one image or for a million, all or none of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from dtk_tui.domain.organise import EditDone, Mark, MarkEdit
from dtk_tui.services.library.edits import Progress
from dtk_tui.services.library.organise import bulk
from dtk_tui.store.database import Database
from dtk_tui.store.library.organise import marks as store

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.bulk import Ids


def all_have(db: Database, image_ids: Ids | Sequence[int], mark: Mark) -> bool:
    """Say whether all of some images have a flag, or a rating."""
    with db.connection() as conn:
        return all(store.all_have(conn, mark, some) for some in bulk.in_portions(image_ids))


def count(db: Database, image_ids: Ids | Sequence[int], edit: MarkEdit) -> int:
    """Return how many images ``apply`` would change."""
    with db.connection() as conn:
        return sum(store.count(conn, edit, some) for some in bulk.in_portions(image_ids))


def apply(
    db: Database,
    image_ids: Ids | Sequence[int],
    edit: MarkEdit,
    progress: Progress = bulk.silent,
    stop: threading.Event | None = None,
) -> EditDone:
    """Rate or flag images; see ``bulk.edit``."""
    return bulk.edit(
        db,
        edit.mark.value,
        edit.title,
        lambda conn, entry: [(partial(store.change, conn, entry, edit), image_ids)],
        progress,
        stop,
    )

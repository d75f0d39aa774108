"""The journal of edits: what people changed, and undoing it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from dtk_tui.domain.journal import CAPTION, Changes, Edit, Undone
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.edits import Progress, edit_transaction
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import captions, images, journal

#: By the kind of an edit: gives back what stood there before, part by part; yields of each how many changes it has, and
#: the images that were changed again since.
_RESTORE: dict[str, Callable[[Connection, Iterable[Changes]], Iterator[tuple[int, list[int]]]]] = {
    CAPTION: captions.restore
}


def last_edits(db: Database, limit: int) -> list[Edit]:
    """Return the last edits, the newest first."""
    with db.connection() as conn:
        return journal.listed(conn, limit)


def undo(
    db: Database,
    number: int,
    progress: Progress = lambda done, total: None,
    stop: threading.Event | None = None,
) -> Undone:
    """Undo one edit, in one transaction: exactly what it changed and what nobody changed since.

    Args:
        progress: is told how many of its changes are done.
        stop: ends it when it is set; nothing is changed then.

    Raises:
        UsageError: there is no such edit.
        DtkError: it was undone before.
        EditStoppedError: ``stop`` was set.
    """
    with edit_transaction(db, stop) as conn:
        edit = journal.lock(conn, number)
        if edit is None:
            raise UsageError(f"There is no edit {number} in the journal.", "dtk journal list shows them.")
        if edit.undone_at is not None:
            raise DtkError(f"The edit {number} was undone before.", "dtk journal list shows what can be undone.")
        if edit.kind not in _RESTORE:
            raise DtkError(f"This version cannot undo an edit of the kind {edit.kind!r}.", "A newer version made it.")
        left: list[int] = []
        done = 0
        progress(done, edit.changed)
        for changes, left_here in _RESTORE[edit.kind](conn, journal.parts(conn, number)):
            left += left_here
            done += changes
            progress(done, edit.changed)
        restored = edit.changed - len(left)
        if restored or not left:  # where nothing could be given back, a later try may
            journal.set_undone(conn, number, restored)
        paths = images.paths_of(conn, left)
    return Undone(restored, tuple((image_id, paths.get(image_id)) for image_id in left))

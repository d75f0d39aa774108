"""The journal of edits: what people changed, and undoing it."""

from __future__ import annotations

from collections.abc import Callable

from dtk_tui.domain.journal import CAPTION, Changes, Edit, Undone
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import captions, images, journal

#: By the kind of an edit: gives back what stood there before, and returns the images that were changed again since.
_RESTORE: dict[str, Callable[[Connection, Changes], list[int]]] = {CAPTION: captions.restore}


def last_edits(db: Database, limit: int) -> list[Edit]:
    """Return the last edits, the newest first."""
    with db.connection() as conn:
        return journal.listed(conn, limit)


def undo(db: Database, number: int) -> Undone:
    """Undo one edit, in one transaction: exactly what it changed and what nobody changed since.

    Raises:
        UsageError: there is no such edit.
        DtkError: it was undone before.
    """
    with db.connection() as conn:
        edit = journal.lock(conn, number)
        if edit is None:
            raise UsageError(f"There is no edit {number} in the journal.", "dtk journal list shows them.")
        if edit.undone_at is not None:
            raise DtkError(f"The edit {number} was undone before.", "dtk journal list shows what can be undone.")
        left: list[int] = []
        for changes in journal.parts(conn, number):
            left += _RESTORE[edit.kind](conn, changes)
        restored = edit.changed - len(left)
        if restored or not left:  # where nothing could be given back, a later try may
            journal.set_undone(conn, number, restored)
        paths = images.paths_of(conn, left)
    return Undone(restored, tuple((image_id, paths.get(image_id)) for image_id in left))

"""The journal of edits: what people changed, and undoing it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dtk_tui.domain.journal import ALBUM, CAPTION, TAG, Changes, Edit, Undone
from dtk_tui.domain.organise import Mark
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.edits import Progress, edit_transaction
from dtk_tui.services.library.organise.albums import restore_albums
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import captions, images, journal, journal_chain
from dtk_tui.store.library.organise import albums, marks, tags

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]


def _restore_mark(mark: Mark, conn: Connection, changes: Changes) -> list[int]:
    return marks.restore(conn, mark, changes)


Restore = Callable[[Connection, Changes], list[int]]
#: By the kind of an edit: gives back what stood there before some changes, and returns the images that were left alone.
_RESTORE: dict[str, Restore] = {
    CAPTION: captions.restore,
    TAG: tags.MEMBERS.restore,
    ALBUM: albums.MEMBERS.restore,
    **{mark.value: partial(_restore_mark, mark) for mark in Mark},
}


def last_edits(db: Database, limit: int) -> list[Edit]:
    """Return the last edits, the newest first."""
    with db.connection() as conn:
        return journal.listed(conn, limit)


def last_edit(db: Database, *, undone: bool = False) -> Edit | None:
    """Return the last edit that can be undone, or with ``undone`` be done again; None: there is none."""
    with db.connection() as conn:
        return journal.last(conn, undone=undone)


def undo(
    db: Database,
    number: int,
    progress: Progress = lambda done, total: None,
    stop: threading.Event | None = None,
) -> Undone:
    """Undo one edit, in one transaction: exactly what it changed and what nobody changed since.

    It is done again when another transaction got into its way, or the database went away in the middle.

    What a later edit changed is left alone; when that is undone, too, it gives back what stood there before both.

    Args:
        progress: is told how many of its changes are done.
        stop: ends it when it is set; nothing is changed then.

    Raises:
        UsageError: there is no such edit.
        DtkError: it was undone before.
        EditStoppedError: ``stop`` was set.
    """
    return retry_on_conflict(partial(_turn, db, number, progress, stop, redo=False))


def redo(
    db: Database,
    number: int,
    progress: Progress = lambda done, total: None,
    stop: threading.Event | None = None,
) -> Undone:
    """Do an edit again that was undone; as ``undo``, and raises as that does."""
    return retry_on_conflict(partial(_turn, db, number, progress, stop, redo=True))


def _turn(db: Database, number: int, progress: Progress, stop: threading.Event | None, *, redo: bool) -> Undone:
    with edit_transaction(db, stop) as conn:
        edit = _to_turn(conn, number, redo=redo)
        later = journal_chain.rebase(conn, edit, redo=redo)
        left: list[int] = []
        only: list[int] = []
        done = 0
        progress(done, edit.changed)
        if edit.kind == ALBUM:
            restore_albums(conn, number, redo=redo, go=False)
        for part in journal.parts(conn, number):
            changes = part.reversed() if redo else part
            if edit.kind != CAPTION and part.subject in later:  # a version tells by itself that another one came later
                covered = _among(part.image_ids, later[part.subject])
                changes = changes.without(covered)
                left += [image for image in part.image_ids if image in covered]
            left += _RESTORE[edit.kind](conn, changes)
            done += len(part.image_ids)
            if edit.changed == 1:
                only += part.image_ids
            progress(done, edit.changed)
        if edit.kind == ALBUM:
            restore_albums(conn, number, redo=redo, go=True)
        restored = edit.changed - len(left)
        if restored or later or not left:  # where nothing could be done, a later try may
            if redo:
                journal.set_done(conn, number)
            else:
                journal.set_undone(conn, number, restored)
        paths = images.paths_of(conn, [*left, *only])
    return Undone(
        restored, tuple((image_id, paths.get(image_id)) for image_id in left), paths.get(only[0]) if only else None
    )


def _among(image_ids: Sequence[int], others: Ids) -> set[int]:
    """Return which images are among others, which are at least one and in ascending order."""
    import numpy as np

    wanted = np.asarray(image_ids, np.int64)
    places = np.minimum(np.searchsorted(others, wanted), len(others) - 1)
    return set(wanted[others[places] == wanted].tolist())


def _to_turn(conn: Connection, number: int, *, redo: bool) -> Edit:
    edit = journal.lock(conn, number)
    if edit is None:
        raise UsageError(f"There is no edit {number} in the journal.", "dtk journal list shows them.")
    if redo and edit.undone_at is None:
        raise DtkError(f"The edit {number} is not undone.", "dtk journal list shows what can be done again.")
    if not redo and edit.undone_at is not None:
        raise DtkError(f"The edit {number} was undone before.", "dtk journal list shows what can be undone.")
    if edit.kind not in _RESTORE:
        raise DtkError(f"This version cannot undo an edit of the kind {edit.kind!r}.", "A newer version made it.")
    return edit

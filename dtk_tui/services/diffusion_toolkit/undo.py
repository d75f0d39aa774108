"""Undoing an import."""

from __future__ import annotations

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import records, session, staging
from dtk_tui.store.diffusion_toolkit import undo as store


def undo(db: Database) -> dict[str, int]:
    """Undo the unfinished import, or else the last one; return images removed, kept and restored.

    Raises:
        DtkError: there is none.
    """
    with session.hold_import_lock(db), db.connection() as conn:
        if records.unfinished(conn) is not None:
            staging.drop(conn)
            records.delete_unfinished(conn)
            return {"removed": 0, "kept": 0, "restored": 0}
        last = records.last_done(conn)
        if last is None:
            raise DtkError("There is no migration to take back.")
        return store.undo(conn, last.id)

"""Taking back a migration."""

from __future__ import annotations

from dtk_tui.errors import DtkError
from dtk_tui.store import migration_books as books
from dtk_tui.store import migration_stage as stage
from dtk_tui.store import migration_undo as store
from dtk_tui.store.database import Database


def undo(db: Database) -> dict[str, int]:
    """Take back the unfinished migration, or else the last one; return images removed, kept and restored.

    Raises:
        DtkError: there is none.
    """
    with stage.only_one(db), db.connection() as conn:
        if books.unfinished(conn) is not None:
            stage.drop(conn)
            books.forget_unfinished(conn)
            return {"removed": 0, "kept": 0, "restored": 0}
        last = books.last_done(conn)
        if last is None:
            raise DtkError("There is no migration to take back.")
        return store.undo(conn, last.id)

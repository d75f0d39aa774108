"""Taking back a migration."""

from __future__ import annotations

from dtk_tui.errors import DtkError
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import records as books
from dtk_tui.store.diffusion_toolkit import staging as stage
from dtk_tui.store.diffusion_toolkit import undo as store


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

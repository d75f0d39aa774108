"""What ends an import early: a person who stops it, and the loss of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.store.database import Database

_DISK_FULL = b"No space left on device"


class StoppedError(DtkError):
    """A person stopped the import; the library is as it was."""

    def __init__(self) -> None:
        super().__init__("The migration was stopped.", "The library is as it was. --resume goes on with what was read.")


def _log_size(db: Database) -> int:
    if db.server is None or not db.server.log_file.exists():
        return 0
    return db.server.log_file.stat().st_size


@contextmanager
def explain_lost_database(db: Database) -> Iterator[None]:
    """Explain a lost database: why it is, as far as its own log tells, and that a resume goes on.

    Raises:
        DatabaseLostError: the database is lost.
    """
    begin = _log_size(db)
    try:
        yield
    except DatabaseLostError as error:
        # Here nothing tries again by itself.
        title, detail = error.title, error.detail.removesuffix("It is tried again.")
        if db.server is not None and _log_size(db) > begin:
            with db.server.log_file.open("rb") as log:
                log.seek(begin)
                if _DISK_FULL in log.read():
                    # A server that cannot write its log of changes ends; what the connection says is only that.
                    title, detail = "The disk of the database is full.", "Free some space."
        kept = "The library is as it was. Once this is put right, --resume goes on with what was read so far."
        raise DatabaseLostError(title, f"{detail}\n{kept}".strip()) from error

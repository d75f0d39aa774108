"""Moving files that are for deletion into the system's trash: the one thing here that touches files."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtk_tui.config import Config
from dtk_tui.services.library.edits import Progress
from dtk_tui.services.library.organise import bulk
from dtk_tui.services.retry import retry_on_conflict
from dtk_tui.store.database import Database
from dtk_tui.store.library.organise import deletion
from dtk_tui.store.library.organise.deletion import FlaggedFile
from dtk_tui.store.scan import listings

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.bulk import Ids

_log = logging.getLogger(__name__)

#: So many files are moved before the library is told that they are gone.
_SOME = 100


@dataclass(frozen=True, slots=True)
class TrashResult:
    """How many files, and bytes, are in the trash now, and which are not, with the reasons."""

    deleted: int
    size: int
    failed: tuple[tuple[str, str], ...]


def flagged(db: Database, image_ids: Ids | Sequence[int] | None = None) -> list[FlaggedFile]:
    """Return the files that are for deletion and there, of some images or (None) of all."""
    with db.connection() as conn:
        return deletion.flagged(conn, None if image_ids is None else [int(number) for number in image_ids])


def is_any_flagged(db: Database) -> bool:
    """Say whether any image is for deletion, also one whose file is gone."""
    with db.connection() as conn:
        return deletion.is_any_flagged(conn)


def to_trash(
    db: Database,
    config: Config,
    files: Sequence[FlaggedFile],
    progress: Progress = bulk.silent,
    stop: threading.Event | None = None,
) -> TrashResult:
    """Move files into the trash of the system, by the rules of its desktop; their images count as gone then.

    A file that has no trash on its file system, or that is not what a scan saw, stays where it is. What is taken out of
    the trash comes back with the next scan, with all that is known of it.

    Args:
        progress: is told how many files were looked at.
        stop: ends it when it is set; what is in the trash by then stays there.
    """
    deleted, size, failed = 0, 0, list[tuple[str, str]]()
    for start in range(0, len(files), _SOME):
        gone: list[int] = []
        try:
            for file in files[start : start + _SOME]:
                if stop is not None and stop.is_set():
                    break
                reason = _move(config.local_path(file.path), file)
                if reason is None:
                    gone.append(file.id)
                    size += file.size
                else:
                    failed.append((file.path, reason))
        finally:
            _mark_gone(db, gone)
        deleted += len(gone)
        progress(deleted + len(failed), len(files))
    return TrashResult(deleted, size, tuple(failed))


def _mark_gone(db: Database, image_ids: Sequence[int]) -> None:
    def transaction() -> None:
        with db.connection() as conn:
            listings.acquire_write_lock(conn)
            listings.mark_unavailable(conn, image_ids)

    if image_ids:
        retry_on_conflict(transaction)


def _move(path: str, file: FlaggedFile) -> str | None:
    """Move a file into the trash; return why that was not done, None where it was."""
    from send2trash import send2trash

    try:
        status = os.stat(path)  # noqa: PTH116 (surrogates must survive)
        if file.mtime_ns and (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
            return "it was changed since it was scanned; scan its folder first"
        send2trash(path)
    except FileNotFoundError:
        return "it is not there"
    except OSError as error:
        _log.info("%s was not moved into the trash: %s", path, error)
        why = error.strerror or str(error)
        return f"its file system has no trash that could take it ({why})"
    return None

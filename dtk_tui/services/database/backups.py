"""Backups of the library: into a folder that keeps a number of them, before an upgrade, and the way back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dtk_tui.atomic_file import write_whole
from dtk_tui.config import Config
from dtk_tui.errors import DtkError, os_reason
from dtk_tui.services import stats
from dtk_tui.store.backup import dump, parts
from dtk_tui.store.backup import restore as store
from dtk_tui.store.backup.digests import manifest_of
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from dtk_tui.store.server import locks

#: How many backups of before an upgrade are kept.
_KEPT_BEFORE_UPGRADES = 2
_BEFORE = "before-upgrade"
_NAME = re.compile(r"(library|before-upgrade)-\d{8}T\d{6}Z\.(dump|parts)")
#: How the name of a backup in parts ends: it is the list of its parts.
_PARTS = ".parts"
#: So long one that writes parts, or puts them together, waits for another one that does.
_PARTS_TIMEOUT_S = 3600.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written, and the older ones that were removed for it.

    ``bytes`` are those that were written; ``whole_bytes`` those of the library, where parts of it were there already.
    """

    file: Path
    bytes: int
    removed: tuple[Path, ...] = ()
    whole_bytes: int | None = None


def backup(db: Database, target: Path, keep: int | None, on_progress: Progress, name: str = "library") -> Backup:
    """Write a backup.

    Args:
        target: a new file, or a folder where ``keep`` is given.
        keep: all but so many of the newest backups that this function wrote into the folder are removed.
        name: begin of the names in a folder.

    Raises:
        DtkError: the backup failed, and nothing was removed; or an old one cannot be removed.
    """
    if keep is None:
        return Backup(target, dump.backup(db, target, on_progress))
    file = target / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
    size = dump.backup(db, file, on_progress)
    return Backup(file, size, _remove_all_but(keep, target, f"{name}-*.dump"))


def backup_in_parts(db: Database, folder: Path, keep: int, on_progress: Progress) -> Backup:
    """Write a backup of which only those parts are written that no earlier one in the folder has.

    Args:
        keep: all but so many of the newest in parts are removed, and then the parts that none of them needs.

    Raises:
        DtkError: the backup failed, and nothing was removed; or an old one cannot be removed.
    """
    try:
        with locks.exclusive(folder / "parts.lock", _PARTS_TIMEOUT_S):
            file = folder / f"library-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{_PARTS}"
            made = parts.write(db, file, on_progress)
            removed = _remove_all_but(keep, folder, f"library-*{_PARTS}")
            parts.remove_unused(folder, [path for path in folder.glob(f"*{_PARTS}") if path.is_file()])
    except OSError as error:
        raise DtkError(f"The backups in {folder} cannot be changed.", os_reason(error)) from error
    return Backup(file, made.bytes, removed, made.whole_bytes)


def _remove_all_but(keep: int, folder: Path, pattern: str) -> tuple[Path, ...]:
    """Remove the oldest backups that we have written into a folder, and return them."""
    try:
        found = sorted(path for path in folder.glob(pattern) if _NAME.fullmatch(path.name))
        removed = found[:-keep]
        for path in removed:
            path.unlink(missing_ok=True)
            manifest_of(path).unlink(missing_ok=True)
    except OSError as error:
        raise DtkError(f"An old backup in {folder} cannot be removed.", os_reason(error)) from error
    return tuple(removed)


@contextmanager
def _whole(source: Path, config: Config) -> Iterator[Path]:
    """Give a backup as one file: itself, or its parts put together in the cache folder until this ends."""
    store.require_backup(source)
    if source.suffix != _PARTS:
        yield source
        return
    folder = config.paths.cache / "whole"
    config.paths.cache.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(config.paths.cache / "whole.lock", _PARTS_TIMEOUT_S):
        shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
        try:
            folder.mkdir(mode=0o700)
            file = folder / "library.dump"
            manifest = parts.assemble(source, file)
            write_whole(manifest_of(file), manifest.to_json())
            yield file
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def backup_before_upgrade(db: Database, config: Config, on_progress: Progress) -> Path:
    """Back a library up that a newer schema is about to change, and return the file.

    Raises:
        DtkError: the backup cannot be written; says how to go on without one.
    """
    folder = config.paths.data / "backups"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return backup(db, folder, _KEPT_BEFORE_UPGRADES, on_progress, _BEFORE).file
    except (DtkError, OSError) as error:
        raise DtkError(
            "This library needs an upgrade, and no backup of it can be written before.",
            f"{error} Nothing was changed. Make room, or upgrade without a backup: dtk db upgrade --without-backup",
        ) from error


def require_no_workers(db: Database, what: str = "restore") -> int:
    """Return how many images the library has; raise DtkError while a worker uses it.

    What a worker knows of the library would be wrong from one moment to the next.

    Args:
        what: is to be done, as a verb.
    """
    found = stats.snapshot(db)
    if found.workers:
        names = ", ".join(f"{worker.host} (process {worker.pid})" for worker in found.workers)
        raise DtkError(
            f"A worker uses this library: {names}.",
            f"End it, or close its app, before you {what}. One that was killed counts for a minute more.",
        )
    return found.library.images


def require_restorable(db: Database, source: Path) -> int:
    """Return how many images a restore would replace; DtkError where there is no backup, or a worker is at work."""
    store.require_backup(source)
    return require_no_workers(db)


def restore(db: Database, config: Config, source: Path) -> int:
    """Replace the library by a backup; returns and raises as the store's ``restore``.

    The workers of its time are gone: what they had claimed waits again, and nothing that they did is suspected.
    """
    with _whole(source, config) as file:
        compared = store.restore(db, file)
    with db.connection() as conn:
        workers.forget_all(conn)
    return compared


def verify(config: Config, source: Path) -> store.Verified:
    """Restore a backup into a server of its own in the cache folder; raises as the store's ``verify``."""
    with _whole(source, config) as file:
        return store.verify(file, config.paths.cache)

"""Groups of images that share a vector: what their pictures look like, and checking those that are there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from dtk_tui.config import Config
from dtk_tui.domain.events import Emit, GroupCheckFinished, GroupCheckProgressed, ProblemReported
from dtk_tui.domain.looks import GroupMember, ImageLook
from dtk_tui.errors import DtkError, MissingFileError, UnreadableFileError
from dtk_tui.services.background import BackgroundTask
from dtk_tui.store.database import Database
from dtk_tui.store.library import groups, looks
from dtk_tui.store.library.groups import GroupCounts

#: So many combinations of parameters are looked at in one transaction.
_PAGE = 200


@dataclass(slots=True)
class GroupCheck:
    """What a check of all groups found.

    Attributes:
        images: how many share a representative, or are one.
        decoded: pictures that were looked at.
        wrong: images that shared a vector with what they do not look like.
        queued: images that are enqueued to be embedded because of that.
        unseen: pictures that could not be read just now; their groups stay as they are.
        stray: vectors of images that are no representatives, which were deleted.
    """

    images: int = 0
    decoded: int = 0
    wrong: int = 0
    queued: int = 0
    unseen: int = 0
    stray: int = 0


def look_at(member: GroupMember) -> ImageLook | None:
    """Return what an image looks like; None when it cannot be read just now, or another file is in its place."""
    from dtk_tui.inference.image_decoder import decode_picture
    from dtk_tui.metadata.bounded_file import fingerprint_of

    try:
        look = decode_picture(member.path).look
    except MissingFileError:
        return None
    except UnreadableFileError:
        look = None
    except DtkError:
        return None
    try:
        same = not member.fingerprint or fingerprint_of(member.path) == member.fingerprint
    except OSError:
        return None
    return ImageLook(member.image_id, member.fingerprint, look) if same else None


def count(db: Database) -> GroupCounts:
    """Return how many images share the vector of another."""
    with db.connection() as conn:
        return groups.counts(conn)


def check(
    db: Database,
    config: Config,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
    *,
    write: bool = True,
) -> GroupCheck:
    """Look at the pictures of all groups; those that do not look alike are separated and enqueued.

    Args:
        progress: is given how many combinations of parameters were looked at, and how many there are.
        stop: ends the check early; what was found so far holds.
        write: False only counts.
    """
    found = GroupCheck()
    with db.connection() as conn:
        waiting = groups.shared(conn)
    threads = config.settings.worker.decode_threads or os.cpu_count() or 1
    with ThreadPoolExecutor(threads, "dtk-look") as pool:
        for start in range(0, len(waiting), _PAGE):
            progress(start, len(waiting))
            if stop is not None and stop.is_set():
                return found
            _check_some(db, config, pool, waiting[start : start + _PAGE], found, write)
    progress(len(waiting), len(waiting))
    with db.connection() as conn:
        if write:
            found.stray = groups.delete_stray_vectors(conn)
            groups.note_checked(conn)
        else:
            found.stray = groups.count_stray_vectors(conn)
    return found


class GroupCheckTask(BackgroundTask):
    """A check in the background of the app; what it finds out is told through ``emit``."""

    def __init__(self, db: Database, config: Config, emit: Emit) -> None:
        super().__init__("check of the groups", emit)
        self._db = db
        self._config = config
        self._found = GroupCheck()

    def _work(self) -> None:
        def tell(done: int, total: int) -> None:
            self._emit(GroupCheckProgressed(done, total))

        self._found = check(self._db, self._config, tell, self._stop_asked)

    def _ended(self) -> None:
        if self.error is not None:
            self._emit(ProblemReported(self.error.title, self.error.detail))
        self._emit(GroupCheckFinished(self._found.wrong, self._found.queued))


def _check_some(
    db: Database, config: Config, pool: ThreadPoolExecutor, hashes: Sequence[bytes], found: GroupCheck, write: bool
) -> None:
    """Check the groups of some parameters; with ``write`` False all is rolled back that it finds out on the way."""
    with db.connection() as conn:
        before = groups.representatives(conn, hashes)
        jobs_before = groups.count_jobs(conn, hashes)
        groups.regroup(conn, hashes)
        waiting = groups.undecoded(conn, hashes)
        if not write:
            conn.rollback()
    local = [replace(member, path=config.local_path(member.path)) for member in waiting]
    seen = list(pool.map(look_at, local))
    with db.connection() as conn:
        groups.regroup(conn, hashes)
        unseen = [member.image_id for member, look in zip(waiting, seen, strict=True) if look is None]
        kept = _groups_of(unseen, groups.representatives(conn, hashes))
        looks.save(conn, [look for look in seen if look is not None and look.image_id not in kept])
        groups.regroup(conn, hashes)
        after = groups.representatives(conn, hashes)
        queued = groups.count_jobs(conn, hashes) - jobs_before
        if not write:
            conn.rollback()
    found.images += _count_shared(before)
    found.decoded += len(seen) - len(unseen)
    found.unseen += len(unseen)
    found.wrong += sum(
        1
        for number, source in before.items()
        if source != number and after.get(number, source) != after.get(source, source)
    )
    found.queued += max(0, queued)


def _groups_of(images: Sequence[int], sources: Mapping[int, int]) -> set[int]:
    """Return all images of the groups that some images are in."""
    chosen = {sources.get(number) for number in images}
    return {number for number, source in sources.items() if source in chosen}


def _count_shared(sources: Mapping[int, int]) -> int:
    """Return how many images share a representative, or are one."""
    members = [number for number, source in sources.items() if source != number]
    return len(members) + len({sources[number] for number in members})

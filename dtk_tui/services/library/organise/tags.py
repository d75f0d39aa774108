"""Tags by hand: given, taken, renamed and merged everywhere. What models say of images is never touched."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.domain.journal import TAG
from dtk_tui.domain.organise import Collection, EditDone
from dtk_tui.errors import UsageError
from dtk_tui.services.library.edits import Progress
from dtk_tui.services.library.organise import bulk
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library.journal import Entry
from dtk_tui.store.library.organise import tags as store
from dtk_tui.text import one_line

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.bulk import Ids, Step

MAX_LENGTH = 200
_SHOWN = 60


def checked(name: str) -> str:
    """Return a name that a person gave a tag or an album, without blanks at its ends.

    Raises:
        UsageError: it is empty, too long, or has several lines.
    """
    name = name.strip()
    if not name or len(name) > MAX_LENGTH or len(name.splitlines()) > 1:
        raise UsageError(f"A name is one line of 1 to {MAX_LENGTH} characters.", f"{one_line(name, _SHOWN)!r} is none.")
    return name


def listed(db: Database) -> list[Collection]:
    """Return all tags that people gave, by name, with the number of images that have them from people."""
    with db.connection() as conn:
        return store.listed(conn)


def of_images(db: Database, image_ids: Ids | Sequence[int], limit: int) -> list[Collection]:
    """Return the tags that people gave some images, the most frequent first."""
    with db.connection() as conn:
        return store.of_images(conn, image_ids, limit)


def count(db: Database, image_ids: Ids | Sequence[int], name: str, *, has: bool) -> int:
    """Return how many images have a tag from a person, or have it not; raises as ``remove``."""
    with db.connection() as conn:
        numbers = _named(conn, name) if has else [number for number in [store.find(conn, checked(name))] if number]
        if not numbers:
            return len(np.unique(np.asarray(image_ids, np.int64)))
        portions = bulk.in_portions(image_ids)
        return sum(store.count(conn, number, some, has=has) for number in numbers for some in portions)


def count_named(db: Database, names: Sequence[str]) -> int:
    """Return how many images have one of some tags from people; raises as ``rename``."""
    with db.connection() as conn:
        return len(
            np.unique(np.concatenate([store.images_with(conn, n) for name in names for n in _named(conn, name)]))
        )


def add(
    db: Database,
    image_ids: Ids | Sequence[int],
    names: Sequence[str],
    progress: Progress = bulk.silent,
    stop: threading.Event | None = None,
) -> EditDone:
    """Give images tags; see ``bulk.edit``. Raises UsageError for what is no name of a tag."""
    names = list(dict.fromkeys(map(checked, names)))

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        return [(partial(store.add, conn, entry, store.make(conn, name)), image_ids) for name in names]

    return bulk.edit(db, TAG, f"Tag {_quoted(names)}", prepare, progress, stop)


def remove(
    db: Database,
    image_ids: Ids | Sequence[int],
    name: str,
    progress: Progress = bulk.silent,
    stop: threading.Event | None = None,
) -> EditDone:
    """Take a tag that people gave from images; see ``bulk.edit``. Raises UsageError where there is no such tag."""

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        return [(partial(store.remove, conn, entry, number), image_ids) for number in _named(conn, name)]

    return bulk.edit(db, TAG, f"Without the tag {_quoted([name])}", prepare, progress, stop)


def remove_everywhere(
    db: Database, name: str, progress: Progress = bulk.silent, stop: threading.Event | None = None
) -> EditDone:
    """Take a tag that people gave from all images; see ``remove``."""

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        numbers = _named(conn, name)
        return [(partial(store.remove, conn, entry, number), store.images_with(conn, number)) for number in numbers]

    return bulk.edit(db, TAG, f"Without the tag {_quoted([name])} everywhere", prepare, progress, stop)


def rename(
    db: Database,
    names: Sequence[str],
    new: str,
    progress: Progress = bulk.silent,
    stop: threading.Event | None = None,
) -> EditDone:
    """Put a tag in the place of one or more others that people gave, everywhere; see ``bulk.edit``.

    Raises:
        UsageError: there is no such tag, or the new name is none.
    """
    new = checked(new)
    changed: Ids = np.empty(0, np.int64)

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        nonlocal changed
        target = store.make(conn, new)
        old = [number for name in names for number in _named(conn, name) if number != target]
        found = {number: store.images_with(conn, number) for number in dict.fromkeys(old)}
        changed = np.unique(np.concatenate([*found.values(), np.empty(0, np.int64)]))
        take = [(partial(store.remove, conn, entry, number), ids) for number, ids in found.items()]
        return [*take, (partial(store.add, conn, entry, target), changed)]

    done = bulk.edit(db, TAG, f"Tag {_quoted(names)} becomes {_quoted([new])}", prepare, progress, stop)
    return replace(done, changed=len(changed))


def _named(conn: Connection, name: str) -> list[int]:
    found = store.named(conn, name.strip())
    if not found:
        raise UsageError(
            f"Nobody gave an image the tag {one_line(name, _SHOWN)!r}.", "dtk tag list shows those that people gave."
        )
    return found


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"\u201c{one_line(name, _SHOWN)}\u201d" for name in names)

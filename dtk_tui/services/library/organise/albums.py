"""Albums by hand: made, renamed, put in order, filled, emptied, deleted; and smart ones, which a query fills."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dtk_tui.domain.journal import ALBUM
from dtk_tui.domain.organise import EditDone
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.edits import Progress
from dtk_tui.services.library.organise import bulk
from dtk_tui.services.library.organise.collections import Collections, checked, quoted
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import journal
from dtk_tui.store.library.journal import Entry
from dtk_tui.store.library.organise import albums as store

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.bulk import Ids, Step


class _Albums(Collections):
    kind = ALBUM
    members = store.MEMBERS
    added = "Into the album {}"
    removed = "Out of the album {}"

    def named(self, conn: Connection, name: str) -> list[int]:
        """Return the album of this name, whose case does not matter."""
        return [_named(conn, name)]

    def to_fill(self, conn: Connection, name: str) -> int | None:
        """Return the album of this name."""
        return _named(conn, name)

    def made(self, conn: Connection, name: str) -> int:
        """Return the album of this name, which is made by ``create`` alone."""
        number = _named(conn, name)
        if store.state(conn, [number])[number]["query"] is not None:
            raise UsageError(f"The album {quoted(name)} is a smart one: its query says what is in it.")
        return number


#: All of them are in the order that people gave them.
ALBUMS = _Albums()


def count_images(db: Database, name: str) -> int:
    """Return how many images were put into an album; raises as ``remove``."""
    with db.connection() as conn:
        return len(ALBUMS.members.images(conn, _named(conn, name)))


def create(
    db: Database,
    name: str,
    image_ids: Ids | Sequence[int] = (),
    query: str | None = None,
    progress: Progress = bulk.silent,
    stop: threading.Event | None = None,
) -> EditDone:
    """Make an album, and put images into it; see ``bulk.edit``. Without images it counts as one that was changed.

    Args:
        query: makes it a smart album, which has what this finds.

    Raises:
        UsageError: there is such an album, the name is none, or the query is not understood or ranks by vectors.
    """
    name = checked(name)
    if query is not None:
        from dtk_tui.services.library.organise.smart_albums import check_query

        check_query(query)

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        _require_free(conn, name)
        return [(partial(ALBUMS.members.add, conn, entry, store.make(conn, entry, name, query)), image_ids)]

    done = bulk.edit(db, ALBUM, f"Album {quoted(name)} made", prepare, progress, stop)
    return replace(done, changed=max(done.changed - 1, 1))


def rename(db: Database, name: str, new: str) -> EditDone:
    """Rename an album; raises UsageError where there is none, or one of the new name."""
    new = checked(new)

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        number = _named(conn, name)
        _require_free(conn, new, but=number)
        store.rename(conn, entry, number, new)
        return []

    return bulk.edit(db, ALBUM, f"Album {quoted(name)} becomes {quoted(new)}", prepare, bulk.silent, None)


def move(db: Database, name: str, place: int) -> EditDone:
    """Put an album at a place among the others, from 1; raises UsageError where there is none."""

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        number = _named(conn, name)
        others = [album.id for album in ALBUMS.members.listed(conn) if album.id != number]
        others.insert(max(0, place - 1), number)
        store.put_in_order(conn, entry, others)
        return []

    return bulk.edit(db, ALBUM, f"Album {quoted(name)} at place {place}", prepare, bulk.silent, None)


def delete(db: Database, name: str, progress: Progress = bulk.silent, stop: threading.Event | None = None) -> EditDone:
    """Delete an album; its images stay. See ``create``; raises UsageError where there is none."""

    def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
        number = _named(conn, name)
        last = [(lambda _: store.delete(conn, entry, number), [0])]
        return [(partial(ALBUMS.members.remove, conn, entry, number), ALBUMS.members.images(conn, number)), *last]

    done = bulk.edit(db, ALBUM, f"Album {quoted(name)} deleted", prepare, progress, stop)
    return replace(done, changed=max(done.changed - 1, 1))


def restore_albums(conn: Connection, number: int, *, redo: bool, go: bool) -> None:
    """Make the albums that an edit changed what they were before it, or with ``redo`` what they became by it.

    Args:
        go: those that are deleted for it, which comes behind the images; False: all others, which come before them.

    Raises:
        DtkError: they were changed again since.
    """
    for change in journal.detail(conn, number).get("albums", ()):
        wanted, there = (change["after"], change["before"]) if redo else (change["before"], change["after"])
        if (wanted is None) != go:
            continue
        album: dict[str, Any] = wanted or there
        name = quoted(album["name"])
        if store.state(conn, [change["id"]]).get(change["id"]) != there:
            raise DtkError(f"The album {name} was changed again since.", "Undo what was done later first.")
        if wanted is None and len(ALBUMS.members.images(conn, change["id"])):
            raise DtkError(f"The album {name} has images by now.", "Undo what was done later first.")
        if wanted is not None and store.named(conn, wanted["name"]) not in (None, change["id"]):
            raise DtkError(f"There is another album {name} by now.", "Rename that one first.")
        store.set_state(conn, change["id"], wanted)


def _named(conn: Connection, name: str) -> int:
    found = store.named(conn, name.strip())
    if found is None:
        raise UsageError(f"There is no album {quoted(name)}.", "dtk album list shows them.")
    return found


def _require_free(conn: Connection, name: str, but: int | None = None) -> None:
    if store.named(conn, name) not in (None, but):
        raise UsageError(f"There is an album {quoted(name)} already.", "Choose another name.")

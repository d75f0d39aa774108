"""Albums by hand: made, renamed, put in order, filled, emptied, deleted; and smart ones, which a query fills."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dtk_tui.domain.journal import ALBUM
from dtk_tui.domain.organise import EditDone
from dtk_tui.domain.query import nodes
from dtk_tui.domain.query.parser import parse
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

#: Smart albums whose queries name smart albums are followed so far.
_DEEPEST = 5


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
        _exact(query)

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


def with_smart_albums(conn: Connection, query: nodes.Query) -> nodes.Query:
    """Return a query with what smart albums stand for in the place of their names.

    Raises:
        UsageError: a smart album names itself, by others.
    """
    return replace(query, filter=None if query.filter is None else _expanded(conn, query.filter, 0))


def _expanded(conn: Connection, node: nodes.Node, depth: int) -> nodes.Node:
    names = {leaf.name for leaf in _leaves(node) if isinstance(leaf, nodes.Album)}
    found = store.queries(conn, sorted(names)) if names else {}
    if not found:
        return node
    if depth == _DEEPEST:
        raise UsageError(f"The smart album {quoted(next(iter(found)))} is made of itself.", "dtk album list shows it.")
    everything: nodes.Node = nodes.Or((nodes.Flag("in_album", True), nodes.Flag("in_album", False)))
    stands = {name: _parsed(name, line).filter or everything for name, line in found.items()}
    return _replaced(node, {name: _expanded(conn, one, depth + 1) for name, one in stands.items()})


def _parsed(name: str, line: str) -> nodes.Query:
    try:
        return parse(line)
    except UsageError as error:
        raise UsageError(
            f"The query of the smart album {quoted(name)} is not understood by this version.", str(error)
        ) from error


def _replaced(node: nodes.Node, stands: dict[str, nodes.Node]) -> nodes.Node:
    if isinstance(node, nodes.And | nodes.Or):
        return type(node)(tuple(_replaced(part, stands) for part in node.parts))
    if isinstance(node, nodes.Not):
        return nodes.Not(_replaced(node.part, stands))
    return stands.get(node.name, node) if isinstance(node, nodes.Album) else node


def _leaves(node: nodes.Node) -> list[nodes.Node]:
    if isinstance(node, nodes.And | nodes.Or):
        return [leaf for part in node.parts for leaf in _leaves(part)]
    return _leaves(node.part) if isinstance(node, nodes.Not) else [node]


def _exact(line: str) -> None:
    query = parse(line)
    if query.about or query.like or query.looks:
        raise UsageError(
            "A smart album is what fits a query exactly.", "about:, like: and looks: only rank: leave them out."
        )


def _named(conn: Connection, name: str) -> int:
    found = store.named(conn, name.strip())
    if found is None:
        raise UsageError(f"There is no album {quoted(name)}.", "dtk album list shows them.")
    return found


def _require_free(conn: Connection, name: str, but: int | None = None) -> None:
    if store.named(conn, name) not in (None, but):
        raise UsageError(f"There is an album {quoted(name)} already.")

"""Names that people give images, albums and tags alike: given, taken and counted."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from dtk_tui.domain.organise import Collection, EditDone
from dtk_tui.errors import UsageError
from dtk_tui.services.library.edits import Progress
from dtk_tui.services.library.organise import bulk
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library.journal import Entry
from dtk_tui.store.library.organise.members import Members
from dtk_tui.text import one_line

if TYPE_CHECKING:
    from dtk_tui.services.library.organise.bulk import Ids, Step

_MAX_LENGTH = 200
_SHOWN = 60


def checked(name: str) -> str:
    """Return a name that a person gave a tag or an album, without blanks at its ends.

    Raises:
        UsageError: it is empty, too long, or has several lines.
    """
    name = name.strip()
    if not name or len(name) > _MAX_LENGTH or len(name.splitlines()) > 1:
        raise UsageError(
            f"A name is one line of 1 to {_MAX_LENGTH} characters.", f"{one_line(name, _SHOWN)!r} is none."
        )
    return name


def require_free(there: Iterable[Collection], name: str) -> None:
    """Check a name for a new album by those that are known; raises UsageError as ``checked``, or where one has it."""
    name = checked(name)
    if any(one.is_album and one.name.casefold() == name.casefold() for one in there):
        raise UsageError(f"There is an album {quoted(name)} already.", "Choose another name.")


def named_in(text: str) -> list[str]:
    """Return the names in what a person typed, with commas between them; raises UsageError as ``checked``."""
    names = [checked(name) for name in text.split(",") if name.strip()]
    return names or [checked("")]


def quoted(*names: str) -> str:
    """Return names as titles and errors have them."""
    return ", ".join(f"\u201c{one_line(name, _SHOWN)}\u201d" for name in names)


class Collections(ABC):
    """Albums, or the tags that people give.

    Attributes:
        kind: what the journal calls edits of them.
        members: the images that have them.
        added, removed: titles of edits, with ``{}`` for the names.
    """

    kind: ClassVar[str]
    members: ClassVar[Members]
    added: ClassVar[str]
    removed: ClassVar[str]

    @abstractmethod
    def named(self, conn: Connection, name: str) -> list[int]:
        """Return those that are called so; raises UsageError where there is none."""

    @abstractmethod
    def to_fill(self, conn: Connection, name: str) -> int | None:
        """Return the one that ``add`` puts images into, None where it would be made first; raises as ``add``."""

    @abstractmethod
    def made(self, conn: Connection, name: str) -> int:
        """Return the one that ``add`` puts images into, which is there from now on; raises as ``add``."""

    def listed(self, db: Database) -> list[Collection]:
        """Return all of them, with how many images people put into each, or gave it to."""
        with db.connection() as conn:
            return self.members.listed(conn)

    def of_images(self, db: Database, image_ids: Ids | Sequence[int], limit: int) -> list[Collection]:
        """Return those that some images are in, or have."""
        with db.connection() as conn:
            return self.members.of_images(conn, image_ids, limit)

    def count(self, db: Database, image_ids: Ids | Sequence[int], name: str, *, has: bool) -> int:
        """Return how many images have one, or have it not: whom ``remove`` or ``add`` would change; raises as these."""
        with db.connection() as conn:
            numbers = self.named(conn, name) if has else [self.to_fill(conn, name)]
            return sum(
                len(some) if number is None else self.members.count(conn, number, some, has=has)
                for number in numbers
                for some in bulk.in_portions(image_ids)
            )

    def add(
        self,
        db: Database,
        image_ids: Ids | Sequence[int],
        names: Sequence[str],
        progress: Progress = bulk.silent,
        stop: threading.Event | None = None,
    ) -> EditDone:
        """Put images into albums, or give them tags; see ``bulk.edit``.

        Raises:
            UsageError: there is no such album, or it is a smart one; or what is no name of a tag.
        """
        names = list(dict.fromkeys(name.strip() for name in names))

        def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
            return [(partial(self.members.add, conn, entry, self.made(conn, name)), image_ids) for name in names]

        return bulk.edit(db, self.kind, self.added.format(quoted(*names)), prepare, progress, stop)

    def remove(
        self,
        db: Database,
        image_ids: Ids | Sequence[int] | None,
        name: str,
        progress: Progress = bulk.silent,
        stop: threading.Event | None = None,
    ) -> EditDone:
        """Take images, or (None) all of them, out of an album, or a tag from them; see ``bulk.edit``.

        Raises:
            UsageError: there is none of this name.
        """

        def prepare(conn: Connection, entry: Entry) -> list[tuple[Step, Ids | Sequence[int]]]:
            return [
                (
                    partial(self.members.remove, conn, entry, number),
                    self.members.images(conn, number) if image_ids is None else image_ids,
                )
                for number in self.named(conn, name)
            ]

        title = self.removed.format(quoted(name)) + (" everywhere" if image_ids is None else "")
        return bulk.edit(db, self.kind, title, prepare, progress, stop)

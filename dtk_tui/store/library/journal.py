"""The journal of edits: written in the transaction of each edit, read to undo it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dtk_tui.domain.journal import Changes, Edit, ImageEdit
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.library.images import ids_from
from dtk_tui.store.text_codec import from_db, to_db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

_PART_SIZE = 5000
#: Of a library with more edits of many, the history of an image is that of its last so many parts.
_PARTS_LIMIT = 2000
_COLUMNS = "id, kind, title, made_at, changed, undone_at, restored"
_ADD = "INSERT INTO edit_journal (kind, title, changed) VALUES (%s, %s, %s) RETURNING id"
_ADD_PART = "INSERT INTO edit_journal_part (journal_id, part, image_ids, before, after) VALUES (%s, %s, %s, %s, %s)"
_LIST = f"SELECT {_COLUMNS} FROM edit_journal ORDER BY id DESC LIMIT %s"  # noqa: S608 (constants)
_NEWEST_IDS = "SELECT string_agg(int8send(id), ''::bytea ORDER BY id DESC) FROM edit_journal"
_ROWS = f"SELECT {_COLUMNS} FROM edit_journal WHERE id = ANY (%s)"  # noqa: S608 (constants)
_LOCK = f"SELECT {_COLUMNS} FROM edit_journal WHERE id = %s FOR UPDATE"  # noqa: S608 (constants)
# One at a time: of a million images all of them would be a hundred megabytes.
_NEXT_PART = """
SELECT part, image_ids, before, after, subject, stamps FROM edit_journal_part
 WHERE journal_id = %s AND part > %s ORDER BY part LIMIT 1
"""
_DROP = "DELETE FROM edit_journal WHERE id = %s"
# The last edit that is not undone, and, unless something was edited since, the last one that was.
_LAST = f"""
SELECT {_COLUMNS} FROM edit_journal WHERE undone_at IS NULL ORDER BY id DESC LIMIT 1
"""  # noqa: S608 (constants)
_LAST_UNDONE = f"""
SELECT {_COLUMNS} FROM edit_journal
 WHERE undone_at > coalesce((SELECT max(made_at) FROM edit_journal), '-infinity')
 ORDER BY undone_at DESC LIMIT 1
"""  # noqa: S608 (constants)
# Newest first, and no more parts than a person waits for: one holds thousands of images.
_OF_IMAGE = f"""
SELECT {_COLUMNS}, before[place], after[place]
  FROM (SELECT journal_id, part, before, after, array_position(image_ids, %(image)s::bigint) AS place
          FROM (SELECT * FROM edit_journal_part ORDER BY journal_id DESC, part DESC LIMIT %(parts)s) AS latest
         WHERE %(image)s = ANY (image_ids)) AS found
  JOIN edit_journal ON edit_journal.id = found.journal_id
 ORDER BY edit_journal.id DESC LIMIT %(limit)s
"""  # noqa: S608 (constants)
_SET_CHANGED = "UPDATE edit_journal SET changed = %s WHERE id = %s"
_SET_UNDONE = "UPDATE edit_journal SET undone_at = clock_timestamp(), restored = %s WHERE id = %s"
_SET_DETAIL = "UPDATE edit_journal SET detail = %s::jsonb WHERE id = %s"
_DETAIL = "SELECT detail FROM edit_journal WHERE id = %s"
_SET_DONE = "UPDATE edit_journal SET undone_at = NULL, restored = NULL WHERE id = %s"


class Entry:
    """An edit that is being written into the journal, some changes at a time, in the transaction of the edit."""

    def __init__(self, conn: Connection, kind: str, title: str) -> None:
        self._conn = conn
        self._head = (kind, to_db(title))
        self._number: int | None = None
        self._changed = self._told = self._parts = 0
        self._waiting: list[tuple[int, int | None, int | None]] = []

    def add(self, changes: Changes) -> None:
        """Note changes."""
        self._waiting += zip(changes.image_ids, changes.before, changes.after, strict=True)
        self._changed += len(changes.image_ids)
        while len(self._waiting) >= _PART_SIZE:
            self._write_part()

    def next_part(self) -> tuple[int, int]:
        """Return the numbers of the edit and of its next part, for a statement that writes it; see ``wrote``."""
        return self._begun(), self._parts

    def wrote(self, changes: int) -> None:
        """Count the changes of the part that a statement wrote itself; 0: it wrote none."""
        self._changed += changes
        self._parts += changes > 0

    def note(self, detail: Mapping[str, Any]) -> None:
        """Keep one change that is of no image, as JSON, in place of what was kept so before."""
        self._conn.execute(_SET_DETAIL, (json.dumps(detail), self._begun()))
        self._changed += 1

    @property
    def changed(self) -> int:
        """How many changes there are so far."""
        return self._changed

    def finish(self) -> int | None:
        """Return the number of the edit; None when nothing was changed."""
        if self._waiting:
            self._write_part()
        if self._number is not None and not self._changed:
            self._conn.execute(_DROP, (self._number,))
            return None
        if self._changed != self._told:
            self._conn.execute(_SET_CHANGED, (self._changed, self._number))
        return self._number

    def _begun(self) -> int:
        if self._number is None:
            self._told = self._changed
            self._number = int(row_of(self._conn, _ADD, (*self._head, self._told))[0])
        return self._number

    def _write_part(self) -> None:
        number = self._begun()
        part, self._waiting = self._waiting[:_PART_SIZE], self._waiting[_PART_SIZE:]
        self._conn.execute(_ADD_PART, (number, self._parts, *map(list, zip(*part, strict=True))))
        self._parts += 1


def add(conn: Connection, kind: str, title: str, changes: Changes) -> int:
    """Write an edit with at least one change into the journal, in its own transaction; return its number there."""
    entry = Entry(conn, kind, title)
    entry.add(changes)
    number = entry.finish()
    if number is None:
        raise ValueError("an edit changes something")
    return number


def listed(conn: Connection, limit: int) -> list[Edit]:
    """Return the last edits, the newest first."""
    return [_edit(row) for row in conn.execute(_LIST, (limit,))]


def newest_ids(conn: Connection) -> Ids:
    """Return the numbers of all edits, the newest first; int64, shape [n]."""
    return ids_from(row_of(conn, _NEWEST_IDS)[0])


def rows(conn: Connection, numbers: Sequence[int]) -> list[Edit]:
    """Return edits by their numbers, in any order."""
    return [_edit(row) for row in conn.execute(_ROWS, (list(numbers),))]


def lock(conn: Connection, number: int) -> Edit | None:
    """Return an edit, which nobody else can undo until the transaction ends; None when there is none of this number."""
    row = conn.execute(_LOCK, (number,)).fetchone()
    return None if row is None else _edit(row)


def parts(conn: Connection, number: int) -> Iterator[Changes]:
    """Yield what an edit changed, part by part, each read when it is wanted."""
    part = -1
    while row := conn.execute(_NEXT_PART, (number, part)).fetchone():
        part, *changes = row
        yield Changes(*changes)


def detail(conn: Connection, number: int) -> dict[str, Any]:
    """Return what ``Entry.note`` kept of an edit; empty: nothing."""
    return dict(row_of(conn, _DETAIL, (number,))[0] or {})


def last(conn: Connection, *, undone: bool) -> Edit | None:
    """Return the last edit that can be undone, or with ``undone`` be done again; None: there is none.

    What was undone can be done again as long as nothing else was edited since.
    """
    row = conn.execute(_LAST_UNDONE if undone else _LAST).fetchone()
    return None if row is None else _edit(row)


def of_image(conn: Connection, image_id: int, limit: int) -> list[ImageEdit]:
    """Return the last edits of one image, the newest first, as far as the last ``_PARTS_LIMIT`` parts tell."""
    values = {"image": image_id, "parts": _PARTS_LIMIT, "limit": limit}
    return [ImageEdit(_edit(row), row[7], row[8]) for row in conn.execute(_OF_IMAGE, values)]


def set_undone(conn: Connection, number: int, restored: int) -> None:
    """Note that an edit was undone, and how much that gave back."""
    conn.execute(_SET_UNDONE, (restored, number))


def set_done(conn: Connection, number: int) -> None:
    """Note that an edit that was undone was done again."""
    conn.execute(_SET_DONE, (number,))


def _edit(row: tuple[Any, ...]) -> Edit:
    return Edit(
        id=row[0],
        kind=row[1],
        title=from_db(row[2]),
        made_at=row[3],
        changed=row[4],
        undone_at=row[5],
        restored=row[6],
    )

"""The journal of edits: written in the transaction of each edit, read to undo it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dtk_tui.domain.journal import Changes, Edit
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db, to_db

_PART_SIZE = 1000
_COLUMNS = "id, kind, title, made_at, changed, undone_at, restored"
_ADD = "INSERT INTO edit_journal (kind, title, changed) VALUES (%s, %s, %s) RETURNING id"
_ADD_PART = "INSERT INTO edit_journal_part (journal_id, part, image_ids, before, after) VALUES (%s, %s, %s, %s, %s)"
_LIST = f"SELECT {_COLUMNS} FROM edit_journal ORDER BY id DESC LIMIT %s"  # noqa: S608 (constants)
_LOCK = f"SELECT {_COLUMNS} FROM edit_journal WHERE id = %s FOR UPDATE"  # noqa: S608 (constants)
_PARTS = "SELECT image_ids, before, after FROM edit_journal_part WHERE journal_id = %s ORDER BY part"
_SET_UNDONE = "UPDATE edit_journal SET undone_at = now(), restored = %s WHERE id = %s"


def add(conn: Connection, kind: str, title: str, changes: Changes) -> int:
    """Write an edit into the journal, in its own transaction, and return its number there."""
    number = int(row_of(conn, _ADD, (kind, to_db(title), len(changes.image_ids)))[0])
    with conn.cursor() as cursor:
        cursor.executemany(
            _ADD_PART,
            [
                (
                    number,
                    start // _PART_SIZE,
                    list(changes.image_ids[start : start + _PART_SIZE]),
                    list(changes.before[start : start + _PART_SIZE]),
                    list(changes.after[start : start + _PART_SIZE]),
                )
                for start in range(0, len(changes.image_ids), _PART_SIZE)
            ],
        )
    return number


def listed(conn: Connection, limit: int) -> list[Edit]:
    """Return the last edits, the newest first."""
    return [_edit(row) for row in conn.execute(_LIST, (limit,))]


def lock(conn: Connection, number: int) -> Edit | None:
    """Return an edit, which nobody else can undo until the transaction ends; None when there is none of this number."""
    row = conn.execute(_LOCK, (number,)).fetchone()
    return None if row is None else _edit(row)


def parts(conn: Connection, number: int) -> Iterator[Changes]:
    """Yield what an edit changed, part by part."""
    for image_ids, before, after in conn.execute(_PARTS, (number,)).fetchall():
        yield Changes(image_ids, before, after)


def set_undone(conn: Connection, number: int, restored: int) -> None:
    """Note that an edit was undone, and how much that gave back."""
    conn.execute(_SET_UNDONE, (restored, number))


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

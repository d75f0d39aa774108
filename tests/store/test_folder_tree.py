"""What the tree of folders shows: lines and badges that are packed from the database to the screen."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from dtk_tui.domain.library import Badge, FolderRow
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import folder_tree, folders

_NAMES = ("b", "A", "a\udcff\\", "\u00e4 \U0001f98a", "nul\x00", "'", "B")
_MANY = 3_000
_SIBLINGS = """
INSERT INTO folder (parent_id, path, name)
SELECT %(in)s, %(path)s || '/day ' || n, 'day ' || n FROM generate_series(1, %(many)s) n
"""
_IMAGES = """
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)
SELECT id, 'a.png', 1, 1, now() FROM folder
"""
_JOBS = """
INSERT INTO job (kind, image_id, priority) SELECT 1, id, CASE WHEN mod(folder_id, 3) = 0 THEN 100 ELSE 0 END FROM image
"""


def _fill(conn: Connection, many: int) -> int:
    top = folders.add_root(conn, "/out")
    conn.execute(_SIBLINGS, {"in": top, "path": "/out", "many": many})
    conn.execute(_IMAGES)
    conn.execute(_JOBS)
    return top


def _one(conn: Connection, folder_id: int) -> FolderRow:
    row = folders.folder(conn, folder_id)
    assert row is not None
    return replace(row, images=None)


@pytest.mark.parametrize(
    "marks",
    [
        "unavailable = true",
        "excluded = true",
        "archived = true",
        "recursive = false",
        "error = ''",
        "error = 'no r\u00e9ading \U0001f98a'",
        "name = name",
    ],
)
def test_a_packed_line_is_what_its_folder_is(db: Database, marks: str) -> None:
    with db.connection() as conn:
        top = folders.add_root(conn, "/out")
        ids = folders.add(conn, [(top, f"/out/{name}") for name in _NAMES])
        folders.add(conn, [(ids["/out/B"], "/out/B/below")])
        conn.execute(f"UPDATE folder SET {marks} WHERE id = %s", (ids["/out/A"],))
        conn.execute(f"UPDATE folder SET {marks} WHERE id = %s", (top,))
        found = folder_tree.children(conn, top)
        assert list(found) == [_one(conn, number) for number in found.ids]
        assert sorted(row.name for row in found) == sorted(_NAMES)
        assert [row.name for row in found if row.has_children] == ["B"]
        assert [row.name.lower() for row in found if row.name.isascii() and row.name.isalpha()] == ["a", "b", "b"]
        assert list(folder_tree.roots(conn)) == [_one(conn, top)]
        assert not folder_tree.children(conn, ids["/out/A"])


def test_lists_are_the_same_as_long_as_nothing_changed(db: Database) -> None:
    with db.connection() as conn:
        top = folders.add_root(conn, "/out")
        assert folder_tree.children(conn, top) == folder_tree.children(conn, top)
        folders.add(conn, [(top, "/out/a"), (top, "/out/b")])
        first = folder_tree.children(conn, top)
        conn.execute("UPDATE folder SET error = 'gone' WHERE path = '/out/b'")
        assert folder_tree.children(conn, top) != first


def test_badges_add_up_to_the_roots(db: Database) -> None:
    with db.connection() as conn:
        top = _fill(conn, 10)
        ids = folder_tree.children(conn, top).ids
        conn.execute("DELETE FROM job WHERE image_id IN (SELECT id FROM image WHERE folder_id = %s)", (ids[0],))
        conn.execute(
            "UPDATE job SET state = 'failed' FROM image WHERE folder_id = %s AND image.id = image_id", (ids[1],)
        )
        found = folder_tree.badges(conn)
        urgent = [number for number in ids[2:] if number % 3 == 0]
        assert [found.of(number) for number in ids] == [
            None,
            None,
            *(Badge(1, int(number in urgent)) for number in ids[2:]),
        ]
        assert found.of(top) == Badge(9, len(urgent) + (top % 3 == 0))
        assert found.of(10**12) is None and found.of(0) is None
        conn.execute("DELETE FROM job")
        assert folder_tree.badges(conn).of(top) is None


@pytest.mark.parametrize(
    "ask",
    [lambda conn, top: folder_tree.children(conn, top), lambda conn, top: folder_tree.badges(conn), folders.subtree],
    ids=["children", "badges", "subtree"],
)
def test_no_object_is_made_for_a_folder(db: Database, ask: Callable[[Connection, int], object]) -> None:
    with db.connection() as conn:
        top = _fill(conn, _MANY)
        ask(conn, top)
        gc.collect()
        before = sys.getallocatedblocks()
        found = ask(conn, top)
        assert sys.getallocatedblocks() - before < _MANY // 10
        assert found is not None


def test_the_folders_below_one(db: Database) -> None:
    with db.connection() as conn:
        top = _fill(conn, 5)
        assert sorted(folders.subtree(conn, top)) == [top, *sorted(folder_tree.children(conn, top).ids)]
        assert len(folders.subtree(conn, 10**12)) == 0

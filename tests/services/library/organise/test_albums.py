"""Albums by hand: made, filled, renamed, put in order, deleted, and given back with their places and dates."""

from __future__ import annotations

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.organise import EditDone
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library import journal
from dtk_tui.services.library.organise import albums, bulk
from dtk_tui.services.library.organise.albums import ALBUMS
from dtk_tui.services.library.search import find
from dtk_tui.store.database import Database
from tests.helpers.search_library import Library


@pytest.fixture
def ids(db: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Five images, of which 0 and 2 are in the album ``Best`` of an import, and rated 5."""
    monkeypatch.setattr(bulk, "SOME", 2)
    with db.connection() as conn:
        library = Library(conn)
        numbers = [library.image(f"{n}.png", f"prompt {n}", rating=5 if n in (0, 2) else None) for n in range(5)]
        conn.execute(
            "INSERT INTO album (name, position, updated_at) VALUES ('Best', 7, '2025-01-01 00:00:00.000001+00')"
        )
        conn.execute(
            "INSERT INTO album_image (album_id, image_id, position, added_at)"
            " SELECT 1, image_id, image_id * 10, '2025-01-01 12:00:00.123457+00' FROM unnest(%s::bigint[]) image_id",
            ([numbers[0], numbers[2]],),
        )
    return numbers


def content(db: Database) -> list[list[tuple[object, ...]]]:
    with db.connection() as conn:
        return [
            sorted(conn.execute("SELECT id, name, position, query, updated_at FROM album").fetchall()),
            sorted(conn.execute("SELECT album_id, image_id, position, added_at FROM album_image").fetchall()),
        ]


def listed(db: Database) -> list[tuple[str, int]]:
    return [(album.name, album.images) for album in ALBUMS.listed(db)]


def test_images_are_put_in_and_taken_out(db: Database, config: Config, ids: list[int]) -> None:
    states, edits = [content(db)], list[EditDone]()
    for act in (
        lambda: ALBUMS.add(db, ids, ["best"]),
        lambda: ALBUMS.remove(db, ids[1:4], "Best"),
        lambda: albums.create(db, "New", ids[3:]),
        lambda: albums.rename(db, "Best", "BEST of"),
        lambda: albums.move(db, "New", 1),
        lambda: albums.delete(db, "BEST of"),
    ):
        edits.append(act())
        states.append(content(db))
    assert [edit.changed for edit in edits] == [3, 3, 2, 1, 1, 2]
    assert listed(db) == [("New", 2)]
    assert len(find(db, config, "album:new").ids) == 2
    for edit, state in zip(reversed(edits), reversed(states[:-1]), strict=True):
        assert journal.undo(db, edit.journal or 0).left == ()
        assert content(db) == state
    for edit, state in zip(edits, states[1:], strict=True):
        journal.redo(db, edit.journal or 0)
        assert [row[:4] for row in content(db)[0]] == [row[:4] for row in state[0]]
        assert content(db)[1] == state[1]


def test_what_is_wrong_is_said(db: Database, ids: list[int]) -> None:
    for act, told in (
        (lambda: ALBUMS.add(db, ids, ["none"]), "There is no album"),
        (lambda: albums.create(db, "best"), "There is an album"),
        (lambda: albums.create(db, " "), "one line"),
        (lambda: albums.create(db, "x", (), "about: dogs"), "fits a query exactly"),
        (lambda: albums.create(db, "x", (), "steps:many"), "steps"),
    ):
        with pytest.raises(UsageError, match=told):
            act()
    assert journal.last_edits(db, 9) == []
    made = albums.create(db, "x")
    ALBUMS.add(db, ids[:1], ["x"])
    with pytest.raises(DtkError, match="has images by now"):
        journal.undo(db, made.journal or 0)
    named = albums.rename(db, "x", "y")
    albums.rename(db, "y", "z")
    with pytest.raises(DtkError, match="was changed again since"):
        journal.undo(db, named.journal or 0)
    assert listed(db) == [("Best", 2), ("z", 1)]
    assert albums.move(db, "Best", 1).changed == 1
    assert albums.move(db, "Best", 1) == EditDone(0, None)


def test_edits_of_one_album_are_undone_in_any_order(db: Database, ids: list[int]) -> None:
    before = content(db)
    put_in = ALBUMS.add(db, ids, ["Best"])
    out = ALBUMS.remove(db, ids, "Best")
    undone = journal.undo(db, put_in.journal or 0)
    assert (undone.restored, len(undone.left)) == (0, 3)
    assert journal.undo(db, out.journal or 0).restored == 5
    assert content(db) == before


def test_a_smart_album_is_what_its_query_finds(db: Database, config: Config, ids: list[int]) -> None:
    albums.create(db, "Good ones", (), "rating:>=4")
    albums.create(db, "others", (), 'NOT album:"good ones"')
    everything = albums.create(db, "all", (), "")
    assert sorted(find(db, config, "album:'Good ones'".replace("'", '"')).ids) == [ids[0], ids[2]]
    assert sorted(find(db, config, "album:OTHERS prompt").ids) == [ids[1], ids[3], ids[4]]
    assert len(find(db, config, "album:all").ids) == 5
    with pytest.raises(UsageError, match="is a smart one"):
        ALBUMS.add(db, ids, ["others"])
    journal.undo(db, everything.journal or 0)
    albums.create(db, "circle", (), "album:circle -album:others")
    with pytest.raises(UsageError, match="made of itself"):
        find(db, config, "album:circle")

"""Tags by hand: given, taken, renamed, merged, and given back with who gave them and when."""

from __future__ import annotations

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.organise import EditDone
from dtk_tui.errors import UsageError
from dtk_tui.services.library import journal
from dtk_tui.services.library.organise import bulk, tags
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.services.library.search import find
from dtk_tui.store.database import Database
from dtk_tui.store.queue import results
from tests.helpers.search_library import Library

HOSTILE = "[red]x[/x] \x1b]52;c;aGk=\x07 \x00 \udce9"


@pytest.fixture
def ids(db: Database) -> list[int]:
    """Four images: the first two have ``blue_hair`` from Diffusion Toolkit, the second ``fox`` from a model."""
    with db.connection() as conn:
        library = Library(conn)
        numbers = [library.image(f"{n}.png", f"prompt {n}") for n in range(4)]
        conn.execute("INSERT INTO tag (name) VALUES ('blue_hair'), ('fox')")
        conn.execute(
            "INSERT INTO image_tag (image_id, tag_id, source, created_at)"
            " SELECT unnest(%s::bigint[]), id, 'diffusion-toolkit', '2025-01-01 12:00:00.123457+00'"
            " FROM tag WHERE name = 'blue_hair'",
            (numbers[:2],),
        )
        conn.execute(
            "INSERT INTO image_tag (image_id, tag_id, source, confidence) SELECT %s, id, 'wd', 0.75 FROM tag"
            " WHERE name = 'fox'",
            (numbers[1],),
        )
    return numbers


def rows(db: Database) -> list[tuple[object, ...]]:
    with db.connection() as conn:
        sql = "SELECT image_id, tag.name, source, confidence, created_at FROM image_tag JOIN tag ON tag.id = tag_id"
        return sorted(conn.execute(sql).fetchall())


def given(db: Database) -> dict[str, int]:
    return {tag.name: tag.images for tag in TAGS.listed(db)}


def test_tags_are_given_and_taken(db: Database, config: Config, ids: list[int]) -> None:
    before = rows(db)
    assert TAGS.count(db, ids, "fox", has=False) == 4
    done = TAGS.add(db, ids, ["fox", " blue_hair ", "fox"])
    assert done.changed == 6, "what a model says is no person's tag"
    assert given(db) == {"blue_hair": 4, "fox": 4}
    assert len(find(db, config, "tag:fox").ids) == 4
    with db.connection() as conn:  # a tagger is at it again
        results.save_tags(conn, results.tagger(conn, "wd", "x"), "wd", [(ids[1], [], [], [])])
    assert given(db)["fox"] == 4, "no model takes away what a person gave"
    assert journal.undo(db, done.journal or 0).restored == 6
    assert [row for row in rows(db) if row[2] != "wd"] == [row for row in before if row[2] != "wd"]
    assert TAGS.count(db, ids, "Blue Hair", has=True) == 2
    taken = TAGS.remove(db, ids, "Blue Hair")
    assert (taken.changed, given(db)) == (2, {})
    assert journal.undo(db, taken.journal or 0).restored == 2
    assert [row for row in rows(db) if row[1] == "blue_hair"] == [row for row in before if row[1] == "blue_hair"]
    assert journal.redo(db, taken.journal or 0).restored == 2
    with pytest.raises(UsageError, match="Nobody gave an image the tag"):
        TAGS.remove(db, ids, "fox")
    for name in (" ", "a\nb", "x" * 201):
        with pytest.raises(UsageError, match="one line"):
            TAGS.add(db, ids, [name])


def test_one_tag_takes_the_place_of_others_everywhere(
    db: Database, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SOME", 1)
    TAGS.add(db, ids[1:3], [HOSTILE])
    before = rows(db)
    assert tags.count_named(db, ["blue_hair", HOSTILE]) == 3
    done = tags.rename(db, ["blue_hair", HOSTILE], "azure")
    assert (done.changed, given(db)) == (3, {"azure": 3})
    assert [row[2] for row in rows(db) if row[1] == "fox"] == ["wd"]
    later = TAGS.remove(db, ids[:1], "azure")
    undone = journal.undo(db, done.journal or 0)
    assert [path for _, path in undone.left] == ["/pictures/out/0.png"], "what was taken away since is left alone"
    journal.undo(db, later.journal or 0)
    assert rows(db) == before, "and the older edit first ends as it began"
    everywhere = TAGS.remove(db, None, "blue hair")
    assert (everywhere.changed, given(db)) == (2, {HOSTILE: 2})
    assert TAGS.of_images(db, ids[:2], 9)[0].name == HOSTILE
    assert tags.rename(db, [HOSTILE], HOSTILE) == EditDone(0, None)


def test_a_tag_that_came_again_since_is_left_alone(db: Database, ids: list[int]) -> None:
    first = TAGS.add(db, ids, ["castle"])
    again = [TAGS.remove(db, ids[:1], "castle"), TAGS.add(db, ids[:1], ["castle"])]
    assert journal.undo(db, first.journal or 0).restored == 3
    assert given(db)["castle"] == 1
    for edit in (again[1], again[0]):
        journal.undo(db, edit.journal or 0)
    assert "castle" not in given(db)

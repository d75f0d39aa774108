"""Captions in a real database: versions, two writers at once, the journal and its undo."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dtk_tui.domain.captions import Caption, ModelText, Outcome, WhenThere
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.library import journal
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import captions as store
from dtk_tui.store.library import images
from tests.helpers.search_library import Library

HOSTILE = "[red]x[/x] [@click=app.quit]y[/] \x1b]52;c;aGk=\x07 \x00 \u202e \udce9 \u0065\u0301\r\n\t end "


@pytest.fixture
def image(db: Database) -> int:
    with db.connection() as conn:
        return Library(conn).image("a.png")


def said(image_id: int, text: str, base_id: int | None = None, kind: str = "descriptive") -> ModelText:
    return ModelText(
        image_id, kind, "joy", text, base_id, "joy-beta", "Describe it.\x00", {"temperature": 0.6, "s": "\x00"}
    )


def current(conn: Connection, image_id: int) -> list[Caption]:
    return store.current(conn, [image_id]).get(image_id, [])


def test_versions_are_kept_and_one_is_current(db: Database, image: int) -> None:
    with db.connection() as conn:
        assert captions.save(conn, [said(image, "a fox"), said(image, "1fox", kind="booru")], WhenThere.KEEP) == [
            Outcome.WRITTEN,
            Outcome.WRITTEN,
        ]
        first = next(one for one in current(conn, image) if one.type == "descriptive")
        assert (first.text, first.model, first.prompt_used, first.parameters) == (
            "a fox", "joy-beta", "Describe it.\x00", {"temperature": 0.6, "s": "\x00"},
        )  # fmt: skip
        edited, _ = captions.set_text(conn, image, HOSTILE, "descriptive")
        assert (edited.text, edited.source, edited.type, edited.parent_id) == (HOSTILE, "joy", "descriptive", first.id)
        assert edited.is_user_edited and edited.model is None
        todo = captions.wanted_for(conn, [image, 4711], "joy", ["descriptive"], WhenThere.OVERWRITE)
        assert (todo[image, "descriptive"].is_wanted, todo[4711, "descriptive"].is_wanted) == (False, True)
        assert captions.save(conn, [said(image, "cat", first.id)], WhenThere.OVERWRITE) == [Outcome.SET_ASIDE]
        assert [one.text for one in current(conn, image)] == [HOSTILE, "1fox"]
        assert [one.text for one in store.versions(conn, image)] == ["cat", HOSTILE, "a fox", "1fox"]
        detail = images.detail(conn, image)
        assert detail is not None and [one.text for one in detail.captions] == [HOSTILE, "1fox"]


def test_a_text_for_an_image_that_is_gone_and_one_without_words(db: Database, image: int) -> None:
    with db.connection() as conn:
        assert captions.save(conn, [said(4711, "a fox"), said(image, "a fox")], WhenThere.KEEP) == ["gone", "written"]
        with pytest.raises(ValueError, match="without a word"):
            captions.save(conn, [said(image, " \n")], WhenThere.OVERWRITE)
        for text, told in ((" \n", "empty"), ("x" * 4_000_001, "at most")):
            with pytest.raises(UsageError, match=told):
                captions.set_text(conn, image, text)
        conn.execute("DELETE FROM image")
        assert conn.execute("SELECT FROM caption UNION ALL SELECT FROM current_caption").fetchall() == []


@pytest.mark.parametrize("there", [None, "model", "person"])
@pytest.mark.parametrize("when_there", list(WhenThere))
def test_two_writers_at_once(db: Database, image: int, there: str | None, when_there: WhenThere) -> None:
    """Both began from the same state and want to store at the same moment: one of them is heard."""
    base_id = None
    with db.connection() as conn:
        if there == "model":
            captions.save(conn, [said(image, "old")], WhenThere.KEEP)
        elif there == "person":
            captions.set_text(conn, image, "old", None, "descriptive")
        if there:
            base_id = current(conn, image)[0].id
    together = threading.Barrier(2)

    def write(text: str) -> Outcome:
        with db.connection() as conn:
            together.wait(30)
            return captions.save(conn, [said(image, text, base_id)], when_there)[0]

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(write, ("one", "two")))
    with db.connection() as conn:
        (left,) = current(conn, image)
        texts = [one.text for one in store.versions(conn, image)]
    changes = not there or (when_there is not WhenThere.KEEP and (there == "model" or when_there is WhenThere.APPEND))
    heard = [text for text, outcome in zip(("one", "two"), outcomes, strict=True) if outcome is not Outcome.KEPT]
    assert len(heard) == changes
    assert len(texts) == bool(there) + changes, "no version of the one who was late is left"
    if not changes:
        assert left.text == "old"
    elif there and when_there is WhenThere.APPEND:
        assert left.text == f"old\n{heard[0]}" and left.is_user_edited == (there == "person")
    else:
        assert left.text == heard[0]


@pytest.mark.parametrize("when_there", list(WhenThere))
def test_a_person_edits_while_two_workers_are_at_it(db: Database, image: int, when_there: WhenThere) -> None:
    with db.connection() as conn:
        captions.save(conn, [said(image, "old")], WhenThere.KEEP)
        base_id = captions.wanted_for(conn, [image], "joy", ["descriptive"], when_there)[image, "descriptive"].base_id
        captions.set_text(conn, image, HOSTILE)
    together = threading.Barrier(2)

    def write(text: str) -> Outcome:
        with db.connection() as conn:
            together.wait(30)
            return captions.save(conn, [said(image, text, base_id)], when_there)[0]

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(write, ("one", "two")))
    with db.connection() as conn:
        (left,) = current(conn, image)
        versions = len(store.versions(conn, image))
    assert left.is_user_edited and left.text.startswith(HOSTILE)
    expected = {
        WhenThere.KEEP: ["kept", "kept"],
        WhenThere.OVERWRITE: ["set aside", "set aside"],
        WhenThere.APPEND: ["appended", "kept"],
        WhenThere.REFINE: ["set aside", "set aside"],
    }[when_there]
    assert outcomes == expected
    assert left.text.removeprefix(HOSTILE) in (("\none", "\ntwo") if when_there is WhenThere.APPEND else ("",))
    assert versions == 2 + sum(outcome != "kept" for outcome in outcomes)


def test_an_edit_is_undone_byte_by_byte(db: Database, image: int) -> None:
    with db.connection() as conn:
        captions.save(conn, [said(image, HOSTILE)], WhenThere.KEEP)
        before = current(conn, image)
        _, number = captions.set_text(conn, image, "mine")
        assert captions.set_text(conn, image, "mine")[1] is None
    assert number is not None
    assert journal.undo(db, number).restored == 1
    with db.connection() as conn:
        assert current(conn, image) == before
        assert conn.execute("SELECT count(*) FROM current_caption WHERE search @@ 'mine'").fetchone() == (0,)
    with pytest.raises(DtkError, match="undone before"):
        journal.undo(db, number)
    with pytest.raises(UsageError, match="no edit 4711"):
        journal.undo(db, 4711)
    edits = journal.last_edits(db, 10)
    assert [(edit.kind, edit.changed, edit.restored) for edit in edits] == [("caption", 1, 1)]


def test_what_was_edited_again_is_left_alone_and_named(db: Database, image: int) -> None:
    with db.connection() as conn:
        _, first = captions.set_text(conn, image, "one")
        _, second = captions.set_text(conn, image, "two")
    assert first is not None and second is not None
    undone = journal.undo(db, first)
    assert (undone.restored, undone.left) == (0, ((image, "/pictures/out/a.png"),))
    assert journal.undo(db, second).restored == 1
    with db.connection() as conn:
        assert [one.text for one in current(conn, image)] == [], "the older edit first, and it ends as it began"
        _, third = captions.set_text(conn, image, "three")
        conn.execute("DELETE FROM image")
    assert third is not None
    assert journal.undo(db, third).left == ((image, None),)


def test_the_first_caption_is_taken_away_again(db: Database, image: int) -> None:
    with db.connection() as conn:
        caption, number = captions.set_text(conn, image, "mine", None, "descriptive")
    assert (caption.source, caption.type) == ("user", "descriptive")
    assert number is not None and journal.undo(db, number).restored == 1
    with db.connection() as conn:
        assert current(conn, image) == []
        assert captions.wanted_for(conn, [image], "joy", ["descriptive"], WhenThere.KEEP)[
            image, "descriptive"
        ].is_wanted


def test_a_type_is_named_by_name_or_title() -> None:
    settings = CaptionSettings(type="Descriptive")
    assert captions.type_name(settings, settings.type) == "descriptive"
    assert captions.type_name(settings, "my own") == "my own"

"""Edits of many captions: one transaction, one edit in the journal, undone byte by byte."""

from __future__ import annotations

import pytest

from dtk_tui.domain.caption_edit import CaptionEdit
from dtk_tui.domain.captions import MAX_LENGTH, ModelText, WhenThere
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library import caption_batch, captions, journal
from dtk_tui.services.library.regex_process import RegexProcess, RegexTimeoutError, RegexTooLongError
from dtk_tui.store.database import Database
from dtk_tui.store.library import captions as store
from tests.helpers.search_library import Library

TEXTS = (
    "a red fox", "[red]x[/x] \x1b]52;c;aGk=\x07 \x00 \udce9", "\u0065\u0301 fox\r\n\t", "\U0010fffe0000 fox", "a cat",
)  # fmt: skip


@pytest.fixture
def ids(db: Database) -> list[int]:
    """Images with one caption each, and one without; the first one with another caption of another type."""
    with db.connection() as conn:
        library = Library(conn)
        numbers = [
            library.image(f"{n}.png", f"prompt {n}", tags=[("a_tag", 0.5), ("mine", None)])
            for n in range(len(TEXTS) + 1)
        ]
        said = [ModelText(n, "descriptive", "joy", text) for n, text in zip(numbers, TEXTS, strict=False)]
        captions.save(conn, [*said, ModelText(numbers[0], "booru", "joy", "1fox")], WhenThere.KEEP)
    return numbers


def _texts(db: Database) -> list[tuple[int, str, str, bool]]:
    with db.connection() as conn:
        rows = store.current(conn, [n for (n,) in conn.execute("SELECT id FROM image")]).values()
    return sorted((one.image_id, one.type, one.text, one.is_user_edited) for row in rows for one in row)


def test_an_edit_of_many_is_one_in_the_journal_and_undone_byte_by_byte(db: Database, ids: list[int]) -> None:
    before = _texts(db)
    edit = CaptionEdit("prefix", "ohwx, ")
    seen = caption_batch.preview(db, ids, edit)
    assert (seen.changed, seen.journal, len(seen.examples)) == (6, None, 5)
    assert (seen.examples[0].before, seen.examples[0].after) == ("1fox", "ohwx, 1fox")
    assert _texts(db) == before
    done = caption_batch.apply(db, ids, edit)
    assert done.changed == 6 and done.journal is not None
    assert _texts(db) == [(image, kind, f"ohwx, {text}", True) for image, kind, text, _ in before]
    assert [(one.title, one.changed) for one in journal.last_edits(db, 9)] == [('Captions: prefix "ohwx, "', 6)]
    undone = journal.undo(db, done.journal)
    assert (undone.restored, undone.left) == (6, ())
    assert _texts(db) == before
    with db.connection() as conn:
        assert conn.execute("SELECT count(*) FROM current_caption WHERE search @@ 'ohwx'").fetchone() == (0,)
        assert len(store.versions(conn, ids[0])) == 4, "what was written stays among the versions"


def test_what_was_edited_again_is_left_alone(db: Database, ids: list[int]) -> None:
    first = caption_batch.apply(db, ids, CaptionEdit("suffix", "!"))
    again = caption_batch.apply(db, ids[:2], CaptionEdit("suffix", "?"), "descriptive")
    assert (again.changed, first.journal is not None) == (2, True)
    with db.connection() as conn:
        conn.execute("DELETE FROM image WHERE id = %s", (ids[4],))
    undone = journal.undo(db, first.journal or 0)
    assert undone.restored == 3
    assert undone.left == ((ids[0], "/pictures/out/0.png"), (ids[1], "/pictures/out/1.png"), (ids[4], None))
    assert [text for _, _, text, _ in _texts(db)] == ["1fox", "a red fox!?", f"{TEXTS[1]}!?", TEXTS[2], TEXTS[3]]
    # What the later edit found is given back by its own undo.
    assert journal.undo(db, again.journal or 0).restored == 2
    assert [text for _, _, text, _ in _texts(db)] == ["1fox", "a red fox!", f"{TEXTS[1]}!", TEXTS[2], TEXTS[3]]


def test_captions_are_taken_away_and_come_back(db: Database, ids: list[int]) -> None:
    before = _texts(db)
    done = caption_batch.apply(db, ids, CaptionEdit("remove"))
    assert (done.changed, _texts(db)) == (6, [])
    with db.connection() as conn:
        captions.set_text(conn, ids[4], "a new one", "descriptive")
        captions.save(conn, [ModelText(ids[3], "descriptive", "joy", "a model's")], WhenThere.KEEP)
    undone = journal.undo(db, done.journal or 0)
    # What a person wrote since has another source, and stands beside.
    assert (undone.restored, undone.left) == (5, ((ids[3], "/pictures/out/3.png"),))
    assert [row for row in _texts(db) if row[0] not in ids[3:5]] == [row for row in before if row[0] not in ids[3:5]]


def test_templates_and_texts_without_a_word(db: Database, ids: list[int]) -> None:
    edit = CaptionEdit("template", "{caption}|{prompt}|{tags}|{tags:0.6}|{file_name}|{folder}|{negative_prompt}")
    done = caption_batch.apply(db, ids[:1], edit, "booru")
    assert (done.changed, _texts(db)[0][2]) == (1, "1fox|prompt 0|mine, a_tag|mine|0.png|/pictures/out|")
    done = caption_batch.apply(db, ids, CaptionEdit("replace", "a cat", " "))
    assert (done.changed, done.blank, done.journal) == (0, 1, None)


def test_regular_expressions(db: Database, ids: list[int]) -> None:
    done = caption_batch.apply(db, ids, CaptionEdit("regex", r"(?i)\b(?P<what>FOX)\b", r"\g<what>es"))
    assert (done.changed, _texts(db)[1][2]) == (3, "a red foxes")
    for pattern, new, told in (("(", "", "not understood"), ("a", r"\1", "invalid group"), ("(a)", r"\g<x>", "x")):
        with pytest.raises(UsageError, match=told):
            caption_batch.apply(db, ids, CaptionEdit("regex", pattern, new))
    with pytest.raises(DtkError, match=r"2\.png would be longer"):
        with db.connection() as conn:
            captions.set_text(conn, ids[2], "a" * MAX_LENGTH)
        caption_batch.apply(db, ids[1:], CaptionEdit("regex", "^(a)", r"\1\1"))


def test_a_regular_expression_without_an_end_is_ended(db: Database, ids: list[int]) -> None:
    evil = "a" * 5000 + "!"
    with RegexProcess("(a|aa)+$", "b", longest_s=0.5) as process, pytest.raises(RegexTimeoutError) as caught:
        process.replace(["x aa", evil])
    assert caught.value.place == 1
    with RegexProcess("", "x" * 10_000) as process, pytest.raises(RegexTooLongError) as too_long:
        process.replace(["a", "a" * 1000])
    assert too_long.value.place == 1

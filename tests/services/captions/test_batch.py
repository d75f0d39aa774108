"""Edits of many captions: one transaction, one edit in the journal, undone byte by byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.caption_edit import CaptionEdit
from dtk_tui.domain.captions import MAX_LENGTH, ModelText, WhenThere
from dtk_tui.domain.journal import Changes
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.captions import batch as caption_batch
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.captions.regex_process import RegexProcess, RegexTimeoutError, RegexTooLongError
from dtk_tui.services.library import journal
from dtk_tui.services.library.caption_words import catch_up
from dtk_tui.services.library.edits import EditStoppedError
from dtk_tui.services.library.search import find
from dtk_tui.store.database import Database
from dtk_tui.store.library import caption_words as words_store
from dtk_tui.store.library import captions as store
from dtk_tui.store.library import journal as journal_store
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
    # The later edit gives back what stood there before both, and each is done again where it was.
    assert journal.undo(db, again.journal or 0).restored == 2
    assert [text for _, _, text, _ in _texts(db)] == ["1fox", *TEXTS[:4]]
    assert journal.redo(db, first.journal or 0).restored == 5
    assert journal.redo(db, again.journal or 0).restored == 2
    assert [text for _, _, text, _ in _texts(db)][:3] == ["1fox!", "a red fox!?", f"{TEXTS[1]}!?"]


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


def test_an_edit_goes_by_portions_and_is_one_all_the_same(
    db: Database, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caption_batch, "_SOME", 4)
    monkeypatch.setattr(caption_batch, "_SOME_BYTES", len(TEXTS[1].encode("utf-8", "replace")) + 20)
    monkeypatch.setattr(journal_store, "_PART_SIZE", 4)
    before, told = _texts(db), list[tuple[int, int]]()
    seen: list[int] = []
    caption_batch.preview(db, ids, CaptionEdit("suffix", "!"), None, lambda result: seen.append(result.changed))
    assert seen == sorted(seen) and seen[-1] == 6 and len(seen) > 1
    done = caption_batch.apply(db, ids, CaptionEdit("suffix", "!"), None, lambda *news: told.append(news))
    assert told[0] == (0, 6) and told[-1] == (6, 6) and len(told) > 3
    assert _texts(db) == [(image, kind, f"{text}!", True) for image, kind, text, _ in before]
    with db.connection() as conn:
        parts = conn.execute("SELECT array_agg(cardinality(after) ORDER BY part) FROM edit_journal_part").fetchone()
    assert parts == ([4, 2],)
    removed = caption_batch.apply(db, ids, CaptionEdit("remove"), None, lambda *news: told.append(news))
    assert told[-3:] == [(0, 6), (4, 6), (6, 6)]
    told.clear()
    for one in (removed, done):
        assert journal.undo(db, one.journal or 0, lambda *news: told.append(news)).restored == 6
    assert told == 2 * [(0, 6), (4, 6), (6, 6)]
    assert _texts(db) == before


def test_words_of_many_wait_and_are_found(
    db: Database, config: Config, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words_store, "_MANY", 2)
    monkeypatch.setattr(words_store, "_SOME", 2)

    def lacking() -> object:
        with db.connection() as conn:
            row = conn.execute(
                "SELECT count(*) FROM current_caption JOIN caption ON caption.id = caption_id"
                " WHERE search IS DISTINCT FROM dtk_caption_words(text)"
            ).fetchone()
            return row and row[0]

    done = caption_batch.apply(db, ids, CaptionEdit("prefix", "ohwx "))
    assert lacking() == 6
    stop = threading.Event()
    stop.set()
    assert catch_up(db, stop) == 0
    with db.connection() as conn:  # somebody edits, and somebody deletes, what waits
        captions.set_text(conn, ids[0], "mine", "descriptive")
        conn.execute("DELETE FROM image WHERE id = %s", (ids[4],))
    assert sorted(find(db, config, "caption:ohwx").ids.tolist()) == ids[:4], "the search waits for them"
    assert (lacking(), catch_up(db)) == (0, 0)
    assert journal.undo(db, done.journal or 0).restored == 4
    assert lacking() == 4
    assert catch_up(db) == 4, "images"
    assert lacking() == 0
    assert find(db, config, "caption:ohwx").ids.tolist() == []


def test_an_edit_and_an_undo_are_stopped_and_change_nothing(
    db: Database, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caption_batch, "_SOME", 4)
    before, stop = _texts(db), threading.Event()

    def stopping(done: int, total: int) -> None:
        if done:
            stop.set()

    with pytest.raises(EditStoppedError, match="Nothing was changed"):
        caption_batch.apply(db, ids, CaptionEdit("suffix", "!"), None, stopping, stop)
    assert (_texts(db), journal.last_edits(db, 9)) == (before, [])
    done = caption_batch.apply(db, ids, CaptionEdit("suffix", "!"))
    after = _texts(db)
    with pytest.raises(EditStoppedError):
        journal.undo(db, done.journal or 0, stopping, stop)
    assert _texts(db) == after
    assert journal.undo(db, done.journal or 0).restored == 6


def test_what_waits_for_somebody_else_or_never_ends_can_be_stopped(db: Database, ids: list[int]) -> None:
    stop = threading.Event()

    def work(edit: CaptionEdit) -> None:
        with pytest.raises(EditStoppedError):
            caption_batch.apply(db, ids, edit, None, lambda done, total: started.set(), stop)

    with db.connection() as conn:
        captions.set_text(conn, ids[4], "a" * 5000 + "!", "descriptive")
    with ThreadPoolExecutor(1) as pool:
        for edit in (CaptionEdit("regex", "(a|aa)+$", "b"), CaptionEdit("suffix", "!")):
            started = threading.Event()
            stop.clear()
            with db.connection() as other:
                if edit.operation == "suffix":
                    store.lock(other, ids)
                doing = pool.submit(work, edit)
                if edit.operation == "regex":
                    assert started.wait(60)
                stop.set()
                doing.result(60)


def test_an_undo_of_an_unknown_kind_says_so(db: Database) -> None:
    with db.connection() as conn:
        number = journal_store.add(conn, "colour", "Colours", Changes([1], [None], [2]))
    with pytest.raises(DtkError, match="cannot undo an edit of the kind 'colour'"):
        journal.undo(db, number)


_PROGRAM = """
import json, sys
from dtk_tui.config import load
from dtk_tui.domain.caption_edit import CaptionEdit
from dtk_tui.services.captions import batch as caption_batch
from dtk_tui.services.library import journal
from dtk_tui.store.database import Database
ids, number, caption_batch._SOME = json.loads(sys.argv[1]), int(sys.argv[2]), 2
def tell(done, total):
    print(done, flush=True)
    sys.stdin.readline()
db = Database.open(load())
if number:
    journal.undo(db, number, tell)
else:
    caption_batch.apply(db, ids, CaptionEdit("prefix", "ohwx, "), None, tell)
print("over", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("words", ["4", "over"])
def test_an_edit_that_is_killed_is_done_or_not_done(
    db: Database, ids: list[int], database_url: str, tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_store, "_PART_SIZE", 2)
    monkeypatch.setattr(caption_batch, "_SOME", 2)
    before = _texts(db)
    edited = [(image, kind, f"ohwx, {text}", True) for image, kind, text, _ in before]
    environ = {**os.environ, "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": database_url}

    def killed(number: int) -> None:
        """Begin the edit, or the undo of one, in a process, and kill it when it says the words."""
        command = [sys.executable, "-c", _PROGRAM, json.dumps(ids), str(number)]
        with subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin and process.stdout
            while process.stdout.readline().strip() != words:
                process.stdin.write("\n")
                process.stdin.flush()
            process.kill()
        with db.connection() as conn:
            store.lock(conn, ids)  # waits for the end of its transaction

    killed(0)
    assert _texts(db) == (edited if words == "over" else before)
    assert len(journal.last_edits(db, 9)) == (words == "over")
    if words != "over":
        caption_batch.apply(db, ids, CaptionEdit("prefix", "ohwx, "))
    killed(journal.last_edits(db, 9)[0].id)
    assert _texts(db) == (before if words == "over" else edited)
    assert (journal.last_edits(db, 9)[0].undone_at is None) == (words != "over")

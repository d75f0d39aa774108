"""What the caption editor asks of the library: drafts, saving, and who was quicker."""

from __future__ import annotations

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.errors import UsageError
from dtk_tui.services.captions import editor
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.captions.editor import CaptionPage, ChangedMeanwhileError
from dtk_tui.services.captions.text_counts import counts
from dtk_tui.services.library import journal
from dtk_tui.store.database import Database
from tests.helpers.search_library import Library

HOSTILE = "[red]x[/] \x1b]52;c;aGk=\x07 \x00 \u202e \udce9 \u2028 e\u0301\r\n\t end "


@pytest.fixture
def image(db: Database) -> int:
    with db.connection() as conn:
        return Library(conn).image("a.png")


def said(db: Database, image: int, text: str, kind: str = "descriptive") -> None:
    with db.connection() as conn:
        captions.save(conn, [ModelText(image, kind, "joy", text, None, "joy", "Describe it.")], WhenThere.KEEP)


def page_of(db: Database, config: Config, image: int, kind: str | None = None) -> CaptionPage:
    page = editor.load(db, config, image, kind)
    assert page is not None
    return page


def test_a_draft_is_the_text_and_ends_with_saving(db: Database, config: Config, image: int) -> None:
    page = page_of(db, config, image)
    assert (page.type, page.text, page.base_id, page.versions, page.draft) == ("descriptive", "", None, (), None)
    editor.keep_draft(db, page, "first")
    editor.keep_draft(db, page, HOSTILE)
    draft = page_of(db, config, image).draft
    assert draft is not None and (draft.text, draft.base_id) == (HOSTILE, None)
    number = editor.save(db, config, page, HOSTILE)
    page = page_of(db, config, image)
    assert page.draft is None and page.current is not None
    assert (page.text, page.current.source, page.current.is_user_edited) == (HOSTILE, "user", True)
    assert number is not None and journal.undo(db, number).restored == 1
    page = page_of(db, config, image)
    assert page.current is None and [one.text for one in page.versions] == [HOSTILE]


def test_the_type_with_the_newest_draft_is_opened(db: Database, config: Config, image: int) -> None:
    said(db, image, "a fox")
    editor.keep_draft(db, page_of(db, config, image, "art-critic"), "a masterly fox")
    page = page_of(db, config, image)
    assert page.type == "art-critic" and page.draft is not None
    editor.keep_draft(db, page, None)
    page = page_of(db, config, image)
    assert (page.type, page.text, page.draft) == ("descriptive", "a fox", None)
    assert [one.prompt_used for one in page.versions] == ["Describe it."]


def test_who_was_quicker_is_told_and_nothing_is_lost(db: Database, config: Config, image: int) -> None:
    said(db, image, "a fox")
    page = page_of(db, config, image)
    with db.connection() as conn:
        captions.set_text(conn, image, "a vixen")
    with pytest.raises(ChangedMeanwhileError, match="A person wrote"):
        editor.save(db, config, page, "a red fox")
    assert page_of(db, config, image).text == "a vixen"
    editor.save(db, config, page, "a red fox", over=True)
    page = page_of(db, config, image)
    assert [(one.text, one.is_current) for one in page.versions] == [
        ("a red fox", True),
        ("a vixen", False),
        ("a fox", False),
    ]


def test_a_text_that_is_put_aside_is_a_version_and_no_caption(db: Database, config: Config, image: int) -> None:
    said(db, image, "a fox")
    page = page_of(db, config, image)
    editor.keep_draft(db, page, "mine")
    editor.put_aside(db, page, "mine")
    editor.put_aside(db, page, " ")
    page = page_of(db, config, image)
    assert page.draft is None and page.text == "a fox"
    assert [(one.text, one.is_user_edited) for one in page.versions] == [("mine", True), ("a fox", False)]


def test_what_is_too_long_or_gone(db: Database, config: Config, image: int) -> None:
    with db.connection() as conn:
        captions.set_text(conn, image, "word " * 200_000)
    page = page_of(db, config, image)
    assert len(page.text) == 1_000_000 and [len(one.text) for one in page.versions] == [editor.EDITABLE + 1]
    with pytest.raises(UsageError, match="empty"):
        editor.save(db, config, page, "\n")
    with db.connection() as conn:
        conn.execute("DELETE FROM image")
    assert editor.load(db, config, image) is None
    editor.keep_draft(db, page, "nobody")
    editor.put_aside(db, page, "nobody")
    with pytest.raises(UsageError, match="not in the library any more"):
        editor.save(db, config, page, "nobody", over=True)
    with db.connection() as conn:
        assert conn.execute("SELECT FROM caption_draft").fetchall() == []


def test_words_and_tokens_of_a_text(config: Config) -> None:
    found = counts(config, "A red fox, unbelievably\nred \udce9.")
    assert (found.characters, found.words) == (30, 6)
    assert (found.tokens, found.tokenizer) == (11, "minilm-l6-v2")
    assert counts(config, "word " * 1000).tokens == 1000, "no limit of the model cuts what is counted"

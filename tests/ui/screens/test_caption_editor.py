"""The caption editor with keys only, on a real database and with a real server of chat completions."""

from __future__ import annotations

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services.captions import versions as captions
from dtk_tui.store.database import Database
from dtk_tui.store.library import caption_drafts
from dtk_tui.ui.dialogs import Confirm, ErrorDialog, Menu
from dtk_tui.ui.screens.caption_editor import CaptionEditorScreen
from dtk_tui.ui.widgets.captions.versions import VersionList
from dtk_tui.ui.widgets.folder_tree import FolderTree
from tests.helpers.caption_editing import area, asks, current, drafts, editor, is_open, open_editor, versions, write
from tests.helpers.running_app import NARROW, WIDE, Running, library_app
from tests.ui.test_errors import FaultyDatabase
from tests.ui.test_hostile import HOSTILE, assert_clean

#: All of them in one text, and those that a text area would change: line ends of every kind, NUL and surrogates.
_TEXTS = (" ".join(HOSTILE), HOSTILE[7], HOSTILE[9], f"one\r\n{HOSTILE[11]}\rtwo\n\n")


# -- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_an_edit_is_a_version_of_a_person(
    db: Database, config: Config, ids: list[int], size: tuple[int, int]
) -> None:
    write(db, ids[0], "a red fox")
    async with library_app(db, config, size) as run:
        await open_editor(run)
        await run.shows("3 words, 3 tokens (minilm-l6-v2), 9 characters")
        await run.shows("Describe it.")
        await run.press("end", *"es")
        await run.shows("a red [-fox-]{+foxes+}")
        await run.press("ctrl+s")
        await run.shows("Saved. In the list of images J takes edit 1 back.")
        await run.shows("joy, edited")
        assert current(db, ids[0]) == ["a red foxes"]
        assert [(one.is_user_edited, one.source) for one in versions(db, ids[0])] == [(True, "joy"), (False, "joy")]
        assert drafts(db, ids[0]) == []
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        if size == WIDE:
            await run.shows("a red foxes")


async def test_an_untouched_caption_is_never_saved(db: Database, config: Config, ids: list[int]) -> None:
    with db.connection() as conn:
        for image, text in zip(ids, _TEXTS, strict=False):
            captions.set_text(conn, image, text)
    async with library_app(db, config, NARROW) as run:
        await open_editor(run)
        for image, text in zip(ids, _TEXTS, strict=False):
            await run.until(lambda text=text: area(run).text == text)  # type: ignore[misc]
            await run.press("right", "ctrl+s")
            await run.shows("There is nothing to save")
            assert_clean(run)
            await run.press("ctrl+a", "delete", "ctrl+z", "ctrl+n")
            assert [one.text for one in versions(db, image)] == [text]
            assert drafts(db, image) == []
        assert isinstance(run.app.screen, CaptionEditorScreen)


async def test_on_folders_the_images_beside_them_are_edited(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox")
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("shift+tab")
        await run.until(lambda: isinstance(run.app.focused, FolderTree))
        await open_editor(run)
        assert area(run).text == "a fox"


async def test_what_is_typed_survives_the_app(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox\r\n")
    async with library_app(db, config, NARROW) as run:
        await open_editor(run)
        await run.press(*"my", "space")
        await run.until(lambda: [one.text for one in drafts(db, ids[0])] == ["my a fox\r\n"])
        await run.shows("not saved, draft kept")
        assert current(db, ids[0]) == ["a fox\r\n"]
    async with library_app(db, config, NARROW) as run:
        await open_editor_with_question(run)
        await run.press("y")
        await run.until(lambda: area(run).text == "my a fox\r\n")
        await run.press("ctrl+z")
        await run.until(lambda: area(run).text == "a fox\r\n" and not drafts(db, ids[0]))
        await run.press("ctrl+y", "ctrl+s")
        await run.shows("Saved.")
        assert current(db, ids[0]) == ["my a fox\r\n"] and drafts(db, ids[0]) == []


async def open_editor_with_question(run: Running) -> None:
    await run.shows("029.png")
    await run.press("d")
    await asks(run, Confirm, "Take up the text that was not saved?")


async def test_a_draft_that_is_not_taken_up_is_a_version(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox")
    with db.connection() as conn:
        caption_drafts.put(conn, ids[0], "descriptive", "mine", 4711)
    async with library_app(db, config, NARROW) as run:
        await open_editor_with_question(run)
        await run.shows("The caption was changed since then")
        await run.press("escape")
        await run.until(lambda: [one.text for one in versions(db, ids[0])] == ["mine", "a fox"])
        await run.until(lambda: editor(run).query_one(VersionList).count == 2)
        assert (current(db, ids[0]), drafts(db, ids[0]), area(run).text) == (["a fox"], [], "a fox")


async def test_leaving_asks_what_becomes_of_the_text(db: Database, config: Config, ids: list[int]) -> None:
    async with library_app(db, config, NARROW) as run:
        await open_editor(run)
        for key in ("escape", "ctrl+n", "ctrl+b"):
            await run.press("a", key)
            await asks(run, Menu, "The text is not saved.")
            await run.press("escape")
            await run.until(lambda: is_open(run))
        await run.press("ctrl+n")
        await asks(run, Menu, "The text is not saved.")
        await run.press("s")
        await run.shows("2 of 30")
        assert current(db, ids[0]) == ["aaa"]
        await run.until(lambda: is_open(run))
        await run.press("b", "f4")
        await asks(run, Menu, "The text is not saved.")
        await run.press("k")
        await run.shows("3 of 30")
        assert [one.text for one in drafts(db, ids[1])] == ["b"] and current(db, ids[1]) == []
        await run.until(lambda: is_open(run))
        await run.press("c", "escape")
        await asks(run, Menu, "The text is not saved.")
        await run.press("d")
        await run.until(lambda: run.app.screen is run.main)
        assert (current(db, ids[2]), versions(db, ids[2]), drafts(db, ids[2])) == ([], [], [])
        assert run.main.table.current_id == ids[2], "the list follows"


async def test_discard_asks_and_can_be_undone(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox")
    async with library_app(db, config, NARROW) as run:
        await open_editor(run)
        await run.press("ctrl+l")
        await run.shows("There is nothing to discard.")
        await run.press("x", "ctrl+l")
        await asks(run, Confirm, "Discard what you changed?")
        await run.press("n")
        await run.until(lambda: is_open(run))
        assert area(run).text == "xa fox"
        await run.press("ctrl+l")
        await asks(run, Confirm, "Discard what you changed?")
        await run.press("y")
        await run.until(lambda: area(run).text == "a fox" and not drafts(db, ids[0]))
        await run.press("ctrl+z")
        await run.until(lambda: area(run).text == "xa fox")


async def test_the_marked_images_are_gone_through(db: Database, config: Config, ids: list[int]) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("space", "down", "space", "d")
        await run.shows("029.png   1 of 2")
        await run.press("ctrl+b")
        await run.shows("This is the first image.")
        await run.press("ctrl+n")
        await run.shows("027.png   2 of 2")
        await run.press("ctrl+n")
        await run.shows("This is the last image.")


async def test_the_ways_in(db: Database, config: Config, ids: list[int]) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("enter")
        await run.shows("1 of 30")
        await run.press("m")
        await run.shows("Edit caption")
        await run.press("d")
        await run.until(lambda: is_open(run))
        await run.press("ctrl+n")
        await run.shows("028.png   2 of 30")
        await run.until(lambda: is_open(run))
        await run.press("q", "question_mark", "f1")
        await run.shows("caption.save")
        await run.press("escape")
        await run.until(lambda: area(run).text == "q?")
        await run.press("ctrl+s")
        await run.shows("Saved.")
        await run.press("escape")
        await run.shows("028.png   2 of 30")
        await run.shows("q?")


# -- versions, find ---------------------------------------------------------------------------------------------------


async def test_a_version_is_taken_and_what_was_typed_is_kept(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox")
    with db.connection() as conn:
        captions.set_text(conn, ids[0], "a vixen")
    async with library_app(db, config, NARROW) as run:
        await open_editor(run)
        await run.press("x", "tab", "down")
        await run.shows("[-a fox-]{+xa vixen+}")
        await run.press("enter")
        await run.until(lambda: area(run).text == "a fox")
        assert [one.text for one in versions(db, ids[0])] == ["xa vixen", "a vixen", "a fox"]
        assert current(db, ids[0]) == ["a vixen"]
        await run.until(lambda: area(run).has_focus)
        await run.press("ctrl+z")
        assert area(run).text == "xa vixen"


async def test_find_and_replace(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox, a Fox, a fox\na fox")
    async with library_app(db, config, NARROW) as run:
        await open_editor(run)
        await run.press("ctrl+f", *"fox", "enter")
        await run.shows("1 of 3")
        await run.press("enter")
        await run.shows("2 of 3")
        await run.press("tab", *"cat", "enter")
        await run.until(lambda: area(run).text == "a fox, a Fox, a cat\na fox")
        await run.press("f2")
        await run.shows("2 replaced")
        assert area(run).text == "a cat, a Fox, a cat\na cat"
        await run.press("escape", "ctrl+z")
        await run.until(lambda: area(run).text == "a fox, a Fox, a cat\na fox")


async def test_another_type_of_caption(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "1fox, snow", "booru-like-tag-list")
    write(db, ids[0], "a fox")
    async with library_app(db, config, WIDE) as run:
        await open_editor(run)
        await run.shows("1 other type")
        await run.press("ctrl+t")
        await asks(run, Menu, "Edit which caption of this image?")
        await run.press("down", "enter")
        await run.until(lambda: is_open(run) and area(run).text == "1fox, snow")
        await run.press("x", "ctrl+s")
        await run.shows("Saved.")
        assert sorted(current(db, ids[0])) == ["a fox", "x1fox, snow"]


async def test_what_somebody_else_saved_is_not_replaced_unasked(db: Database, config: Config, ids: list[int]) -> None:
    write(db, ids[0], "a fox")
    async with library_app(db, config, NARROW) as run:
        await open_editor(run)
        with db.connection() as conn:
            captions.set_text(conn, ids[0], "theirs")
        await run.press("x", "ctrl+s")
        await asks(run, Confirm, "The caption was changed meanwhile.")
        await run.press("n")
        await run.until(lambda: editor(run).query_one(VersionList).count == 2)
        assert current(db, ids[0]) == ["theirs"]
        await run.press("ctrl+s")
        await asks(run, Confirm, "The caption was changed meanwhile.")
        await run.press("y")
        await run.shows("Saved.")
        assert [one.text for one in versions(db, ids[0])] == ["xa fox", "theirs", "a fox"]
        assert current(db, ids[0]) == ["xa fox"]


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_captions(db: Database, config: Config, ids: list[int], size: tuple[int, int]) -> None:
    with db.connection() as conn:
        captions.set_text(conn, ids[0], "[/b] \x1b[2J" + "word " * 200_000)
        for image, text in zip(ids[1:], _TEXTS[:2], strict=False):
            captions.save(conn, [ModelText(image, text, text, text, None, text, text)], WhenThere.KEEP)
            caption_drafts.put(conn, image, text, text * 2, None)
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await run.press("d")
        await run.shows("too long to be edited: 5,000 of")
        await run.shows("No word differs.")
        assert_clean(run)
        await run.press("x", "ctrl+g", "ctrl+s")
        await run.shows("dtk caption set writes it")
        for _ in _TEXTS[:2]:
            await run.press("ctrl+n")
            await asks(run, Confirm, "Take up the text that was not saved?")
            assert_clean(run)
            await run.press("y")
            await run.shows("{+")
            assert_clean(run)
            await run.press("ctrl+t")
            await asks(run, Menu, "Edit which caption of this image?")
            assert_clean(run)
            await run.press("escape", "ctrl+s")
            await run.until(lambda: is_open(run))
            await run.shows(", edited")
            assert_clean(run)
        assert current(db, ids[0]) == ["[/b] \x1b[2J" + "word " * 200_000]
        assert [current(db, image) for image in ids[1:3]] == [[text * 2] for text in _TEXTS[:2]]


# -- without a database, without a captioner --------------------------------------------------------------------------


async def test_a_text_outlives_a_database_that_is_away(config: Config, ids: list[int], db: Database) -> None:
    faulty = FaultyDatabase.open(config)
    assert isinstance(faulty, FaultyDatabase)
    try:
        async with library_app(faulty, config, NARROW) as run:
            await open_editor(run)
            faulty.fault = DatabaseLostError("The database cannot be reached.", "It is tried again.")
            await run.press("x", "ctrl+s")
            await run.shows("The database is away: this was not done.")
            await run.shows("database away: not saved, no draft")
            assert area(run).text == "x"
            faulty.fault = None
            await run.until(lambda: [one.text for one in drafts(db, ids[0])] == ["x"])
            await run.press("ctrl+s")
            await run.shows("Saved.")
            faulty.fault = DatabaseLostError("The database cannot be reached.", "It is tried again.")
            await run.press("ctrl+n")
            await run.shows("The database is away: this caption cannot be read.")
            faulty.fault = None
            await run.press("ctrl+b")
            await run.until(lambda: is_open(run) and area(run).text == "x")
    finally:
        faulty.close()


async def test_without_a_captioner_it_says_what_to_do(db: Database, config: Config, ids: list[int]) -> None:
    async with library_app(db, config, NARROW) as run:
        await open_editor(run)
        await run.press("x", "ctrl+g")
        await asks(run, Menu, "Let the model write which caption?")
        await run.press("enter")
        await asks(run, ErrorDialog, "No captioner is set up on this host.")
        await run.press("enter")
        await run.until(lambda: is_open(run))
        assert area(run).text == "x"

"""Editing the captions of many images on the screen: chosen, previewed, done, stopped, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from dtk_tui.config import Config
from dtk_tui.domain.caption_edit import CaptionEdit, Example
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.services.captions import batch as caption_batch
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.library import journal
from dtk_tui.services.library.edits import EditTask
from dtk_tui.store.database import Database
from dtk_tui.store.library import captions as store
from dtk_tui.ui.dialogs import Confirm, ErrorDialog, Menu
from dtk_tui.ui.screens import batch_edit
from dtk_tui.ui.screens.batch_edit import BatchEditScreen
from dtk_tui.ui.screens.batch_edit_text import change_words
from dtk_tui.ui.screens.journal import JournalScreen
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

HOSTILE = "[red]x[/x] [@click=app.quit]y[/] \x1b]52;c;aGk=\x07 \x00 \u202e fox"


@pytest.fixture
def ids(db: Database, library: Path) -> list[int]:
    """The images 000.png to 029.png: all but the last have a caption, the first a hostile one of another type, too."""
    with db.connection() as conn:
        numbers = [n for (n,) in conn.execute("SELECT id FROM image ORDER BY file_name")]
        said = [ModelText(n, "descriptive", "joy", f"a photo of a fox {n}") for n in numbers[:-1]]
        captions.save(conn, [*said, ModelText(numbers[0], "booru", "joy", HOSTILE)], WhenThere.KEEP)
    return numbers


def texts(db: Database, ids: list[int]) -> dict[tuple[int, str], str]:
    with db.connection() as conn:
        return {(one.image_id, one.type): one.text for row in store.current(conn, ids).values() for one in row}


async def choose(run: Running, row: int, words: str) -> None:
    """Choose something in the menu of a row of the form."""
    form = run.app.screen.query_one("#batch-form")
    form.focus()
    await run.press("home", *["down"] * row, "enter")
    await run.until(lambda: isinstance(run.app.screen, Menu))
    menu = run.app.screen
    assert isinstance(menu, Menu)
    place = next(number for number, entry in enumerate(menu._entries) if entry.words.startswith(words))
    await run.press(*["down"] * place, "enter")
    await run.until(lambda: isinstance(run.app.screen, BatchEditScreen))


def changes(run: Running) -> str:
    return str(run.app.screen.query_one("#batch-change-words", Static).visual)


def tell_twice(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the news of an edit come behind those of its end, too."""
    signal = run.dtk.context.tasks.edit_moved
    once = signal.publish

    def publish(running: EditTask) -> None:
        once(running)
        once(running)

    monkeypatch.setattr(signal, "publish", publish)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_captions_are_edited_and_taken_back(
    db: Database, config: Config, ids: list[int], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = texts(db, ids)
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await run.press("B")
        await run.shows("Put in a text to see what changes.")
        await choose(run, 2, "replace a text")
        await run.write("photo")
        await run.press("tab")
        await run.write("painting")
        await run.until(lambda: "+ a painting of a fox" in changes(run))
        await run.shows("29 captions change")
        await run.press("enter")
        await run.shows("Change 29 captions?")
        await run.press("y")
        await run.shows("29 captions changed.")
        assert {text.partition(" of")[0] for (_, kind), text in texts(db, ids).items() if kind == "descriptive"} == {
            "a painting"
        }
        await run.press("J")
        await run.shows('replace "photo"')
        with db.connection() as conn:
            captions.set_text(conn, ids[3], "mine", "descriptive")
        await run.press("r", "down", "u")
        await run.shows("Undo this edit?")
        tell_twice(run, monkeypatch)
        await run.press("y")
        await run.shows("28 restored. 1 image was edited again")
        await run.shows("003.png")
        await run.press("enter")
        await run.shows("all but 1")
        await run.press("u")
        await run.shows("This edit was undone before.")
        await run.press("enter")
        await run.shows("Undone 20")
        assert "\x1b" not in run.text()
        await run.press("escape", "escape")
        await run.until(lambda: isinstance(run.app.screen, BatchEditScreen))
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
    assert texts(db, ids) == {**before, (ids[3], "descriptive"): "mine"}


async def test_which_images_and_captions_are_edited(db: Database, config: Config, ids: list[int]) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("slash")
        await run.write("castle")
        await run.press("enter")
        await run.shows("\u201ccastle\u201d  10")
        await run.press("B")
        await run.shows("the search \u201ccastle\u201d  10 images")
        await choose(run, 2, "take the captions away")
        await run.shows("11 captions are taken away")
        assert "\x1b" not in changes(run) and "[red]x[/x]" in changes(run)
        await choose(run, 1, "booru")
        await run.shows("1 caption is taken away")
        await choose(run, 0, "the whole library")
        await run.shows("30 images")
        await run.shows("30 captions are taken away")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("space", "space", "B")
        await run.shows("what is selected  2 images")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("shift+tab", "home", "down", "down", "down")
        await run.shows("final  10")
        await run.press("B")
        await run.shows("final, with all below it  10 images")
        await choose(run, 0, "final alone")
        await run.shows("final alone  10 images")


async def test_the_text_has_the_focus_and_what_is_missing_is_said(db: Database, config: Config, ids: list[int]) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("B")
        await run.shows("Put in a text to see what changes.")
        await run.press("f2")
        await run.until(lambda: "Put in a text" in notices(run))
        await run.write("ohwx ")
        await run.until(lambda: "+ ohwx a photo of a fox" in changes(run))
        await run.press("up")
        await run.until(lambda: run.app.focused is run.app.screen.query_one("#batch-form"))
        await choose(run, 2, "replace by a regular")
        await run.press("ctrl+u", "left_parenthesis")
        await run.press("down")
        await run.until(lambda: run.app.focused is run.app.screen.query("SafeInput").last())
        count = run.app.screen.query_one("#batch-count")
        await run.until(lambda: count.size.height > 1)
        await run.press("f2")
        await run.until(lambda: "is not understood" in notices(run))


async def test_a_fault_that_is_found_after_it_was_asked_for_is_said(
    db: Database, config: Config, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_edit, "_REST_S", 1.0)
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("B")
        await run.shows("Put in a text to see what changes.")
        await choose(run, 2, "replace by a regular")
        await run.press("ctrl+u", "left_parenthesis", "f2")
        assert not notices(run)
        await run.until(lambda: "is not understood" in notices(run))


def notices(run: Running) -> str:
    return " ".join(one.message for one in run.app._notifications)


async def test_what_is_not_understood_or_never_ends_is_said(
    db: Database, config: Config, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtk_tui.services.captions.regex_process._LONGEST_S", 1.0)
    with db.connection() as conn:
        captions.set_text(conn, ids[2], "a" * 5000 + "!", "descriptive")
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("B")
        await choose(run, 2, "fill a template")
        await run.press("left_curly_bracket", "x", "right_curly_bracket")
        await run.shows("A template cannot name 'x'")
        await choose(run, 2, "replace by a regular")
        await run.press("ctrl+u", "left_parenthesis")
        await run.shows("The regular expression is not understood")
        await run.press("f2")
        assert isinstance(run.app.screen, BatchEditScreen), "there is nothing to ask about"
        await run.press("ctrl+u")
        run.app.screen.query("SafeInput").first().value = "(a|aa)+$"  # type: ignore[attr-defined]
        await run.shows("takes too long on a caption of")


async def test_an_edit_goes_on_without_its_screen_and_can_be_stopped(
    db: Database, config: Config, ids: list[int]
) -> None:
    before = texts(db, ids)
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("B")
        await choose(run, 2, "replace a text")
        await run.write("zebra")
        await run.shows("No caption changes: these images have none, or none that this edit fits. d writes one.")
        await choose(run, 2, "upper case")
        await run.shows("30 captions change")
        for ends in ("c", "escape"):
            with db.connection() as other:
                store.lock(other, ids[:1])
                await run.press("f2")
                await run.shows("Change 30 captions?")
                await run.press("y")
                await run.shows("This screen can be left")
                await run.press(ends)
                if ends == "c":
                    await run.shows("It was stopped. Nothing was changed.")
                    assert texts(db, ids) == before
                    await run.press("n")
                    await run.shows("30 captions change")
                else:
                    await run.shows("Captions: upper case")
                    await run.press("B")
                    await run.shows("This screen can be left")
                    await run.press("escape")
                    await run.until(lambda: run.app.screen is run.main)
        await run.shows("30 captions changed. J shows the journal.")
        await run.until(lambda: "Captions: upper case" not in run.text())
    assert texts(db, ids)[ids[0], "descriptive"] == f"A PHOTO OF A FOX {ids[0]}"


async def test_an_undo_goes_on_without_its_screen(db: Database, config: Config, ids: list[int]) -> None:
    done = caption_batch.apply(db, ids, CaptionEdit("suffix", HOSTILE), "descriptive")
    with db.connection() as conn:
        captions.set_text(conn, ids[1], "mine", "descriptive")
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("J")
        await run.shows("[red]x[")
        with db.connection() as other:
            store.lock(other, ids[:1])
            await run.press("down", "u")
            await run.until(lambda: isinstance(run.app.screen, Confirm))
            await run.press("y")
            await run.shows(f"Undo of edit {done.journal}")
            await run.press("u")
            await run.until(lambda: isinstance(run.app.screen, Confirm))
            await run.press("y")
            await run.shows("Another edit is under way.")
            await run.press("escape")
            await run.until(lambda: run.app.screen is run.main)
        await run.shows("28 restored. 1 image was edited again")
        await run.press("J")
        await run.until(lambda: isinstance(run.app.screen, ErrorDialog))
        await run.shows("001.png")
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, JournalScreen))
        assert "\x1b" not in run.text()
    assert [edit.restored for edit in journal.last_edits(db, 9)] == [None, 28]


@pytest.mark.parametrize(
    "before, after, shown",
    [
        ("a fox ", "a fox", "x.png\n- a fox \n+ a fox"),
        ("a\tfox\n", "b", "x.png\n- a\u2192fox\u21b5\n+ b"),
        ("same " * 20 + "old end", "same " * 20 + "new end", None),
        ("x", None, "x.png\n- x"),
        ("\x1b[31m\x00", "\x1b[31m", "x.png\n- \u241b[31m\u2400\n+ \u241b[31m"),
        ("a" * 1_000_000 + "b", "a" * 1_000_000 + "c", None),
    ],
)
def test_what_changes_is_seen_in_one_line(before: str, after: str | None, shown: str | None) -> None:
    words = change_words("x.png", Example(1, before, after))
    assert "\x1b" not in words.plain and len(words.plain) < 2000
    if shown is not None:
        assert words.plain == shown
    else:
        old, new = words.plain.splitlines()[1:]
        assert old.startswith("- \u2026") and new.startswith("+ \u2026") and old != new

"""The search line."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from textual import events

from dtk_tui.config import Config
from dtk_tui.domain.query.parser import MAX_LENGTH
from dtk_tui.services.library import browse
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets.safe_input import SafeInput
from dtk_tui.ui.widgets.search_line import QueryInput
from tests.helpers.running_app import NARROW, library_app, type_at_once


async def test_a_search_and_the_way_back(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        await run.write("castle")
        await run.press("enter")
        await run.shows("\u201ccastle\u201d  10")
        await run.until(lambda: run.main.table.has_focus)
        await run.press("escape")
        await run.shows("All images  30  newest first")
        assert run.main.query_one(QueryInput).value == ""


async def test_the_first_are_shown_before_all_are_found(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_found, search = threading.Event(), LibraryBrowser.search

    def wait(browser: LibraryBrowser, line: str) -> Any:
        all_found.wait(60)
        return search(browser, line)

    monkeypatch.setattr(browse, "FIRST_FOUND", 4)
    monkeypatch.setattr(LibraryBrowser, "search", wait)
    try:
        async with library_app(db, config, NARROW) as run:
            await run.shows("All images  30")
            await run.press("slash")
            await run.write("castle")
            await run.press("enter")
            await run.shows("\u201ccastle\u201d  4  best first; more follow\u2026")
            await run.press("down", "down")
            here = run.main.table.current_id
            all_found.set()
            await run.shows("\u201ccastle\u201d  10  best first")
            assert run.main.table.current_id == here
            assert run.main.table.position == (3, 10)
    finally:
        all_found.set()


async def test_a_fault_is_shown_with_its_place(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        await run.write("castle steps:foo")
        await run.press("enter")
        await run.shows("column 14")
        query = run.main.query_one(QueryInput)
        await run.until(lambda: query.has_focus)
        assert query.cursor_position == 13
        await run.press("end", "ctrl+u")
        await run.write("steps:20")
        await run.press("enter")
        await run.shows("\u201csteps:20\u201d  30")
        assert "column" not in run.text()


async def test_a_fault_that_follows_another_one_is_shown_whole(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        await run.write("castle OR")
        await run.press("enter")
        await run.shows("column 10: expected words")
        await run.press("end", "ctrl+u")
        await run.write("steps:20..30")
        await run.press("enter")
        await run.shows("a range such as 20-30.")
        await run.press("end", "ctrl+u")
        await run.write("castle OR")
        await run.press("enter")
        await run.until(lambda: run.main.query_one("#search-fault").size.height == 1)


async def test_the_history(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        for words in ("castle", "fox"):
            await run.press("slash", "ctrl+u")
            await run.write(words)
            await run.press("enter")
            await run.shows(f"\u201c{words}\u201d  10")
        await run.press("escape", "slash", "up", "up")
        query = run.main.query_one(QueryInput)
        assert query.value == "castle"
        await run.press("down")
        assert query.value == "fox"
        await run.press("down")
        assert query.value == ""


async def test_tab_does_not_stray_into_the_search_line(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        for _ in range(4):
            await run.press("tab")
            assert not run.main.query_one(QueryInput).has_focus
        await run.pilot.click("#search-input")
        await run.until(lambda: run.main.query_one(QueryInput).has_focus)


async def test_similar_without_vectors_says_what_to_do(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("s")
        await run.shows("nothing is embedded yet")
        await run.press("enter")
        await run.until(lambda: run.app.screen is run.main)


async def test_what_is_typed_at_once_is_a_query_and_no_command(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        # On the table a is "select all", t "tag", e "embed now", s "find similar".
        type_at_once(run, "slash", *"castles", "backspace", "enter")
        await run.shows("\u201ccastle\u201d  10")
        await run.until(lambda: run.main.table.has_focus)
        assert run.main.table.selected_count == 0
        type_at_once(run, "ctrl+o", "ctrl+u", *"taste")
        await run.shows("Add a folder of images")
        await run.until(lambda: run.app.screen.query_one(SafeInput).value == "taste")
        type_at_once(run, "escape", "end")
        await run.until(lambda: run.app.screen is run.main and run.main.table.cursor == 9)
    with db.connection() as conn:
        assert conn.execute("SELECT count(*) FROM job").fetchone() == (0,)


async def test_a_late_answer_does_not_take_the_line_from_who_types(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        answering, answer = threading.Event(), run.dtk.context.library.search_first

        def slow(line: str) -> object:
            answering.wait(120)
            return answer(line)

        run.dtk.context.library.search_first = slow  # type: ignore[method-assign,assignment]
        type_at_once(run, "slash", *"castle", "enter")
        await run.shows("searching\u2026")
        type_at_once(run, *", at")
        query = run.main.query_one(QueryInput)
        await run.until(lambda: query.value == "castle, at")
        answering.set()
        await run.shows("\u201ccastle\u201d  10")
        await run.until(lambda: query.has_focus)
        assert query.value == "castle, at"


async def test_a_search_without_hits_says_so(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        type_at_once(run, "slash", *"dragon, prompt of many words", "enter")
        await run.shows("\u201cdragon, prompt of many words\u201d  0  nothing found")
        await run.shows("Nothing was found. Esc goes back.")
        await run.press("escape")
        await run.shows("All images  30")


async def test_a_search_that_cannot_be_answered_does_not_go_on_searching(
    db: Database, config: Config, library: Path
) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        await run.write("about: tower")
        await run.press("enter")
        await run.shows("nothing is embedded yet")
        await run.press("enter")
        await run.shows("All images  30  \u201cabout: tower\u201d not answered")
        assert "searching" not in run.text()


async def test_what_is_to_be_known_of_the_results_stands_above_the_line(
    db: Database, config: Config, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = {"castle": ["looks: compares by a [bold stand-in"]}
    monkeypatch.setattr(LibraryBrowser, "notes", lambda _, line: notes.get(line, []))
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        await run.write("castle")
        await run.press("enter")
        await run.shows("looks: compares by a [bold stand-in")
        await run.until(lambda: run.main.table.has_focus)
        await run.press("escape")
        await run.until(lambda: "stand-in" not in run.text())


async def test_what_is_too_long_is_told_and_not_cut_without_a_word(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        query = run.main.query_one(QueryInput)
        for _ in range(3):
            query.post_message(events.Paste("tag:\x1b[31m" * 100_000))
        await run.until(lambda: len(query.value) == MAX_LENGTH + 1)
        await run.press("enter")
        await run.shows("expected the end of the query after at most 10,000 characters")
        await run.until(lambda: query.has_focus and query.cursor_position == MAX_LENGTH)
        await run.press("end", "ctrl+u")
        await run.write("castle")
        await run.press("enter")
        await run.shows("\u201ccastle\u201d  10")

"""Completion, sorting, saved queries and the stored history of the search line."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.library.queries import saved_queries
from dtk_tui.store.database import Database
from dtk_tui.ui.commands.queries import sorted_line
from dtk_tui.ui.screens.queries import QueriesScreen
from dtk_tui.ui.widgets.completions import Completions
from dtk_tui.ui.widgets.search_line import QueryInput
from tests.helpers.running_app import NARROW, library_app, type_at_once
from tests.helpers.search_library import Library


def _tags(db: Database) -> None:
    with db.connection() as conn:
        library = Library(conn)
        library.image("one.png", "a [red] thing", tags=[("blue_hair", 0.9), ("blue [sky]", 0.9)])
        library.image("two.png", "another", tags=[("blue_hair", 0.9)])


async def test_names_are_offered_while_typing_and_taken_with_tab(db: Database, config: Config, library: Path) -> None:
    _tags(db)
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  32")
        await run.press("slash")
        await run.write("castle, tag:bl")
        await run.shows("blue_hair 2")
        await run.shows('"blue [sky]" 1')
        query = run.main.query_one(QueryInput)
        await run.press("tab")
        assert query.value == "castle, tag:blue_hair"
        await run.press("tab")
        assert query.value == 'castle, tag:"blue [sky]"'
        await run.press("tab", "shift+tab")
        assert query.value == 'castle, tag:"blue [sky]"'
        await run.press("shift+tab")
        assert query.value == "castle, tag:blue_hair"
        await run.press("ctrl+u")
        await run.write("tag:blue_h")
        # What is typed at once with the key that completes it is completed all the same.
        type_at_once(run, "tab", "enter")
        await run.shows("\u201ctag:blue_hair\u201d  2  newest first")
        await run.until(lambda: not run.main.query_one(Completions).display)


async def test_tokens_are_offered_with_what_they_expect(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("slash")
        await run.write("castle or")
        await run.press("space")
        await run.write("ha")
        await run.shows("has: caption, tags, embedding, workflow or error")
        assert not any(line.rstrip().endswith("\u2026") for line in run.text().splitlines() if " has:" in line)
        await run.press("escape")
        await run.until(lambda: not run.main.query_one(Completions).display)


async def test_the_history_outlives_the_app(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        type_at_once(run, "slash", *"castle", "enter")
        await run.shows("\u201ccastle\u201d  10")
        await run.until(lambda: saved_queries.asked(db) == ["castle"])
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        query = run.main.query_one(QueryInput)
        await run.until(lambda: query.history == ["castle"])
        await run.press("slash", "up")
        assert query.value == "castle"


async def test_queries_are_saved_pinned_asked_and_deleted(db: Database, config: Config, library: Path) -> None:
    saved_queries.save(db, "Foxes [red]", "red fox")
    with db.connection() as conn:
        conn.execute("INSERT INTO saved_query (name, original, problem) VALUES ('zz', '{}', 'It is not text.')")
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        type_at_once(run, "slash", *"castle", "enter")
        await run.shows("\u201ccastle\u201d  10")
        await run.press("Q")
        await run.shows("Foxes [red]")
        await run.shows("not translated: It is not text.")
        await run.press("down", "down", "f2")
        await run.shows("Save this query")
        await run.write("mine")
        await run.press("enter")
        await run.until(lambda: [one.name for one in saved_queries.saved(db)] == ["Foxes [red]", "mine", "zz"])
        await run.until(lambda: isinstance(run.app.screen, QueriesScreen))
        await run.shows("mine")
        await run.write("min")
        await run.press("f4")
        await run.until(lambda: next(one.name for one in saved_queries.saved(db)) == "mine")
        await run.shows("\u2605 mine")
        await run.press("ctrl+u")
        await run.write("fox")
        await run.press("enter")
        await run.shows("\u201cred fox\u201d  10")
        await run.press("f9")
        await run.shows("\u2605 mine")
        await run.press("f8")
        await run.shows("Delete the saved query?")
        await run.press("y")
        await run.until(lambda: [one.name for one in saved_queries.saved(db)] == ["Foxes [red]", "zz"])
        await run.until(lambda: isinstance(run.app.screen, QueriesScreen))
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)


async def test_the_menu_sorts_what_is_shown(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("S")
        await run.shows("date, oldest first")
        await run.press("down", "down", "down", "enter")
        await run.shows("\u201csort:name\u201d  30  by name up")
        await run.press("S")
        await run.shows("date, oldest first")
        await run.press("down", "down", "enter")
        await run.shows("\u201csort:date_asc\u201d  30  by date up")


def test_a_line_is_sorted_by_one_column() -> None:
    assert sorted_line("castle", "size") == "sort:size castle"
    assert sorted_line("sort:size castle, SORT: name_asc, sea", "date_asc") == "sort:date_asc castle, sea"
    assert sorted_line("sort:size castle", "") == "castle"
    assert sorted_line("castle OR fox", "name") == "sort:name (castle OR fox)"
    assert sorted_line("", "name") == "sort:name"
    assert sorted_line("rating:x", "name") == "sort:name rating:x", "the fault is the line's own"
    assert sorted_line('"a sort:size b" negative: x', "name") == 'sort:name "a sort:size b" negative: x'

"""Dialogues at 80 columns: a key stays beside its words, and what the cursor is on can be read."""

from __future__ import annotations

import pytest
from textual.content import Content
from textual.events import Key
from textual.widgets.option_list import Option

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.store.database import Database
from dtk_tui.ui.dialogs import Entry, ErrorDialog, Menu, MenuList
from dtk_tui.ui.screens.settings.dialogs import KeysDialog
from dtk_tui.ui.theme import THEMES
from tests.helpers.running_app import NARROW, Running, library_app


def _lines(run: Running) -> list[str]:
    return run.text().splitlines()


async def test_a_choice_is_not_torn_from_its_key(db: Database, config: Config) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty")
        await run.app.push_screen(KeysDialog("main.search", Content("Search"), "slash", lambda words: ""))
        await run.until(lambda: any("Esc Cancel" in line for line in _lines(run)))
        assert any("F2 Add a key by pressing it" in line for line in _lines(run))


async def test_a_key_stands_in_the_line_of_its_entry_beside_the_bar_too(db: Database, config: Config) -> None:
    entries = [Entry(f"An entry of some words, {number:02}", "Ctrl+R", str(number)) for number in range(40)]
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty")
        await run.app.push_screen(Menu("A menu", entries))
        await run.until(lambda: any("some words, 09" in line for line in _lines(run)))
        rows = [line for line in _lines(run) if "An entry" in line or "Ctrl+R" in line]
        assert len(rows) > 9
        assert all("An entry" in line and "Ctrl+R" in line for line in rows)


@pytest.mark.parametrize("theme", [one.name for one in THEMES])
async def test_the_line_of_the_cursor_has_no_colours_of_its_own(db: Database, config: Config, theme: str) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty")
        run.app.theme = theme
        words = Content.assemble(("File", "$muted"), "  a name  ", ("here", "bold $success"))
        found = MenuList(Option(words), Option(words), markup=False, compact=True)
        await run.main.query_one("#body").mount(found)
        found.focus()
        await run.until(lambda: found.has_focus and found.highlighted == 0)
        await run.until(lambda: len({s.style.color for s in found.render_line(1) if s.style and s.text.strip()}) >= 2)
        chosen = [segment for segment in found.render_line(0) if segment.style and segment.text.strip()]
        assert len({segment.style.color for segment in chosen if segment.style}) == 1
        assert [segment.text.strip() for segment in chosen if segment.style and segment.style.bold][-1:] == ["here"]


async def test_a_key_that_comes_when_a_failure_has_opened_above_closes_neither(db: Database, config: Config) -> None:
    """The answer of a menu that was covered closed the failure unread, and its next answer ended the app."""
    chosen: list[str | None] = []
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty")
        menu = Menu("A menu", [Entry("Embed", "e", "embed", "e")])
        await run.app.push_screen(menu, chosen.append)
        await run.app.push_screen(ErrorDialog(DtkError("It failed.", "Read this.")))
        for _ in range(2):
            menu.post_message(Key("e", "e"))
            await run.pilot.pause()
        assert isinstance(run.app.screen, ErrorDialog) and chosen == []
        await run.pilot.press("enter")
        await run.until(lambda: run.app.screen is menu)
        for _ in range(2):
            menu.post_message(Key("e", "e"))
        await run.until(lambda: run.app.screen is run.main)
        await run.until(lambda: chosen == ["embed"])

"""Keys that arrive together are done one after the other, and none is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets.search_line import SearchLine
from tests.helpers.running_app import library_app, type_at_once

SCREENS = ("q", "I", "ctrl+o", "question_mark", "g", "m", "slash", "enter", "ctrl+p", "l", "f8")


@pytest.mark.parametrize("key", SCREENS)
async def test_keys_behind_a_screen_that_closes_are_done(db: Database, config: Config, library: Path, key: str) -> None:
    async with library_app(db, config) as run:
        await run.shows("029.png")
        type_at_once(run, key, "escape", "end")
        await run.until(lambda: run.app.screen is run.main)
        type_at_once(run, key, "escape", "escape", "down", "down")
        await run.until(lambda: run.app.screen is run.main)
        await run.until(lambda: not run.dtk._typed and run.dtk._given_at is None)
        type_at_once(run, "slash", *"029")
        await run.until(lambda: run.main.query_one(SearchLine).query_one(Input).value == "029")


@pytest.mark.parametrize("key", ["ctrl+p", "m"])
@pytest.mark.parametrize("then", ["pageup", "pagedown", "end", "up"])
async def test_keys_that_come_before_a_list_is_drawn(
    db: Database, config: Config, library: Path, key: str, then: str
) -> None:
    async with library_app(db, config) as run:
        await run.shows("029.png")
        for _ in range(3):
            type_at_once(run, key, then, then, "escape")
            await run.until(lambda: run.app.screen is run.main)


async def test_a_key_whose_work_outlives_the_screens_ends_with_them(db: Database, config: Config) -> None:
    async with library_app(db, config) as run:
        screen = run.main
    assert not run.dtk.screen_stack
    await run.dtk._done(screen)

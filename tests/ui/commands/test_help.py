"""Help begins with what has the focus: what it is, its signs and its own keys."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widget import Widget

import dtk_tui.ui
from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets.tables.cursor_list import CursorList
from tests.helpers.running_app import NARROW, WIDE, library_app


def _widgets(base: type[Widget] = Widget) -> Iterator[type[Widget]]:
    for kind in base.__subclasses__():
        if kind.__module__.startswith("dtk_tui.ui.") and not issubclass(kind, Screen):
            yield kind
        yield from _widgets(kind)


def test_everything_with_keys_of_its_own_says_what_it_is() -> None:
    for module in pkgutil.walk_packages(dtk_tui.ui.__path__, "dtk_tui.ui."):
        importlib.import_module(module.name)
    named = {kind for kind in _widgets() if kind is not CursorList and "BINDING_GROUP_TITLE" in kind.__dict__}
    assert len(named) >= 20
    for kind in named:
        assert str(getattr(kind, "ABOUT", "")).endswith("."), kind


@pytest.mark.parametrize(
    ("keys", "here"),
    [
        ("", ("Here: Images", "Keys for work, ratings and tags act on", "table.select_up", "\u2717 could not be read")),
        ("shift+tab", ("Here: Folders", "The folders of the library", "folders.find", "how many jobs wait")),
        ("tab", ("Here: Preview", "What is known of the image under the cursor", "This screen")),
        ("q", ("Here: Jobs", "Work that runs, waits", "its line stays, dimmed")),
    ],
)
async def test_help_begins_with_what_has_the_focus(
    db: Database, config: Config, library: Path, keys: str, here: tuple[str, ...]
) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press(*keys.split())
        await run.press("question_mark")
        await run.shows(here[0])
        text = run.text()
        places = [text.index(words) for words in here]
        assert places == sorted(places)


async def test_what_is_looked_for_in_the_help_is_found_and_done(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.until(lambda: run.main.table.current_row is not None)
        await run.press("question_mark")
        await run.shows("Keys: / finds one and does it")
        await run.press("slash")
        await run.until(lambda: isinstance(run.app.screen, CommandPalette))
        await run.write("favour")
        await run.shows("Favourite, or not")
        await run.press("enter")
        await run.until(lambda: run.app.screen is run.main)
        await run.shows("\u2665")

"""Every command is a binding with an id: remappable, in the help and in the palette."""

from __future__ import annotations

import json
from pathlib import Path

from textual.binding import Binding
from textual.command import CommandList, CommandPalette

from dtk_tui.config import Config
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.app import DtkApp
from dtk_tui.ui.commands.registry import COMMANDS, offered
from dtk_tui.ui.screens.batch_edit import BatchEditScreen
from dtk_tui.ui.screens.browser import BrowserScreen, BrowserTree
from dtk_tui.ui.screens.caption_editor import CaptionEditorScreen
from dtk_tui.ui.screens.collections import CollectionsScreen
from dtk_tui.ui.screens.duplicates import DuplicatesScreen
from dtk_tui.ui.screens.image import ImageScreen
from dtk_tui.ui.screens.importer import ImportScreen
from dtk_tui.ui.screens.journal import JournalScreen
from dtk_tui.ui.screens.picture.screen import PictureScreen
from dtk_tui.ui.screens.queue import QueueScreen
from dtk_tui.ui.screens.runs import RunsScreen
from dtk_tui.ui.screens.settings.keymap import KeymapScreen
from dtk_tui.ui.screens.settings.screen import SettingsScreen
from dtk_tui.ui.screens.work.activity import ActivityScreen
from dtk_tui.ui.screens.work.failures import FailuresScreen
from dtk_tui.ui.screens.work.log import LogScreen
from dtk_tui.ui.widgets.captions.area import FindInput
from dtk_tui.ui.widgets.grid.image_grid import ImageGrid
from dtk_tui.ui.widgets.search_line import QueryInput
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

_SCREENS = {
    "main": BrowserScreen,
    "queue": QueueScreen,
    "runs": RunsScreen,
    "detail": ImageScreen,
    "import": ImportScreen,
    "caption": CaptionEditorScreen,
    "batch": BatchEditScreen,
    "journal": JournalScreen,
    "duplicates": DuplicatesScreen,
    "collections": CollectionsScreen,
    "settings": SettingsScreen,
    "failures": FailuresScreen,
    "log": LogScreen,
    "activity": ActivityScreen,
    "picture": PictureScreen,
    "keymap": KeymapScreen,
}
_WIDGETS = (BrowserTree, ImageGrid, QueryInput, FindInput)


def test_every_binding_has_an_id_of_its_own() -> None:
    ids = [command.id for command in COMMANDS]
    assert all(ids)
    assert len(ids) == len(set(ids))
    bound = {
        binding.id
        for kind in (DtkApp, *_SCREENS.values(), *_WIDGETS)
        for base in kind.__mro__
        if base.__module__.startswith("dtk_tui")
        for binding in base.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding)
    }
    assert bound == set(ids), "what is bound is in the registry, and what is in the registry is bound"


def test_a_command_of_a_screen_is_a_method_of_it() -> None:
    for screen in _SCREENS.values():
        assert {_SCREENS.get(group, screen) for group in screen.COMMAND_GROUPS} == {screen}
    for command in COMMANDS:
        method = getattr(command.run, "method", None)
        if method is not None:
            areas = {area for area, screen in _SCREENS.items() if command.area in screen.COMMAND_GROUPS}
            assert areas
            assert all(callable(getattr(_SCREENS[area], method)) for area in areas), command.id


async def test_keys_can_be_changed(db: Database, config: Config, library: Path) -> None:
    settings = Settings(keys={"app.queue": "f3", "no.such": "x"}, preview=PreviewSettings(protocol="off"))
    async with library_app(db, Config(config.paths, settings), NARROW) as run:
        await run.shows("no.such")
        await run.press("q")
        assert run.app.screen is run.main
        await run.press("f3")
        await run.until(lambda: isinstance(run.app.screen, QueueScreen))
        await run.press("escape", "question_mark")
        await run.shows("Keys")
        help_text = "\n".join(str(static.visual) for static in run.app.screen.query("Static"))  # type: ignore[attr-defined]
        assert "F3" in help_text and "app.queue" in help_text


async def test_help_names_every_action_of_the_screen(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        found = offered(run.main)
        await run.press("question_mark")
        await run.shows("Here: Images")
        text = "\n".join(str(static.visual) for static in run.app.screen.query("Static"))  # type: ignore[attr-defined]
        for action in found:
            assert action.title in text
        assert "not there" in text
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)


async def test_the_palette_runs_actions(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("ctrl+p")
        await run.until(lambda: isinstance(run.app.screen, CommandPalette))
        await run.write("select all")
        await run.shows("Select all or none")
        await run.press("enter")
        await run.until(lambda: run.main.table.selected_count == 30)


async def test_the_palette_offers_what_was_chosen_last_first(db: Database, config: Config, library: Path) -> None:
    def offered_first(run: Running) -> list[str]:
        options = run.app.screen.query_one(CommandList)
        return [str(options.get_option_at_index(number).prompt) for number in range(6)]

    view = config.paths.state / "view.json"
    view.parent.mkdir(parents=True, exist_ok=True)
    view.write_text('{"recent_commands": ["no.such", "[/x]", 3, "queue.now", "app.log"], "other": 1}')
    clear, select, log = "Clear the queue", "Select all or none", "Log of all work"
    for typed, expected in (("select all", [log]), ("clear", [select, log]), ("select all", [clear, select, log])):
        async with library_app(db, config, NARROW) as run:
            await run.shows("029.png")
            await run.press("ctrl+p")
            await run.shows("  recent")
            assert [one.split("  ")[0] for one in offered_first(run) if one.endswith("  recent")] == expected
            assert [one.split("  ")[0] for one in offered_first(run)[: len(expected)]] == expected
            await run.write(typed)
            await run.until(lambda: "recent" not in run.text())
            await run.press("enter")
            name = "app.clear" if typed == "clear" else "table.select_all"
            await run.until(lambda name=name: json.loads(view.read_text())["recent_commands"][0] == name)  # type: ignore[misc]
    assert json.loads(view.read_text())["other"] == 1


async def test_notices_name_keys_as_they_are_bound(db: Database, config: Config, library: Path) -> None:
    keys = {"app.start": "f3", "work.undo": "f9", "work.redo": "f10", "app.add_folder": "f2", "app.import": "f12"}
    async with library_app(db, Config(config.paths, Settings(keys=keys)), WIDE) as run:
        await run.shows("029.png")
        await run.press("t")
        await run.shows("F3 starts it.")
        await run.press("space", "space", "8")
        await run.shows("F9 takes it back.")
        await run.press("f9")
        await run.shows("F10 does it again.")
        with db.connection() as conn:
            conn.execute("DELETE FROM image")
            conn.execute("DELETE FROM folder")
        await run.press("r")
        await run.shows("Add a folder of images with F2,")
        await run.shows("F12 imports its database.")

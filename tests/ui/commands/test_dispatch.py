"""Every command is done by each of its keys, by the palette and by the menus that offer it, wherever it is offered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.queue import Target
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.commands import facets, registry
from dtk_tui.ui.commands.command import Command, never
from dtk_tui.ui.commands.palette import CommandProvider, open_menu
from dtk_tui.ui.commands.registry import BY_ID, COMMANDS, offered
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.dialogs import Menu
from tests.helpers.running_app import Running, library_app

#: Folders, images and preview stand side by side from here on.
_SIZE = (120, 30)
#: How each screen is reached from the first one, what has the focus on it, and the commands whose keys are tried there.
_PLACES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "images": ("", "#images", ("main", "work", "preview", "app")),
    "folders": ("", "#folders", ("folders",)),
    "facets": ("facets", "#facets", ()),
    "image": ("enter", "#facts", ("detail",)),
    "picture": ("v", "#picture-view", ("picture",)),
    "caption": ("d", "#editor-text", ("caption",)),
    "batch": ("B", "#batch-form", ("batch",)),
    "import": ("I", "#import-form", ("import",)),
    "queue": ("q", "#jobs", ("queue",)),
    "failures": ("q f", "#reasons", ("failures",)),
    "log": ("alt+l", "#log", ("log",)),
    "activity": ("alt+w", "#activity-sheet", ("activity",)),
    "runs": ("P", "#runs", ("runs",)),
    "duplicates": ("D", "#members", ("duplicates",)),
    "journal": ("J", "#edits", ("journal",)),
    "collections": ("L", "#collections", ("collections",)),
    "settings": ("comma", "#settings", ("settings",)),
    "keymap": ("comma b", "#keymap", ("keymap",)),
}
#: Moving about and typing: what a widget binds itself is tested with the widget.
_WIDGETS = {command.area for command in COMMANDS if command.widget_action}


class Recorder:
    """Notes which commands are done instead of doing them; none is refused."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        for command in COMMANDS:
            monkeypatch.setitem(BY_ID, command.id, replace(command, run=self._note(command.id), refusal=never))
        monkeypatch.setattr(registry, "COMMANDS", tuple(BY_ID.values()))

    def _note(self, name: str) -> Callable[[AppContext, ContextScreen[Any], Target | None], None]:
        return lambda context, screen, target: self.done.append(name)


async def arrive(run: Running, name: str) -> ContextScreen[Any]:
    """Open a screen as a person does, and give the focus to what its commands are for."""
    how, selector, _ = _PLACES[name]
    await run.until(lambda: run.main.table.count > 20 and run.main.table.current_row is not None)
    if how == "facets":
        facets.toggle(run.dtk.context, run.main, None)
    elif how:
        for key in how.split():
            before = run.app.screen
            await run.press(key)
            await run.until(lambda before=before: run.app.screen is not before)  # type: ignore[misc]
    screen = run.app.screen
    assert isinstance(screen, ContextScreen)
    widget = screen.query_one(selector)
    widget.focus()
    await run.until(lambda: widget.has_focus)
    return screen


async def by_keys(run: Running, commands: list[Command], recorder: Recorder) -> list[str]:
    """Press every key of some commands; return what did something else."""
    faults = []
    for command in commands:
        for key in command.pressed({}).split(","):
            recorder.done.clear()
            await run.press(key)
            for _ in range(100):
                if recorder.done:
                    break
                await run.pilot.pause(0.01)
            if recorder.done != [command.id]:
                faults.append(f"{key} is for {command.id} and did {recorder.done}")
    return faults


async def by_palette(run: Running, commands: list[Command], recorder: Recorder) -> list[str]:
    """Choose some commands by their titles; return what was not there or did something else."""
    faults = []
    provider = CommandProvider(run.app.screen)
    for command in commands:
        recorder.done.clear()
        hits = [hit async for hit in provider.search(command.title) if str(hit.text) == command.title]
        chosen: list[Callable[[], Awaitable[None]]] = [hit.command for hit in hits]
        for do in chosen:
            await do()
        await run.pilot.pause()
        if command.id not in recorder.done:
            faults.append(f"the palette has {len(hits)} of {command.title!r} and did {recorder.done}")
    return faults


@pytest.mark.parametrize("name", _PLACES)
@pytest.mark.usefixtures("library")
async def test_a_command_is_done_by_its_keys_and_by_the_palette(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    protocol = "text" if name == "picture" else "off"
    config = Config(config.paths, Settings(preview=PreviewSettings(protocol=protocol)))
    async with library_app(db, config, _SIZE) as run:
        await run.shows("029.png")
        screen = await arrive(run, name)
        recorder = Recorder(monkeypatch)
        here = [command for command in offered(screen) if not command.widget_action]
        assert len(here) > 15
        faults = await by_palette(run, here, recorder)
        faults += await by_keys(run, [one for one in here if one.area in _PLACES[name][2]], recorder)
        monkeypatch.undo()
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", ["images", "folders", "image", "picture"])
@pytest.mark.usefixtures("library")
async def test_a_command_is_done_by_the_menu_that_offers_it(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    config = Config(config.paths, Settings(preview=PreviewSettings(protocol="text" if name == "picture" else "off")))
    async with library_app(db, config, _SIZE) as run:
        await run.shows("029.png")
        screen = await arrive(run, name)
        here = {command.id for command in offered(screen)}
        entries = [name for name in screen.menu() if name in here]
        assert len(entries) >= 8
        recorder = Recorder(monkeypatch)
        for command_id in entries:
            recorder.done.clear()
            open_menu(run.app, screen, "Menu", entries)
            await run.until(lambda: isinstance(run.app.screen, Menu))
            await run.press(BY_ID[command_id].pressed({}).split(",")[0])
            await run.until(lambda command_id=command_id: recorder.done == [command_id])  # type: ignore[misc]
            await run.until(lambda: run.app.screen is screen)
        monkeypatch.undo()


def test_every_command_is_tried() -> None:
    tried = {area for _, _, areas in _PLACES.values() for area in areas}
    assert {command.area for command in COMMANDS} - _WIDGETS <= tried

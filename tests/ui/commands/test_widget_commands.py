"""What a widget binds itself, moving about and typing, is done by each of its keys and by the palette."""

from __future__ import annotations

from typing import Any

import pytest
from textual.actions import parse
from textual.widget import Widget

from dtk_tui.config import Config
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.commands.command import LISTS, Command
from dtk_tui.ui.commands.palette import CommandProvider
from dtk_tui.ui.commands.registry import COMMANDS, offered
from tests.helpers.running_app import Running, library_app
from tests.ui.commands.test_dispatch import arrive

#: The place, the keys that show the widget there, and the areas of the commands that it binds.
_PLACES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("images", "", ("table", "list")),
    ("images", "G", ("grid", "list")),
    ("folders", "", ("folders", "list")),
    ("images", "slash", ("search",)),
    ("caption", "ctrl+f", ("find",)),
)


def record(monkeypatch: pytest.MonkeyPatch, widget: Widget, commands: list[Command]) -> list[tuple[str, Any]]:
    """Note what a widget is asked to do instead of doing it."""
    done: list[tuple[str, Any]] = []
    for name in {parse(command.widget_action)[1] for command in commands}:
        monkeypatch.setattr(
            widget, f"action_{name}", lambda *given, name=name: done.append((name, given)), raising=True
        )
    return done


@pytest.mark.parametrize(("place", "keys", "areas"), _PLACES, ids=lambda part: str(part))
@pytest.mark.usefixtures("library")
async def test_a_command_of_a_widget_is_done_by_its_keys_and_by_the_palette(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch, place: str, keys: str, areas: tuple[str, ...]
) -> None:
    config = Config(config.paths, Settings(preview=PreviewSettings(protocol="text" if keys == "G" else "off")))
    async with library_app(db, config, (120, 30)) as run:
        await run.shows("029.png")
        screen = await arrive(run, place)
        for key in keys.split():
            await run.press(key)
            await run.pilot.pause(0.1)
        widget = run.app.focused
        assert widget is not None
        commands = [one for one in offered(screen) if one.widget_action and one.area in areas]
        assert {one.area for one in commands} == set(areas)
        done = record(monkeypatch, widget, commands)
        faults = []
        for command in commands:
            wanted = parse(command.widget_action)[1:]
            for key in command.pressed({}).split(","):
                faults += await _fault(run, done, wanted, f"{key} is for {command.id}", lambda key=key: run.press(key))
            if command.group != LISTS:
                provider = CommandProvider(screen)
                hits = [hit async for hit in provider.search(command.title) if str(hit.text) == command.title]
                assert len(hits) == 1, command.title
                faults += await _fault(run, done, wanted, f"the palette's {command.title}", hits[0].command)
        monkeypatch.undo()
    assert not faults, "\n".join(faults)


async def _fault(run: Running, done: list[tuple[str, Any]], wanted: Any, what: str, do: Any) -> list[str]:
    done.clear()
    await do()
    for _ in range(100):
        if done:
            break
        await run.pilot.pause(0.01)
    return [] if done == [wanted] else [f"{what} and did {done} instead of {wanted}"]


def test_every_command_of_a_widget_is_tried() -> None:
    assert {one.area for one in COMMANDS if one.widget_action} == {area for _, _, areas in _PLACES for area in areas}

"""Every screen and dialogue of the app: how a person comes there from the first one, by keys."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import suppress
from typing import Any

from textual.command import CommandPalette
from textual.screen import Screen

import dtk_tui.ui
from tests.helpers.running_app import Running

#: Keys by the class of the screen that they lead to, from the list of images.
WAYS: dict[str, str] = {
    "BrowserScreen": "",
    "ImageScreen": "enter",
    "PictureScreen": "v",
    "CaptionEditorScreen": "d",
    "BatchEditScreen": "B",
    "ImportScreen": "I",
    "QueueScreen": "q",
    "FailuresScreen": "q f",
    "LogScreen": "alt+l",
    "ActivityScreen": "alt+w",
    "RunsScreen": "P",
    "DuplicatesScreen": "D",
    "JournalScreen": "J",
    "CollectionsScreen": "L",
    "SettingsScreen": "comma",
    "KeymapScreen": "comma b",
    "ValueDialog": "comma e",
    "KeysDialog": "comma b e",
    "QueriesScreen": "Q",
    "ThresholdsScreen": "H",
    "ColumnDialog": "f4",
    "Menu": "m",
    "InputDialog": "plus",
    "Confirm": "f8",
    "ErrorDialog": "exclamation_mark",
    "QueuePreview": "M",
    "FolderDialog": "ctrl+o",
    "FolderFinder": "shift+tab g",
    "HelpScreen": "question_mark",
    "EarlyKeyPalette": "ctrl+p",
    "CaptionerTestScreen": "K",
    "ModelsScreen": "alt+m",
    "JumpScreen": "alt+j",
}


def screens() -> set[str]:
    """Return the names of all screens and dialogues that there are, by the code."""
    for module in pkgutil.walk_packages(dtk_tui.ui.__path__, "dtk_tui.ui."):
        importlib.import_module(module.name)
    own = {one for one in _below(Screen) if one.__module__.startswith("dtk_tui.ui.")}
    bases = {base for one in own for base in one.__mro__[1:]}
    # Whoever is shown itself is no base, though another is made of it.
    return {one.__name__ for one in own if one not in bases or issubclass(one, CommandPalette)} | {"ValueDialog"}


def _below(base: type[object]) -> set[type[object]]:
    return {base} | {one for child in base.__subclasses__() for one in _below(child)}


async def settle(run: Running) -> None:
    """Wait until nothing is under way that a key has begun; what goes on for ever is not waited for."""
    for _ in range(4):
        await run.pilot.pause(0.01)
    for _ in range(100):
        if not any(one.is_running for one in run.app.workers):
            return
        await run.pilot.pause(0.01)


async def back(run: Running) -> None:
    """Leave whatever is open, as a person does, and by force where a question stands in the way."""
    for _ in range(12):
        if run.app.screen is run.main:
            return
        before = run.app.screen
        await run.press("escape")
        await settle(run)
        if run.app.screen is before:
            with suppress(Exception):
                before.dismiss()
            await settle(run)
    raise AssertionError(f"{type(run.app.screen).__name__} cannot be left")


async def go(run: Running, name: str) -> Screen[Any]:
    """Go to a screen, or as far as one comes where the library has nothing for it."""
    await back(run)
    run.main.table.focus()
    await settle(run)
    for key in WAYS[name].split():
        await run.press(key)
        for _ in range(12):  # what is opened is imported first
            await settle(run)
            if run.app.screen is not run.main or key == "shift+tab":
                break
    return run.app.screen

"""What the screens of an empty library and of an import show, as text, at two sizes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from tests.helpers.imports.hostile_source import write_hostile_source
from tests.helpers.running_app import NARROW, WIDE, Running, library_app
from tests.helpers.screens import Screens
from tests.helpers.snapshots import SNAPSHOTS, close, whole_help


@contextmanager
def held(settings: Config) -> Iterator[None]:
    """Let imports stand still when they write."""
    with psycopg.connect(settings.database_url or "") as blocker:
        blocker.execute("LOCK TABLE album_image IN ROW EXCLUSIVE MODE")
        yield


async def empty(run: Running, screens: Screens) -> None:
    """A library without folders, and the offer to fill it."""
    await screens.step("offer", "A database of Diffusion Toolkit is here.")
    await close(run, "n")
    await screens.step("empty", "This library is empty.")
    await run.press("q")
    await screens.step("queue-empty", "All 0")
    await close(run, "escape")


async def form(run: Running, screens: Screens) -> None:
    """The form of an import, and what it asks."""
    await run.press("I")
    await screens.step("import", "42 images", "not here")
    await whole_help(run, screens, "import")
    await run.press("home", "enter")
    await screens.step("import-file", "Which file?")
    await close(run, "escape")
    await run.press("down", "enter")
    await screens.step("import-zone", "its dates are in the local time")
    await close(run, "escape")
    await run.press("down", "enter")
    await screens.step("import-policy", "newest: the side touched later")
    await close(run, "escape")
    await run.press("down", "enter")
    await screens.step("import-place", "Where is D:\\AI\\outputs?")
    await run.press("ctrl+u")
    await run.write("/tmp")
    await close(run, "enter")
    await screens.step("import-placed", "/tmp")


async def bring(run: Running, screens: Screens, settings: Config) -> None:
    """An import: tried, stopped, begun anew, done, taken back."""
    await run.press("d")
    await screens.step("import-dry-report", "this was a dry run")
    await run.press("n")
    await run.shows("Time zone")
    with held(settings):
        await run.press("i")
        await screens.step("import-progress", "\u25b8 comparing and writing")
        await run.press("c")
        await screens.step("import-stopped", "The library is as it was.", "r goes on")
    await run.press("n")
    await screens.step("import-unfinished", "r goes on with the import of")
    await run.press("i")
    await screens.step("import-anew", "Begin anew?")
    await close(run, "n")
    await run.press("r")
    await screens.step("import-report", "Written to the library")
    await run.press("u")
    await screens.step("import-undo", "Remove what this import brought?")
    await close(run, "n")
    await close(run, "escape")
    await screens.step("browser-imported", "39.png")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_an_empty_library_and_an_import(
    store: Database, settings: Config, place: Path, size: tuple[int, int]
) -> None:
    write_hostile_source(place / "diffusion-toolkit.db", 40)
    os.utime(place / "diffusion-toolkit.db", (1_750_000_000, 1_750_000_000))
    async with library_app(store, settings, size) as run:
        screens = Screens(run, SNAPSHOTS, size, place.name)
        await empty(run, screens)
        await form(run, screens)
        await bring(run, screens, settings)
        screens.end()

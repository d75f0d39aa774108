"""The app, run headless, and what a person sees of it."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from textual import events
from textual.app import App
from textual.pilot import Pilot

from dtk_tui.config import Config
from dtk_tui.domain.stats import Stats
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.store.database import Database
from dtk_tui.ui.app import DtkApp
from dtk_tui.ui.screens.browser import BrowserScreen
from tests.helpers.pictures import write_png

_BOXED = re.compile("\u2502(.*)\u2502")

NARROW, WIDE = (80, 24), (200, 50)
SUBJECTS = ("castle on a hill", "red fox in snow", "bowl of ramen")


def write_picture(path: Path, prompt: str | None, *, made_at: float = 1_750_000_000, seed: int = 1) -> None:
    """Write a small PNG that was made at a time."""
    write_png(path, prompt, seed)
    os.utime(path, (made_at, made_at))


@dataclass
class Running:
    """An app that runs, and what a person sees of it."""

    app: App[Any]
    pilot: Pilot[Any]
    told: list[str] = field(default_factory=list)

    @property
    def dtk(self) -> DtkApp:
        """The app of the program."""
        assert isinstance(self.app, DtkApp)
        return self.app

    @property
    def main(self) -> BrowserScreen:
        """Its main screen."""
        return self.dtk.browser

    @property
    def stats(self) -> Stats:
        """The numbers that it has."""
        stats = self.dtk.context.stats.current
        assert stats is not None
        return stats

    async def show_numbers(self, stats: Stats) -> None:
        """Show these numbers from now on, in place of those of the library."""
        feed = self.dtk.context.stats
        feed._is_paused = lambda: True
        await self.until(lambda: feed._task is None or feed._task.done())  # what was asked before would be shown later
        feed.publish(stats)

    def text(self) -> str:
        """What is on the screen, line by line."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    async def until(self, condition: Callable[[], object], within_s: float = 120.0) -> None:
        """Wait for something that must come."""
        end = monotonic() + within_s
        while not condition():
            assert monotonic() < end, f"this did not come about; the screen shows\n{self.text()}"
            await self.pilot.pause(0.02)

    async def shows(self, words: str) -> None:
        """Wait until some words are on the screen, in one line or broken into several, or in a notice above it.

        What stands in a box may be broken there as well: where depends on how long the names of folders are. A notice
        counts until the next key, as a person would have read it.
        """

        def is_shown() -> bool:
            text = self.text()
            boxed = " ".join(_BOXED.findall(text))
            texts = [text, boxed, *(str(notice.message) for notice in self.app._notifications), *self.told]
            return any(words in text or words in " ".join(text.split()) for text in texts)

        await self.until(is_shown)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        self.told.clear()
        await self.pilot.press(*keys)

    async def write(self, line: str) -> None:
        """Type a line."""
        names = {
            " ": "space",
            "/": "slash",
            ":": "colon",
            "-": "minus",
            ".": "full_stop",
            "%": "percent_sign",
            "_": "underscore",
        }
        await self.pilot.press(*(names.get(char, char) for char in line))


@asynccontextmanager
async def running(app: App[Any], size: tuple[int, int] = WIDE) -> AsyncIterator[Running]:
    """Run an app headless."""
    told: list[str] = []
    notify = app.notify

    def note(message: str, **options: Any) -> None:
        told.append(str(message))
        notify(message, **options)

    app.notify = note  # type: ignore[method-assign]
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Running(app, pilot, told)


@asynccontextmanager
async def library_app(
    db: Database, config: Config, size: tuple[int, int] = WIDE, **options: Any
) -> AsyncIterator[Running]:
    """Run the app on a library, without a worker of its own."""
    engine = options.get("engine")
    async with running(DtkApp(LibraryBrowser(db, config), None if engine is None else lambda: engine), size) as run:
        await run.until(lambda: run.dtk.context.stats.current is not None and run.main._rows_came.is_set())
        yield run


def type_at_once(run: Running, *keys: str) -> None:
    """Let keys arrive in one packet, as they do over a slow line."""
    for key in keys:
        run.app.post_message(events.Key(key, key if len(key) == 1 else None))

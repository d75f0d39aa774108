"""Jumping: a letter for each part of a screen, whatever its colours, and going there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.jump import LETTERS, JumpScreen
from dtk_tui.ui.screens.queue import QueueScreen
from tests.helpers.running_app import NARROW, WIDE, Running, library_app


async def jump(run: Running) -> JumpScreen:
    await run.press("alt+j")
    await run.until(lambda: isinstance(run.app.screen, JumpScreen))
    screen = run.app.screen
    assert isinstance(screen, JumpScreen)
    return screen


@pytest.mark.parametrize("size", [(60, 20), NARROW, WIDE])
async def test_each_part_of_a_screen_has_a_letter_and_gets_the_keys(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        parts = list(run.main.focus_chain)
        assert len(parts) == (3 if size == WIDE else 2)
        for letter, part in zip(LETTERS, parts, strict=False):
            await jump(run)
            x, y = part.region.offset
            await run.until(lambda x=x, y=y, letter=letter: run.text().splitlines()[y][x : x + 3] == f" {letter} ")  # type: ignore[misc]
            assert "028.png" in run.text(), "what is below stays to be seen"
            await run.press(letter)
            await run.until(lambda part=part: part.has_focus)  # type: ignore[misc]
            assert run.app.screen is run.main


async def test_letters_follow_their_parts_to_another_size(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        screen = await jump(run)
        images = run.main.query_one("#images")
        before = images.region.offset
        await run.pilot.resize_terminal(60, 20)
        await run.until(lambda: images.region.offset != before)
        shown = [label for label in screen.query(".jump") if label.display]
        await run.until(lambda: images.region.offset in [label.region.offset for label in shown])


async def test_another_key_or_a_click_leaves_it(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        focused = run.main.focused
        for key in ("escape", "1", "q", "enter"):
            await jump(run)
            await run.press(key)
            await run.until(lambda: run.app.screen is run.main)
            assert run.main.focused is focused
        folders = run.main.query_one("#folders")
        await jump(run)
        await run.pilot.click(offset=(folders.region.x + 2, folders.region.y + 2))
        await run.until(lambda: folders.has_focus)


async def test_a_form_and_a_screen_of_one_part(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("B")
        await run.until(lambda: run.app.screen is not run.main)
        form = run.app.screen
        await run.until(lambda: len(form.focus_chain) > 2)
        screen = await jump(run)
        (letter, place) = list(screen._places.items())[1]
        await run.press(letter)
        await run.until(lambda: run.app.screen is form and place.has_focus)
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("q")
        await run.until(lambda: isinstance(run.app.screen, QueueScreen))
        await run.press("alt+j")
        await run.shows("There is one part of this screen alone")

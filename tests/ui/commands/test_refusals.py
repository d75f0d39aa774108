"""A key whose command cannot be done says why, in every pane; in the preview work is for the picture that it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.commands.registry import offered
from dtk_tui.ui.context import ContextScreen
from tests.helpers.running_app import Running, library_app

#: Folders, images and preview stand side by side from here on.
_SIZE = (120, 30)


@pytest.fixture
def plain(config: Config) -> Config:
    """Settings by which no picture is drawn."""
    return Config(config.paths, Settings(preview=PreviewSettings(protocol="off")))


async def focused(run: Running, selector: str) -> ContextScreen[object]:
    """Give a widget of the present screen the focus."""
    screen = run.app.screen
    assert isinstance(screen, ContextScreen)
    widget = screen.query_one(selector)
    widget.focus()
    await run.until(lambda: widget.has_focus)
    return screen


async def refused(run: Running, screen: ContextScreen[object]) -> set[str]:
    """Press the key of each command that cannot be done, and wait for the reason; return which they are."""
    found = set[str]()
    for command in offered(screen):
        why = "" if command.area == "app" else command.refusal(screen)
        key = command.pressed({}).split(",")[0]
        if why and key not in screen.active_bindings:  # the widget with the focus may have it for something else
            await run.press(key)
            await run.until(lambda why=why: why in run.told)  # type: ignore[misc]
            found.add(command.id)
    return found


async def test_keys_say_why_they_do_nothing(db: Database, plain: Config, library: Path) -> None:
    async with library_app(db, plain, _SIZE) as run:
        await run.shows("029.png")
        deep = {f"work.{kind}_deep" for kind in ("queue", "embed_now", "tag", "caption", "tag_caption")}
        for selector in ("#images", "#facts"):
            assert await refused(run, await focused(run, selector)) >= deep
        on_folder = await refused(run, await focused(run, "#folders"))
        assert {"work.rate_5", "work.add_tags", "work.favorite"} <= on_folder
        assert not on_folder & {*deep, "work.queue", "work.edit_caption"}
        for key, selector, ids in (("J", "#edits", {"journal.stop"}), ("D", "#sets", {"duplicates.stop"})):
            await run.press(key)
            await run.until(lambda: run.app.screen is not run.main)
            await run.until(lambda: "searching" not in run.text())
            assert await refused(run, await focused(run, selector)) >= ids
            await run.press("escape")
            await run.until(lambda: run.app.screen is run.main)


async def test_in_the_preview_work_is_for_the_picture_that_it_shows(db: Database, plain: Config, library: Path) -> None:
    async with library_app(db, plain, _SIZE) as run:
        await run.shows("029.png")
        await run.press("space", "space")
        await run.shows("2 selected")
        await focused(run, "#facts")
        await run.press("t")
        await run.shows("1 queued.")
        await run.press("ctrl+p")
        await run.until(lambda: run.app.screen is not run.main)
        await run.write("queue with")
        await run.shows("Queue with subfolders")
        await run.press("enter")
        await run.until(lambda: any(told.startswith("This takes the folders below") for told in run.told))

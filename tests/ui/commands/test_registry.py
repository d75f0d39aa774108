"""Every action is a binding with an id: remappable, in the help and in the palette."""

from __future__ import annotations

from pathlib import Path

from textual.binding import Binding
from textual.command import CommandPalette

from dtk_tui.config import Config, PreviewSettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.app import _WITH_KEYS, DtkApp
from dtk_tui.ui.screens.queue import QueueScreen
from tests.ui.conftest import NARROW, library_app


def test_every_binding_has_an_id_of_its_own() -> None:
    bindings = {
        (base, binding.id)
        for kind in [DtkApp, *_WITH_KEYS]
        for base in kind.__mro__
        if base.__module__.startswith("dtk_tui")
        for binding in base.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding)
    }
    ids = [binding_id for _, binding_id in bindings]
    assert None not in ids
    assert len(ids) == len(set(ids))


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
        found = run.dtk.actions(run.main)
        await run.press("question_mark")
        await run.shows("This screen")
        text = "\n".join(str(static.visual) for static in run.app.screen.query("Static"))  # type: ignore[attr-defined]
        for action in found:
            assert action.binding.description in text
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

"""The settings: looked at, changed while it is said what is wrong, written into config.toml."""

from __future__ import annotations

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.dialogs import Dialog
from dtk_tui.ui.screens.settings import SettingDialog, SettingsScreen
from tests.helpers.running_app import NARROW, Running, library_app


async def _opened(run: Running) -> SettingsScreen:
    await run.press("comma")
    await run.until(lambda: isinstance(run.app.screen, SettingsScreen) and run.app.screen.table.count > 0)
    screen = run.app.screen
    assert isinstance(screen, SettingsScreen)
    await run.until(lambda: screen.table.current_row is not None)
    return screen


async def _go_to(run: Running, screen: SettingsScreen, key: str) -> None:
    place = next(row.id for row in screen._rows if row.state.info.key == key)
    screen.table.cursor = place
    await run.until(lambda: screen.table.current_row is not None and screen.table.cursor == place)


async def test_a_setting_is_changed_and_given_back(db: Database, config: Config) -> None:
    file = config.paths.config_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("# mine\n[worker]\nbatch_size = 8  # small\n", encoding="utf-8")
    async with library_app(db, config, NARROW) as run:
        screen = await _opened(run)
        await _go_to(run, screen, "worker.batch_size")
        await run.shows("Images a batch; unset")
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, SettingDialog))
        await run.press("ctrl+u")
        await run.write("0")
        await run.shows("it is too small; 1 is the least")
        await run.press("enter")
        await run.shows("worker.batch_size cannot be '0'")
        await run.until(lambda: run.app.screen is screen)
        await run.press("e")
        await run.until(lambda: isinstance(run.app.screen, SettingDialog))
        await run.press("ctrl+u")
        await run.write("64")
        await run.press("enter")
        await run.shows("takes it at its next start")
        assert file.read_text(encoding="utf-8") == "# mine\n[worker]\nbatch_size = 64  # small\n"
        await run.until(lambda: screen.table.current_row is not None and screen.table.current_row.state.value == 64)
        await run.press("d")
        await run.until(lambda: "batch_size" not in file.read_text(encoding="utf-8"))
        await run.until(lambda: screen.table.current_row is not None and screen.table.current_row.state.value is None)
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)


async def test_a_secret_is_shown_to_nobody_and_what_is_hostile_does_no_harm(db: Database, config: Config) -> None:
    file = config.paths.config_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[captions]\nsystem = "\\u001b[31m[bold]x"\n[nobody]\nknows = 1\n', encoding="utf-8")
    async with library_app(db, config, NARROW) as run:
        screen = await _opened(run)
        await run.shows("database.url")
        assert config.database_url is not None and config.database_url not in run.text()
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, Dialog))
        await run.press("escape")
        await run.until(lambda: run.app.screen is screen)
        await _go_to(run, screen, "captions.system")
        await run.shows("[31m[bold]x")
        assert "\x1b" not in run.text()

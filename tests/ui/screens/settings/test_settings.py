"""The settings: looked at, changed while it is said what is wrong, written into config.toml, taken over."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import OptionList

from dtk_tui.config import Config, load
from dtk_tui.domain.job import WorkerState
from dtk_tui.services.worker import control
from dtk_tui.store.database import Database
from dtk_tui.ui.commands.settings.follow import RESTART
from dtk_tui.ui.dialogs import Confirm, Menu
from dtk_tui.ui.screens.captioner_test import CaptionerTestScreen
from dtk_tui.ui.screens.settings.dialogs import KeysDialog, ValueDialog
from dtk_tui.ui.screens.settings.keymap import KeymapScreen
from dtk_tui.ui.screens.settings.screen import SettingsScreen
from tests.helpers.running_app import NARROW, WIDE, Running, library_app
from tests.ui.test_hostile import HOSTILE, assert_clean


def written(config: Config, text: str, **environ: str) -> Config:
    """Return the config of a library whose config.toml says something."""
    paths = config.paths
    paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(text, encoding="utf-8")
    return load({**paths.environ, **environ})


async def opened(run: Running) -> SettingsScreen:
    await run.press("comma")
    await run.until(lambda: isinstance(run.app.screen, SettingsScreen) and run.app.screen.table.count > 0)
    screen = run.app.screen
    assert isinstance(screen, SettingsScreen)
    return screen


async def at(run: Running, screen: SettingsScreen, key: str) -> None:
    place = next(row.id for row in screen._rows if row.state.info.key == key)
    screen.table.cursor = place
    await run.shows(f"Default: {_default(screen, place)}")


def _default(screen: SettingsScreen, place: int) -> str:
    default = screen._rows[place].state.info.default
    return "unset" if default is None else ""


async def typed(run: Running, text: str) -> None:
    await run.until(lambda: isinstance(run.app.screen, ValueDialog) and run.app.screen.input.has_focus)
    await run.press("ctrl+u")
    await run.write(text)


async def test_a_setting_is_changed_and_given_back(db: Database, config: Config) -> None:
    config = written(config, "# mine\n[search]\ntimeout_s = 8  # short\n")
    file = config.paths.config_file
    async with library_app(db, config, NARROW) as run:
        screen = await opened(run)
        await at(run, screen, "search.timeout_s")
        await run.shows("A change holds at once")
        await run.press("enter")
        await typed(run, "0")
        await run.shows("it is too small; 0.1 is the least")
        await run.press("enter")
        await run.shows("it is too small; 0.1 is the least")
        assert isinstance(run.app.screen, ValueDialog), "what cannot be used does not end it"
        await typed(run, "64")
        await run.press("enter")
        await run.shows("It holds from now on")
        assert file.read_text(encoding="utf-8") == "# mine\n[search]\ntimeout_s = 64  # short\n"
        await run.until(lambda: run.dtk.context.config.settings.search.timeout_s == 64)
        await run.until(lambda: run.app.screen is screen)
        await run.press("d")
        await run.until(lambda: "timeout_s" not in file.read_text(encoding="utf-8"))
        await run.until(lambda: run.dtk.context.config.settings.search.timeout_s == 30)
        await run.until(lambda: run.app.screen is screen and screen._current().origin == "default")  # type: ignore[union-attr]
        await run.press("d")
        await run.shows("It has its default already.")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)


async def test_the_button_opens_it_and_a_choice_is_a_menu(db: Database, config: Config) -> None:
    config = written(config, "")
    async with library_app(db, config, NARROW) as run:
        await run.shows("[, Settings]")
        line = next(line for line in run.text().splitlines() if "Settings" in line)
        await run.pilot.click(offset=(line.index("Settings"), run.text().splitlines().index(line)))
        await run.until(lambda: isinstance(run.app.screen, SettingsScreen) and run.app.screen.table.count > 0)
        screen = run.app.screen
        assert isinstance(screen, SettingsScreen)
        await at(run, screen, "preview.protocol")
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, Menu))
        menu = run.app.screen.query_one(OptionList)
        await run.press("down", "down", "down")
        await run.until(lambda: menu.highlighted == 3)
        await run.press("enter")
        await run.shows("Start the app again?")
        assert config.paths.config_file.read_text(encoding="utf-8") == '[preview]\nprotocol = "halfblock"\n'
        await run.press("y")
        await run.until(lambda: run.app.return_value == RESTART)


async def test_what_workers_have_to_load_anew_is_offered(db: Database, config: Config) -> None:
    config = written(config, "")
    control.pause(db)
    async with library_app(db, config, NARROW) as run:
        await run.until(lambda: run.stats.desired is WorkerState.PAUSED)
        screen = await opened(run)
        for key, value in (("worker.batch_size", "4"), ("worker.max_retries", "2")):
            await at(run, screen, key)
            await run.press("enter")
            await typed(run, value)
            await run.press("enter")
            await run.until(lambda: isinstance(run.app.screen, Confirm))
            await run.press("n" if value == "4" else "y")
            await run.until(lambda: run.app.screen is screen)
        await run.shows("The workers were started again.")
        with db.connection() as conn:
            assert conn.execute("SELECT desired_state FROM worker_control").fetchone() == ("paused",)
        assert run.dtk.context.config.settings.worker.batch_size == 4


async def test_a_secret_is_shown_to_nobody(db: Database, config: Config) -> None:
    url = config.database_url or ""
    config = written(config, '[captions]\nbase_url = "http://me:hidden@127.0.0.1:1/v1"\n')
    async with library_app(db, config, WIDE) as run:
        screen = await opened(run)
        await at(run, screen, "database.url")
        await run.shows("Stands in DTK_DATABASE_URL")
        assert url not in " ".join(run.text().split()) and "hidden" not in run.text()
        await run.press("enter")
        await run.shows("It is set, and not shown")
        await typed(run, "service=dtk")
        await run.shows("\u2022" * 11)
        await run.press("enter")
        await run.shows("DTK_DATABASE_URL goes before it")
        assert 'url = "service=dtk"' in config.paths.config_file.read_text(encoding="utf-8")
        for _ in range(2):  # whether there is something to take out or not
            await run.press("d")
            await run.shows("config.toml says nothing of it. DTK_DATABASE_URL goes before it")
        await at(run, screen, "captions.base_url")
        await run.press("enter")
        await run.shows("It is set, and not shown")
        await run.press("enter")
        await run.until(lambda: run.app.screen is screen)
        assert "me:hidden@" in config.paths.config_file.read_text(encoding="utf-8"), "nothing typed leaves it"
        await run.press("K")
        await run.until(lambda: isinstance(run.app.screen, CaptionerTestScreen))


async def test_what_is_hostile_does_no_harm(db: Database, config: Config) -> None:
    config = written(config, "")
    texts = [text.encode("utf-8", "replace").decode().replace("\x00", "0") for text in HOSTILE] + ["word " * 10_000]
    fields = ("model", "projector", "server", "key_env", "name", "system", "backend", "type")
    async with library_app(db, config, NARROW) as run:
        screen = await opened(run)
        for some in (texts[:7], texts[7:]):
            table = dict(zip(fields, some, strict=False)) | {"backend": some[0]}
            lines = "\n".join(f"{name} = {_toml(text)}" for name, text in table.items())
            keys = "\n".join(f"{_toml(text[:1000])} = {_toml(text[:1000])}" for text in some)
            config.paths.config_file.write_text(f"[captions]\n{lines}\n[keys]\n{keys}\n", encoding="utf-8")
            await run.press("r")
            await run.until(lambda some=some: any(row.state.value == some[1] for row in screen._rows))  # type: ignore[misc]
            await run.shows("cannot be used")
            for name in list(table)[:3]:
                await at(run, screen, f"captions.{name}")
                assert_clean(run)
                await run.press("enter")
                await run.until(lambda: isinstance(run.app.screen, ValueDialog | Menu))
                assert_clean(run)
                await run.press("escape")
                await run.until(lambda: run.app.screen is screen)
        await run.press("b")
        await run.until(lambda: isinstance(run.app.screen, KeymapScreen) and run.app.screen.table.count > 0)
        await run.shows("(no such action)")
        assert_clean(run)


def _toml(text: str) -> str:
    return '"' + "".join(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}" for char in text) + '"'


async def test_a_config_that_breaks_meanwhile_is_told(db: Database, config: Config) -> None:
    config = written(config, "[scan]\nwatch = true\n")
    async with library_app(db, config, NARROW) as run:
        screen = await opened(run)
        config.paths.config_file.write_text("[scan\n", encoding="utf-8")
        await run.press("r")
        await run.shows("is not valid TOML")
        await run.press("escape")
        await run.until(lambda: run.app.screen is screen)
        await at(run, screen, "search.timeout_s")
        await run.press("enter")
        await typed(run, "7")
        await run.shows("is not valid TOML")
        assert config.paths.config_file.read_text(encoding="utf-8") == "[scan\n"


async def test_keys_are_bound_there(db: Database, config: Config, library: Path) -> None:
    config = written(config, '[keys]\n"app.strat" = "f3"\n')
    file = config.paths.config_file
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        screen = await opened(run)
        await run.press("b")
        await run.until(lambda: isinstance(run.app.screen, KeymapScreen) and run.app.screen.table.count > 0)
        keys = run.app.screen
        assert isinstance(keys, KeymapScreen)
        await run.shows("there is no such action; did you mean app.start?")
        await run.press("d")
        await run.until(lambda: "app.strat" not in file.read_text(encoding="utf-8"))
        await run.until(lambda: all(row.command is not None for row in keys._rows))
        keys.table.cursor = next(row.id for row in keys._rows if row.name == "app.start")
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, KeysDialog) and run.app.screen.input.has_focus)
        await run.press("f2")
        await run.shows("Press the key")
        await run.press("f6")
        await run.shows("f6 is also the key of app.pause (Pause the workers)")
        await run.press("enter")
        assert isinstance(run.app.screen, KeysDialog)
        await run.press("ctrl+u", "f2", "escape")
        await run.until(lambda: isinstance(run.app.screen, KeysDialog) and run.app.screen.input.value == "escape")
        await typed(run, "f10")
        await run.press("enter")
        await run.until(lambda: file.read_text(encoding="utf-8") == '[keys]\n"app.start" = "f10"\n')
        await run.until(lambda: run.app.screen is keys)
        await run.press("escape")
        await run.until(lambda: run.app.screen is screen)
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.shows("[F10 Start]")
        await run.press("f10")
        await run.until(lambda: run.stats.desired is WorkerState.RUNNING)


async def test_settings_and_keys_are_found_by_words(db: Database, config: Config) -> None:
    config = written(config, '[keys]\n"no.such" = "x"\n')
    async with library_app(db, config, NARROW) as run:
        screen = await opened(run)
        every = screen.table.count
        await run.press("slash")
        await run.shows("Find a setting")
        await run.write("zzz")
        await run.press("enter")
        await run.shows("No setting has all of these words.")
        await run.press("ctrl+u")
        await run.write("BATCH worker")
        await run.press("enter")
        await run.shows(f"of {every} with BATCH worker")
        assert 0 < screen.table.count < every
        found = {row.state.info.key for row in screen._rows if row.id in screen.table.ids}
        assert "worker.batch_size" in found
        await at(run, screen, "worker.batch_size")
        await run.press("slash")
        await run.press("ctrl+u", "enter")
        await run.until(lambda: screen.table.count == every)
        await run.press("slash")
        await run.write("batch_size")
        await run.press("enter")
        await run.until(lambda: screen.table.count == 1)
        await run.press("enter")
        await typed(run, "8")
        await run.press("enter")
        await run.until(lambda: load(dict(config.paths.environ)).settings.worker.batch_size == 8)
        await run.press("escape")
        await run.until(lambda: screen.table.count == every)
        await run.press("b")
        await run.until(lambda: isinstance(run.app.screen, KeymapScreen) and run.app.screen.table.count > 0)
        keys = run.app.screen
        assert isinstance(keys, KeymapScreen)
        commands = keys.table.count
        await run.press("slash")
        await run.shows("Find a command")
        await run.write("row date")
        await run.press("enter")
        await run.shows(f"1 of {commands} with row date")
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, KeysDialog))
        await run.shows("Go to a row, percent or date")
        await run.press("escape", "escape")
        await run.until(lambda: keys.table.count == commands)
        assert keys._rows[keys.table.current_id or 0].name == "table.go_to", "the cursor stays on what was found"
        await run.press("escape")
        await run.until(lambda: run.app.screen is screen)
        await run.press("escape")
        await run.until(lambda: not isinstance(run.app.screen, SettingsScreen))

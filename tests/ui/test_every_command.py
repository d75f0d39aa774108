"""Every command is really done on each screen: with no image, with one, and while the database is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services import queue
from dtk_tui.services.scan import scanner
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Connection, Database
from dtk_tui.ui.commands.command import Command
from dtk_tui.ui.commands.registry import offered
from dtk_tui.ui.context import ContextScreen
from dtk_tui.ui.dialogs import ErrorDialog
from tests.helpers.every_screen import WAYS, go, settle
from tests.helpers.running_app import Running, library_app, write_picture

#: What ends or stops the process, or starts another one, and has tests of its own.
_LEFT_OUT = {"app.quit", "app.suspend", "work.open", *(f"work.rate_{digit}" for digit in range(1, 9))}
#: The way from the first screen tells where a command that is offered on several is tried.
_FIRST = ("main", "work", "preview", "app")


class LosableDatabase(Database):
    """The real database, which may be out of reach."""

    is_lost = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection, where there is one."""
        if self.is_lost:
            raise DatabaseLostError("The database cannot be reached.", "It is tried again.")
        with super().connection() as conn:
            yield conn


@pytest.fixture
def losable(config: Config) -> Iterator[LosableDatabase]:
    db = LosableDatabase.open(config)
    assert isinstance(db, LosableDatabase)
    yield db
    db.close()


def tried(screen: object) -> list[Command]:
    """Return the commands that are tried on a screen: its own, on the first one all that it offers."""
    if not isinstance(screen, ContextScreen):
        return []
    areas = _FIRST if "main" in screen.COMMAND_GROUPS else screen.COMMAND_GROUPS[:1]
    return [one for one in offered(screen) if one.area in areas and one.id not in _LEFT_OUT]


def unexpected(run: Running) -> list[str]:
    """Return what failed that should not."""
    shown = [one.error for one in run.app.screen_stack if isinstance(one, ErrorDialog)]
    return [error.detail for error in shown if error.title == "Something failed that should not."]


@pytest.mark.parametrize("state", ["nothing", "one", "lost"])
async def test_every_command_of_every_screen(
    config: Config, losable: LosableDatabase, tmp_path: Path, state: str
) -> None:
    config = Config(config.paths, Settings(preview=PreviewSettings(protocol="text")))
    if state != "nothing":
        write_picture(tmp_path / "outputs" / "one.png", "a castle")
        scanner.scan(losable, config, [str(tmp_path / "outputs")])
        queue.enqueue(losable, config, Target(everything=True), [Kind.EMBED, Kind.TAG])
        with losable.connection() as conn:
            conn.execute("UPDATE job SET state = 'failed', error = 'It is broken.' WHERE kind = 1")
    faults, done = [], set()
    async with library_app(losable, config, (100, 28)) as run:
        await run.shows("This library is empty." if state == "nothing" else "one.png")
        for name in WAYS:
            screen = await go(run, name)
            for command in tried(screen) if type(screen).__name__ == name else ():
                if screen is run.main and not run.main.table.has_focus:
                    await go(run, name)  # else a query is typed
                losable.is_lost = state == "lost"
                await run.press(command.pressed({}).split(",")[0])
                await settle(run)
                done.add(command.id)
                faults += [f"{name}, {command.id}: {words}" for words in unexpected(run)]
                losable.is_lost = False
                if run.app.screen is not screen and await go(run, name) is not screen:
                    screen = run.app.screen
        run.dtk.context.stats.poll_now()
        await run.shows("db ok")
    assert not faults, "\n".join(faults)
    assert len(done) > 70

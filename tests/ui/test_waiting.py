"""The start of the app while the server of the library is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dtk_tui.cli import app as cli_app
from dtk_tui.cli import open_library
from dtk_tui.cli.open_library import library
from dtk_tui.config import Config, load
from dtk_tui.errors import DatabaseLostError, DtkError, ServerAwayError
from dtk_tui.store.database import Database
from dtk_tui.ui import waiting
from dtk_tui.ui.waiting import WaitingApp
from tests.helpers.running_app import NARROW, WIDE, running

_GONE = ServerAwayError("The database cannot be reached.", "connection to server failed: \x1b[2J[red]no[/]")


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    """Where the server is to be found, which is not there yet."""
    return tmp_path / "sockets"


@pytest.fixture
def elsewhere(tmp_path: Path, sockets: Path, database_url: str) -> Config:
    """The config of a library on a server that is away until its folder of sockets is there."""
    url = make_conninfo(database_url, host=str(sockets))
    return load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": url})


@pytest.mark.parametrize("size", [(60, 20), NARROW, WIDE])
async def test_a_server_that_is_away_is_waited_for(
    elsewhere: Config, sockets: Path, database_url: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "AGAIN_S", 0.2)
    with pytest.raises(ServerAwayError) as away:
        Database.open(elsewhere)
    app = WaitingApp(elsewhere, away.value, lambda: Database.require_server(elsewhere))
    async with running(app, size) as run:
        await run.shows("The database cannot be reached. It is waited for.")
        await run.shows("Waiting for")
        await run.shows("Start it, or quit and correct what names it")
        await run.shows("r Try now")
        await run.shows("q Quit")
        assert not app.is_answered
        sockets.symlink_to(conninfo_to_dict(database_url)["host"])
        await run.until(lambda: app.is_answered)


async def test_what_a_server_says_is_no_markup_and_moves_no_cursor(config: Config) -> None:
    def ask() -> None:
        raise _GONE

    app = WaitingApp(config, _GONE, ask)
    async with running(app, NARROW) as run:
        await run.shows("[red]no[/]")
        assert "\x1b" not in run.text()
        await run.press("r")
        await run.shows("[red]no[/]")
        await run.press("q")
    assert not app.is_answered


@pytest.mark.parametrize(
    "error",
    [DtkError("PostgreSQL refused the user or the password."), DatabaseLostError("The disk of the database is full.")],
)
async def test_another_trouble_than_an_absence_is_not_waited_for(config: Config, error: DtkError) -> None:
    def ask() -> None:
        raise error

    app = WaitingApp(config, _GONE, ask)
    async with running(app, NARROW) as run:
        await run.shows("It is waited for.")
        await run.press("r")
        await run.until(lambda: app.is_answered)


def test_the_library_opens_when_its_server_comes(
    elsewhere: Config, sockets: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def come(config: Config, error: ServerAwayError) -> bool:
        sockets.symlink_to(conninfo_to_dict(database_url)["host"])
        return True

    monkeypatch.setattr(cli_app, "_is_waited_for", come)
    db = cli_app._opened(elsewhere)
    with db.connection() as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    db.close()


def test_whoever_does_not_wait_is_told_the_reason(elsewhere: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_app, "_is_waited_for", lambda config, error: False)
    with pytest.raises(ServerAwayError):
        cli_app._opened(elsewhere)


def test_only_of_a_server_that_is_away_a_command_says_to_start_it(
    elsewhere: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "DTK_HOME", "DTK_DATABASE_URL"):
        monkeypatch.setenv(name, elsewhere.paths.environ[name])
    with pytest.raises(ServerAwayError, match="cannot be reached") as away, library():
        pass
    assert "Start it, or correct DTK_DATABASE_URL" in away.value.detail

    def full(config: Config) -> Database:
        raise DatabaseLostError("The disk of the database is full.", "Free some space.")

    monkeypatch.setattr(open_library, "open_database", full)
    with pytest.raises(DatabaseLostError) as error, library():
        pass
    assert error.value.detail == "Free some space."

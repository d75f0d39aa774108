"""Opening a library while its embedded server is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.store.database import Database
from dtk_tui.store.server.embedded import EmbeddedServer
from dtk_tui.store.server.process import ServerProcess
from tests.helpers.processes import wait_until


def _after(real: Callable[..., Any], times: int, then: Callable[[Any], None]) -> Callable[..., Any]:
    """Return a method that does something more after each of its first calls."""
    calls = 0

    def method(self: Any) -> Any:
        nonlocal calls
        found = real(self)
        calls += 1
        if calls <= times:
            then(self)
        return found

    return method


def _kill(server: Any) -> None:
    wait_until(lambda: server.pid() is not None, "the server has written its id")
    os.kill(server.pid(), signal.SIGKILL)
    wait_until(lambda: not server.is_running(), "the server has ended")


def test_a_server_that_is_killed_before_the_first_question_is_started_again(
    data: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.join()
    monkeypatch.setattr(EmbeddedServer, "join", _after(EmbeddedServer.join, 2, _kill))
    db = Database.open_embedded(data)
    with db.connection() as conn:
        assert conn.execute("SELECT count(*) FROM image").fetchone() == (0,)
    db.close()


def test_one_that_is_killed_each_time_is_away(
    data: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.join()
    monkeypatch.setattr(EmbeddedServer, "join", _after(EmbeddedServer.join, 99, _kill))
    with pytest.raises(DatabaseLostError):
        Database.open_embedded(data)


def test_a_server_that_is_killed_while_it_starts_is_started_again(
    data: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ServerProcess._start
    monkeypatch.setattr(ServerProcess, "_start", _after(start, 1, _kill))
    server.join()
    assert server.is_running()
    server.stop()
    monkeypatch.setattr(ServerProcess, "_start", _after(start, 2, _kill))
    with pytest.raises(DtkError, match="could not be started"):
        server.join()

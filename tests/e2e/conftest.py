"""The installed ``dtk`` in a home of its own, with a server of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.forking import Forking
from tests.helpers.paths import REPOSITORY


class Dtk:
    """Runs the installed command as a user would."""

    def __init__(self, home: Path, forking: Forking) -> None:
        self.home = home
        self._forking = forking
        self.program = str(Path(sys.executable).parent / "dtk")
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("DTK_")}
        self.environ |= {
            "DTK_HOME": str(home),
            "DTK_MODELS": os.environ.get("DTK_MODELS") or str(REPOSITORY / "models"),
        }

    def run(self, *arguments: str | bytes, status: int = 0, timeout_s: float = 600) -> str:
        """Run a command to its end, check its exit status and return its output."""
        done = subprocess.run(
            [self.program, *arguments], env=self.environ, capture_output=True, timeout=timeout_s, check=False
        )
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}"
        return (done.stdout if status == 0 else done.stderr).decode()

    def json(self, *arguments: str | bytes) -> Any:
        """Run a command with --json and return the value it printed."""
        return json.loads(self.run(*arguments, "--json"))

    def lines(self, *arguments: str) -> list[Any]:
        """Run a command with --json that prints one value a line."""
        return [json.loads(line) for line in self.run(*arguments, "--json").splitlines()]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            [self.program, *arguments],
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def look(self, *arguments: str | bytes) -> Any:
        """Run a command with --json that only reads, without its start from nothing, and return the value."""
        return json.loads(self._forked(*arguments))

    def looks(self, *arguments: str) -> list[Any]:
        """Do the same with a command that prints one value a line."""
        return [json.loads(line) for line in self._forked(*arguments).splitlines()]

    def _forked(self, *arguments: str | bytes) -> bytes:
        done = self._forking.run([*arguments, "--json"], self.environ)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}"
        return done.stdout

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the embedded server itself, which is quick enough to see a worker in the middle of its work."""
        with psycopg.connect(host=str(self.home / "postgres"), user="dtk", dbname="dtk") as conn:
            cursor = conn.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def server_pid(self) -> int:
        """Return the process id of the embedded server."""
        return int((self.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])


@pytest.fixture(scope="session")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    """What commands are forked from."""
    parent = Forking(tmp_path_factory.mktemp("forking"))
    yield parent
    parent.end()


@pytest.fixture
def dtk(dtk_home: Path, forking: Forking) -> Iterator[Dtk]:
    """The program with an empty library."""
    user = Dtk(dtk_home, forking)
    yield user
    EmbeddedServer(user.home / "postgres").stop()


@pytest.fixture
def new_dtk(new_home: Path, forking: Forking) -> Dtk:
    """The program as it is after its installation: the first command makes the library."""
    return Dtk(new_home, forking)

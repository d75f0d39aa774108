"""The installed ``dtk`` in a home of its own, with a server of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.store.server import EmbeddedServer
from tests.conftest import REPOSITORY


class Dtk:
    """Runs the installed command as a user would."""

    def __init__(self, home: Path) -> None:
        self.home = home
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

    def server_pid(self) -> int:
        """Return the process id of the embedded server."""
        return int((self.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])


@pytest.fixture
def dtk(dtk_home: Path) -> Iterator[Dtk]:
    """The program with an empty library."""
    user = Dtk(dtk_home)
    yield user
    EmbeddedServer(user.home / "postgres").stop()


@pytest.fixture
def new_dtk(new_home: Path) -> Dtk:
    """The program as it is after its installation: the first command makes the library."""
    return Dtk(new_home)

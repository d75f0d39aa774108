"""An embedded server of its own for each room of tests, and others that use it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.server_users import User


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    # Every run of pytest closes its own folder of temporary folders again, which root's server has to pass through.
    with tempfile.TemporaryDirectory(prefix="dtk-test-") as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="module")
def library() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dtk-test-") as folder:
        yield Path(folder).resolve()


@pytest.fixture
def data(library: Path) -> Iterator[Path]:
    """A data folder with a database, once the first test has made it."""
    yield library / "postgres"
    EmbeddedServer(library / "postgres").stop()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Path]:
    """A data folder that does not exist yet."""
    yield tmp_path / "postgres"
    EmbeddedServer(tmp_path / "postgres").stop()


@pytest.fixture
def server(data: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(data)
    yield server
    server.leave()


@pytest.fixture
def user(data: Path) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def start(folder: Path = data) -> User:
        users.append(User(folder))
        return users[-1]

    yield start
    for one in users:
        if one.process.poll() is None:
            one.kill()

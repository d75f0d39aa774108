"""A small real library on disk, and the app on it; a library in a folder whose path is the same length in every run."""

from __future__ import annotations

import pkgutil
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from dtk_tui.config import Config, load
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.ui import screens
from tests.helpers.running_app import SUBJECTS, write_picture

# The app imports a screen when it is first opened; here all are there, so that each test meets the same.
for _module in pkgutil.iter_modules(screens.__path__, "dtk_tui.ui.screens."):
    import_module(_module.name)


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 256 colours, whichever runs the tests."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("COLORTERM", raising=False)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder ``outputs`` with two subfolders and thirty pictures of three subjects."""
    root = tmp_path / "outputs"
    for number in range(30):
        folder = "2025-11" if number < 20 else "final"
        subject = SUBJECTS[number % 3]
        write_picture(root / folder / f"{number:03d}.png", subject, made_at=1_750_000_000 + number, seed=number)
    return root


@pytest.fixture
def library(db: Database, config: Config, pictures: Path) -> Path:
    """The pictures, scanned into the library."""
    scanner.scan(db, config, [str(pictures)])
    return pictures


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, whose path is short and of the same length in every run; a person's home in it is empty."""
    # It never ends like the folder it lies in: of a path that is cut one letter may be all that is left.
    with tempfile.TemporaryDirectory(prefix="u", suffix="x", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        (folder / "me").mkdir()  # empty: a completion that is offered comes when it likes
        monkeypatch.setenv("HOME", str(folder / "me"))
        monkeypatch.setenv("TZ", "Europe/Berlin")
        monkeypatch.chdir(folder)
        yield folder


@pytest.fixture
def settings(place: Path, database_url: str) -> Config:
    """The config of a fresh library in that folder."""
    return load({"HOME": str(place / "me"), "DTK_HOME": str(place / "home"), "DTK_DATABASE_URL": database_url})


@pytest.fixture
def store(settings: Config) -> Iterator[Database]:
    """The open database of that library."""
    database = Database.open(settings)
    yield database
    database.close()

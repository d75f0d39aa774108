"""A small real library on disk, and the app on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from tests.helpers.running_app import SUBJECTS, write_picture


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

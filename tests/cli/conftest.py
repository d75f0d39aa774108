"""Commands on a library of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.cli.install.version import version_line
from dtk_tui.config import Config
from tests.helpers.running_app import SUBJECTS, write_picture
from tests.helpers.transcript import Transcript


@pytest.fixture
def dtk(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transcript:
    """Commands on a library of this test, without models."""
    environ = {
        "HOME": str(tmp_path), "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": config.database_url or "",
        "DTK_MODELS": str(tmp_path / "models"), "COLUMNS": "100", "NO_COLOR": "1", "TZ": "UTC",
    }  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Transcript({str(tmp_path): "<tmp>", version_line(): "dtk <version>"})


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six pictures of three subjects in two folders, and a file that is none."""
    folder = tmp_path / "pictures"
    for number in range(6):
        path = folder / ("a" if number < 4 else "b") / f"{number}.png"
        write_picture(path, SUBJECTS[number % 3], made_at=1_750_000_000 + number, seed=number)
    (folder / "b" / "broken.png").write_bytes(b"no picture")
    return folder

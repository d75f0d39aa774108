"""Sources for the tests of the import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.imports.runs import Make
from tests.helpers.paths import INPUTS


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a database as Diffusion Toolkit writes them; returns the file and its summary."""
    generator = INPUTS / "make_dt_sqlite.py"
    if not generator.is_file():
        pytest.skip("the folder ../shared/inputs is not here")

    def run(*arguments: str, name: str = "source.db") -> tuple[Path, dict[str, Any]]:
        file = tmp_path / name
        done = subprocess.run(
            [sys.executable, str(generator), str(file), *arguments], check=True, capture_output=True, text=True
        )
        return file, json.loads(done.stdout)

    return run

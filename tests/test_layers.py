"""The walls of the house: import contracts, and what a light command may load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dtk_tui.config import Config

REPOSITORY = Path(__file__).resolve().parent.parent

_LOADED = """
import sys
from dtk_tui.cli import application
application({arguments!r}, standalone_mode=False)
wanted = {{'textual', 'onnxruntime', 'onnx', 'tokenizers'}}
heavy = wanted & {{name.split('.')[0] for name in sys.modules}}
print('LOADED', sorted(heavy))
"""


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["queue", "add", "--all"], ["worker", "stop"]])
def test_light_commands_load_neither_textual_nor_onnxruntime(
    arguments: list[str], config: Config, database_url: str, tmp_path: Path
) -> None:
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "DTK_DATABASE_URL": database_url}
    script = _LOADED.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.strip().splitlines()[-1]
    assert "textual" not in loaded and "onnx" not in loaded, loaded

"""When garbage is looked for: hardly while a program loads, as usual while it works with a library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import REPOSITORY

_SCRIPT = """
import atexit, gc, sys

usual = gc.get_threshold()[0]
sys.argv[:] = ["dtk", *sys.argv[1:]]
if not sys.argv[1:]:
    from dtk_tui.ui.app import DtkApp

    async def leave(pilot):
        await pilot.pause()
        told.append(gc.get_threshold()[0])
        pilot.app.exit()

    run = DtkApp.run
    DtkApp.run = lambda app: run(app, headless=True, auto_pilot=leave)

told = []
# What is registered first is called last.
atexit.register(lambda: print("\\n", usual, *(told or [gc.get_threshold()[0]]), flush=True))
from dtk_tui.__main__ import main
main()
"""


def _thresholds(arguments: list[str], url: str, home: Path) -> list[int]:
    """Return after how many new objects an interpreter looks for garbage, and then a program while it runs."""
    environ = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "DTK_HOME": str(home / "dtk"),
        "DTK_DATABASE_URL": url,
        "PYTHONPATH": str(REPOSITORY),
        "TEXTUAL_DRIVER": "textual.drivers.headless_driver:HeadlessDriver",  # so that it asks for no terminal
    }
    command = [sys.executable, "-c", _SCRIPT, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, cwd=home, timeout=300)
    assert done.stdout.strip(), done.stderr
    return [int(word) for word in done.stdout.splitlines()[-1].split()]


def test_hardly_while_a_program_loads(database_url: str, tmp_path: Path) -> None:
    usual, loading = _thresholds(["--help"], database_url, tmp_path)
    assert loading > 100 * usual


@pytest.mark.parametrize("arguments", [[], ["status"], ["doctor"]], ids=["the app", "status", "doctor"])
def test_as_usual_by_whatever_opens_a_library(arguments: list[str], database_url: str, tmp_path: Path) -> None:
    usual, working = _thresholds(arguments, database_url, tmp_path)
    assert working == usual

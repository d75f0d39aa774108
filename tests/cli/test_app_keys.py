"""Keys that are pressed before the app reads them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

EARLY = """
import termios
from dtk_tui.cli import app

def tell(when):
    print(when, "the terminal's" if termios.tcgetattr(0)[0] & termios.IXON else "the app's", flush=True)

def opened(config):
    tell("while it opens:")
    raise SystemExit

app._opened = opened
tell("before:")
try:
    app.open_app()
except SystemExit:
    tell("after:")
"""


def test_ctrl_q_is_a_key_of_the_app_while_it_starts(tmp_path: Path) -> None:
    master, inner = pty.openpty()
    environ = {**os.environ, "HOME": str(tmp_path), "DTK_HOME": str(tmp_path), "COLORTERM": "truecolor"}
    subprocess.run([sys.executable, "-c", EARLY], stdin=inner, stdout=inner, stderr=inner, env=environ, check=True)
    os.close(inner)
    said = os.read(master, 10_000).decode().splitlines()
    os.close(master)
    assert said == ["before: the terminal's", "while it opens: the app's", "after: the terminal's"]

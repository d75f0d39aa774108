"""The server of a tour or a benchmark ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import REPOSITORY
from tests.helpers.processes import is_running, wait_for_end

_SCRIPT = """
import sys
from dtk_tui.config import load
from dtk_tui.store.database import Database
from tests.helpers.owned_server import owned_server
with owned_server(sys.argv[1]):
    db = Database.open(load({"HOME": sys.argv[1], "DTK_HOME": sys.argv[1]}))
    db.server.keep(True)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("by", [signal.SIGKILL, None], ids=["killed", "at its end"])
def test_the_server_ends_with_the_process_that_uses_it(tmp_path: Path, by: signal.Signals | None) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", _SCRIPT, str(home)]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        server = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        assert is_running(server)
        if by is not None:
            process.send_signal(by)
    wait_for_end(server, 60)

"""The end of the app."""

from __future__ import annotations

import subprocess
import sys

STUCK = """
import socket, time
from concurrent.futures import ThreadPoolExecutor
from dtk_tui.ending import end_within
silent, _other_end = socket.socketpair()
asking = ThreadPoolExecutor(1).submit(silent.recv, 1)
while not asking.running():
    time.sleep(0.01)
end_within(0.1, status=3)
"""


def test_a_thread_that_waits_for_ever_does_not_keep_the_process() -> None:
    assert subprocess.run([sys.executable, "-c", STUCK], timeout=120, check=False).returncode == 3

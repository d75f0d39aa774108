"""How a command ends: all that is to be done at the end is done, and what was loaded is not taken apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import atexit, sys, threading, types
{before}

class Loaded:
    def __del__(self):
        print("taken apart", flush=True)

loaded = Loaded()
loaded.itself = loaded

def run():
    def last():
        threading.main_thread().join()
        print("thread")
    threading.Thread(target=last).start()
    atexit.register(print, "registered")
    print("said")
    return 3

# Loading the real one registers something, and shall do so later than the program.
sys.modules["dtk_tui.cli"] = types.ModuleType("dtk_tui.cli")
sys.modules["dtk_tui.cli"].run = run
from dtk_tui.__main__ import main
main()
"""


def _run(script: str, out: Path) -> int:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with out.open("wb") as file:
        command = [sys.executable, "-c", script]
        return subprocess.run(command, env=buffered, stdout=file, check=False, timeout=120).returncode


def test_threads_are_waited_for_what_is_registered_is_called_and_the_output_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _run(_SCRIPT.format(before=""), out) == 3
    assert out.read_text().split() == ["said", "thread", "registered"]


def test_who_watches_from_before_is_called_too(tmp_path: Path) -> None:
    """As coverage does, which writes what it saw when all else has ended."""
    out = tmp_path / "out"
    assert _run(_SCRIPT.format(before="atexit.register(print, 'watched')"), out) == 3
    assert out.read_text().splitlines() == ["said", "thread", "registered", "watched", "taken apart"]


def test_an_output_that_cannot_be_written_is_told_by_the_status() -> None:
    assert _run(_SCRIPT.format(before=""), Path("/dev/full")) == 120


_STUCK = """
import socket, threading

silent, _other_end = socket.socketpair()

def run():
    threading.Thread(target=silent.recv, args=(1,)).start()
    print("said")
    return 130

import dtk_tui.cli as cli
cli.run = run
from dtk_tui.__main__ import main
main()
"""


def test_who_is_interrupted_waits_for_no_thread_that_waits_for_ever(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _run(_STUCK, out) == 130
    assert out.read_text() == "said\n"

"""An app in a terminal that is stopped, continued or taken away: it goes on or ends, and nothing of it stays."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

APP = """
import gc, signal, asyncio
from textual.app import App
from textual.widgets import Label
from dtk_tui.terminal import redirect_native_output
from dtk_tui.ui.textual_compat import FaultReportingApp
from pathlib import Path
import sys

class Small(FaultReportingApp):
    BINDINGS = [("q", "quit", "Quit"), ("a", "say", "Say"), ("f", "frozen", "Frozen")]
    def compose(self):
        yield Label("it runs")
    def on_mount(self):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.exit)
    def action_say(self):
        self.query_one(Label).update("a key came")
    def action_frozen(self):
        self.run_worker(self.tell_when_frozen())
    async def tell_when_frozen(self):
        while gc.get_freeze_count() < 10_000:
            await asyncio.sleep(0.01)
        self.query_one(Label).update("all is frozen")

with redirect_native_output(Path(sys.argv[1])):
    Small().run()
"""


class Terminal:
    """A process in a terminal of its own."""

    def __init__(self, log: str) -> None:
        self.master, inner = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", APP, log],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment,
            start_new_session=True,
        )
        os.close(inner)
        self.seen = b""

    def shows(self, words: bytes, within_s: float = 60) -> None:
        """Wait until words were drawn since the last look."""
        while words not in self.seen:
            ready, _, _ = select.select([self.master], [], [], within_s)
            assert ready, f"{words!r} was not drawn: {self.seen[-300:]!r}"
            self.seen += os.read(self.master, 65536)
        self.seen = b""


@pytest.fixture
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Run a small app in a terminal."""
    running = Terminal(str(tmp_path_factory.mktemp("log") / "log"))
    yield running
    running.process.kill()
    running.process.wait()


def test_stopped_and_continued_it_draws_takes_keys_and_ends(terminal: Terminal) -> None:
    terminal.shows(b"it runs")
    for _ in range(8):
        os.kill(terminal.process.pid, signal.SIGSTOP)
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.shows(b"it runs")
    os.write(terminal.master, b"a")
    terminal.shows(b"a key came")
    os.write(terminal.master, b"q")
    terminal.shows(b"\x1b[?1049l")
    assert terminal.process.wait(60) == 0
    os.close(terminal.master)


def test_a_terminal_that_is_taken_away_ends_it(terminal: Terminal) -> None:
    terminal.shows(b"it runs")
    for _ in range(8):
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.shows(b"it runs")
    os.kill(terminal.process.pid, signal.SIGCONT)
    os.close(terminal.master)  # it is not the controlling terminal of the process, which gets no signal from that
    os.kill(terminal.process.pid, signal.SIGHUP)
    assert terminal.process.wait(60) == 0


def test_what_is_there_from_the_start_is_not_looked_at_by_each_full_collection(terminal: Terminal) -> None:
    terminal.shows(b"it runs")
    os.write(terminal.master, b"f")
    terminal.shows(b"all is frozen")

"""An app in a terminal that is stopped, continued or taken away: it goes on or ends, and nothing of it stays."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

APP = """
import gc, signal, asyncio
from textual.app import App
from textual.widgets import Label
from dtk_tui.terminal import has_shell, redirect_native_output
from dtk_tui.ui.textual_compat import FaultReportingApp
from pathlib import Path
import sys

class Small(FaultReportingApp):
    BINDINGS = [("q", "quit", "Quit"), ("a", "say", "Say"), ("f", "frozen", "Frozen"), ("z", "stop", "Stop")]
    BINDINGS += [("escape", "leave", "Leave")]
    def compose(self):
        yield Label("it runs")
    def on_mount(self):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.exit)
        self.ground_changed.subscribe(self, self.tell_ground)
    def tell_ground(self, is_light):
        self.query_one(Label).update("the ground is light" if is_light else "the ground is dark")
    def action_say(self):
        self.query_one(Label).update("a key came")
    def action_leave(self):
        self.query_one(Label).update("it was Escape")
    def on_key(self, event):
        if event.character == "\u00e9":
            self.query_one(Label).update("a letter came in pieces")
    def action_stop(self):
        if has_shell():
            self.suspend_process("it is suspended")
        else:
            self.query_one(Label).update("no shell")
    def action_frozen(self):
        self.run_worker(self.tell_when_frozen())
    async def tell_when_frozen(self):
        while gc.get_freeze_count() < 10_000:
            await asyncio.sleep(0.01)
        self.query_one(Label).update("all is frozen")

with redirect_native_output(Path(sys.argv[1])):
    Small().run()
"""


#: What a terminal is told when the app has the whole of it, and when a shell has it back.
TAKEN = (
    b"\x1b[?1049h",
    b"\x1b[?1003h",
    b"\x1b[?1004h",
    b"\x1b[>",
    b"\x1b[?2004h",
    b"\x1b[?25l",
    b"\x1b[?2031h",
)
GIVEN_BACK = (b"\x1b[?1049l", b"\x1b[?1003l", b"\x1b[?1004l", b"\x1b[<u", b"\x1b[?2004l", b"\x1b[?25h", b"\x1b[?2031l")


class Terminal:
    """A process in a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        self.master, inner = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "PS1": "$ ", "HISTFILE": ""}
        self.process = subprocess.Popen(
            command,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inner)
        self.seen = b""

    def type(self, keys: str | bytes) -> None:
        """Press keys."""
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def shows(self, *words: bytes, within_s: float = 60) -> bytes:
        """Wait until words were drawn since the last look, in that order; return all that was drawn."""
        in_order = re.compile(b".*?".join(map(re.escape, words)), re.DOTALL)
        while not in_order.search(self.seen):
            ready, _, _ = select.select([self.master], [], [], within_s)
            assert ready, f"{words!r} was not drawn: {self.seen[-300:]!r}"
            self.seen += os.read(self.master, 65536)
        seen, self.seen = self.seen, b""
        return seen


@pytest.fixture
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Run a small app in a terminal."""
    running = Terminal([sys.executable, "-c", APP, str(tmp_path_factory.mktemp("log") / "log")])
    yield running
    running.process.kill()
    running.process.wait()
    with suppress(OSError):  # a test took it away
        os.close(running.master)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Terminal]:
    """Run a shell that knows jobs in a terminal, and the small app in it."""
    (tmp_path / "app.py").write_text(APP)
    running = Terminal(["bash", "--norc", "--noprofile", "-i"])
    running.type(f"{sys.executable} {tmp_path / 'app.py'} {tmp_path / 'log'}\n")
    running.shows(b"it runs")
    yield running
    running.process.send_signal(signal.SIGHUP)  # also to its jobs
    running.process.wait()
    os.close(running.master)


def child_of(process: int) -> int:
    """Return the one child of a process."""
    (child,) = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(child)


def modes_of(terminal: Terminal) -> int:
    """Return what the line discipline of a terminal does: echo, lines, signs."""
    flags: int = termios.tcgetattr(terminal.master)[3]
    return flags & (termios.ECHO | termios.ICANON | termios.ISIG)


def test_it_hears_that_the_ground_became_light(terminal: Terminal) -> None:
    ask = b"\x1b]11;?\x1b\\"
    terminal.shows(b"it runs")
    terminal.type("\x1b[?997;1n")  # the desktop is dark
    terminal.shows(ask)
    terminal.type("\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
    terminal.shows(b"the ground is light")
    terminal.type("\x1b[?997;1n")
    terminal.shows(ask)
    terminal.type("\x1b]11;rgb:0/0/0\x07")
    terminal.shows(b"the ground is dark")


@pytest.mark.parametrize("asked", ["by its key", "from outside", "by force"])
def test_suspended_it_gives_the_terminal_to_its_shell_and_takes_it_back_whole(shell: Terminal, asked: str) -> None:
    taken = modes_of(shell)
    for _ in range(3):
        if asked == "by its key":
            shell.type("z")
            drawn = shell.shows(b"it is suspended")
        else:
            os.kill(child_of(shell.process.pid), signal.SIGTSTP if asked == "from outside" else signal.SIGSTOP)
            drawn = shell.shows(b"Stopped")
        if asked != "by force":
            assert [one for one in GIVEN_BACK if one not in drawn] == []
        back = "fg" if asked == "by force" else "bg; wait %1; fg"  # in the background it stops again
        shell.type(f"echo it is a $((41 + 1)); {back}\n")
        drawn = shell.shows(b"it is a 42", b"\x1b[?1049h", b"it runs")
        assert [one for one in TAKEN if one not in drawn] == []
        assert modes_of(shell) == taken
    shell.type("a")
    shell.shows(b"a key came")
    shell.type("q")
    shell.shows(b"\x1b[?2004h$ ")  # the app throws away what is typed while it ends
    shell.type("exit\n")
    assert shell.process.wait(60) == 0


def test_without_a_shell_nobody_could_bring_it_back(terminal: Terminal) -> None:
    terminal.shows(b"it runs")
    terminal.type("z")
    terminal.shows(b"no shell")


def test_stopped_and_continued_it_draws_takes_keys_and_ends(terminal: Terminal) -> None:
    terminal.shows(b"it runs")
    for _ in range(8):
        os.kill(terminal.process.pid, signal.SIGSTOP)
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.shows(b"it runs")
    terminal.type("a")
    terminal.shows(b"a key came")
    terminal.type("q")
    terminal.shows(b"\x1b[?1049l")
    assert terminal.process.wait(60) == 0


def test_a_letter_is_heard_byte_by_byte_and_escape_by_itself(terminal: Terminal) -> None:
    terminal.shows(b"it runs")
    for piece in (b"\xc3", b"\xa9"):
        terminal.type(piece)
        while select.select([terminal.master], [], [], 0.5)[0]:
            terminal.seen += os.read(terminal.master, 65536)
    terminal.shows(b"a letter came in pieces")
    terminal.type("\x1b")
    terminal.shows(b"it was Escape")


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
    terminal.type("f")
    terminal.shows(b"all is frozen")

"""Keys that are pressed before the app reads them."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from time import monotonic

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


TYPED = """
import sys
from textual.events import Key
from dtk_tui.terminal_report import hold_early_keys, tell_true_color
from dtk_tui.ui.textual_compat import FaultReportingApp

class Keys(FaultReportingApp):
    heard = ""
    def on_key(self, event: Key) -> None:
        self.heard += event.key
        if event.key == "z":
            self.exit()

with hold_early_keys():
    tell_true_color()
    app = Keys()
    app.run()
print("HEARD", app.heard, "end")
"""


def test_keys_between_the_answers_of_a_slow_terminal_are_keys_of_the_app() -> None:
    pid, master = pty.fork()
    if pid == 0:
        environ = {name: value for name, value in os.environ.items() if name not in ("COLORTERM", "NO_COLOR")}
        os.execve(sys.executable, [sys.executable, "-c", TYPED], environ)
    to_say = [(b"\x1b[c", b"a\x1bP>|foot(1.16)\x1b\\b\x1b[?62;22c"), (b"\x1b[?1049h", b"z")]
    seen, end = b"", monotonic() + 120
    while b" end" not in seen.partition(b"HEARD ")[2]:
        assert monotonic() < end, seen
        if select.select([master], [], [], 0.1)[0]:
            seen += os.read(master, 4096)
        if to_say and to_say[0][0] in seen:
            os.write(master, to_say.pop(0)[1])
    os.waitpid(pid, 0)
    os.close(master)
    assert seen.partition(b"HEARD ")[2].partition(b" end")[0] == b"abz"

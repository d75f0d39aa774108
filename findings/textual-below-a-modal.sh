#!/usr/bin/env bash
# Surprise: a Textual screen below a modal one is sent to the terminal again, whole, at each message that it gets.
# Packages: textual 8.2.8, rich 15.0.0
# Guess:    a message that changes nothing draws nothing, whether or not a modal screen is open.
# Really:   without a modal screen that is so. Below one, each such message sends the whole terminal again, for as long as
#           it is open: what a screen below has drawn marks it as to be drawn again, and that mark stays.
# Matters:  an app that polls something once a second sends some kilobytes a second to an open dialogue at rest; over
#           SSH that is felt, and the processor works for it.
# Remedy:   a screen class of one's own that resets `_repaint_required` after `_compositor_refresh`, unless it is the one
#           in front.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    textual==8.2.8 rich==15.0.0
cd "$work"
cat > app.py <<'PY'
import os
import sys

from textual.app import App, ComposeResult
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widgets import Static


class Nothing(Message):
    """Nobody handles it."""


class Dialog(ModalScreen):
    def compose(self) -> ComposeResult:
        yield Static("a question")


class Below(Screen):
    def compose(self) -> ComposeResult:
        yield from (Static(f"{number} a line of words that never changes") for number in range(20))

    def on_mount(self) -> None:
        if "messages" in sys.argv:
            self.set_interval(0.1, lambda: self.post_message(Nothing()))

    def _compositor_refresh(self) -> None:
        super()._compositor_refresh()
        if "remedy" in sys.argv and self is not self.app.screen:
            self._repaint_required = False


class Shown(App):
    async def on_mount(self) -> None:
        await self.push_screen(Below())
        if "modal" in sys.argv:
            await self.push_screen(Dialog())


Shown().run()
PY
venv/bin/python - <<'PY'
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from importlib.metadata import version

SETTLED_S, MEASURED_S = 4.0, 5.0


def sent(*words: str) -> int:
    """Return how many bytes an app sends to a terminal of 80x24 at rest."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "app.py", *words])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    number, begun = 0, time.monotonic()
    while (passed := time.monotonic() - begun) < SETTLED_S + MEASURED_S:
        if select.select([terminal], [], [], 0.1)[0]:
            part = len(os.read(terminal, 1 << 16))
            number += part if passed > SETTLED_S else 0
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return number


print(f"textual {version('textual')}; bytes in {MEASURED_S:.0f} s at rest, ten messages a second that nobody handles:")
found = {words: sent(*words.split()) for words in ("messages", "modal", "modal messages", "modal messages remedy")}
for words, number in found.items():
    print(f"  {words:<24}{number:>8}")
if max(found["messages"], found["modal"], found["modal messages remedy"]) > 500:
    sys.exit("CHANGED: something is drawn where nothing changes")
if found["modal messages"] < 20 * 24 * 20:
    sys.exit("CHANGED: below a modal screen, a message that changes nothing draws nothing")
PY

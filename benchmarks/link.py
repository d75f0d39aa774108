"""A program in a terminal at the end of a link, which carries so many bytes a second and takes its time."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

#: Keys as a terminal of the xterm family sends them.
KEYS = {"down": b"\x1b[B", "pagedown": b"\x1b[6~", "pageup": b"\x1b[5~", "f6": b"\x1b[17~", "f9": b"\x1b[20~"}
#: What a terminal is asked, and what a modern one without pictures answers.
_ANSWERS = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[6n": b"\x1b[1;1R"}
#: What terminals with pictures answer beside.
TERMINALS: dict[str, dict[bytes, bytes]] = {
    "halfblock": {},
    "sixel": {b"\x1b[c": b"\x1b[?62;4;22c", b"\x1b[16t": b"\x1b[6;20;10t"},
    "kitty": {
        b"\x1b_Gi=4242,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\": b"\x1b_Gi=4242;OK\x1b\\",
        b"\x1b[>q": b"\x1bP>|kitty(0.40.0)\x1b\\",
        b"\x1b[16t": b"\x1b[6;20;10t",
    },
}
_LONGEST_QUESTION = 64
#: So much is under way at most, as in the buffers of a connection; then the program has to wait.
_UNDER_WAY_S = 0.02
#: A pause of the program that ends what it draws for a key at once.
_GAP_S = 0.08


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for a key.

    Attributes:
        sent: bytes, all of them.
        shown_s: from the key until what is drawn for it at once is on the screen.
        done_s: the same for all that follows, such as a picture.
    """

    sent: int
    shown_s: float
    done_s: float


class Link:
    """A program, seen from the other end of a link.

    Args:
        rate: bytes a second that come from the program; None: all at once.
        trip_s: how long a byte takes there and back.
        pictures: how the terminal draws pictures, one of TERMINALS.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        size: tuple[int, int],
        rate: float | None = None,
        trip_s: float = 0.0,
        pictures: str = "halfblock",
    ) -> None:
        self._answers = _ANSWERS | TERMINALS[pictures]
        self._asked = re.compile(b"|".join(re.escape(one) for one in sorted(self._answers, key=len, reverse=True)))
        self._unread = b""
        self._rate, self._way_s = rate, trip_s / 2
        self._free_at = 0.0
        self._typed: deque[tuple[float, bytes]] = deque()
        self._came: list[tuple[float, float, int]] = []
        self.drawn = b""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.execvpe(command[0], list(command), {**environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"})

    def type(self, keys: bytes) -> None:
        """Press keys here; the program gets them when they are there."""
        self._typed.append((monotonic() + self._way_s, keys))

    def press(self, keys: bytes, quiet_s: float = 0.7) -> Answer:
        """Press keys, and wait until the program has drawn nothing for a while."""
        self._came.clear()
        begun = monotonic()
        self.type(keys)
        self.follow(lambda: monotonic() - max(begun + 2 * self._way_s, self._last_at()) > quiet_s, 60.0)
        if not self._came:
            return Answer(0, 0.0, 0.0)
        first = self._came[0]
        for one in self._came[1:]:
            if one[0] - first[0] > _GAP_S:
                break
            first = one
        return Answer(sum(one[2] for one in self._came), first[1] - begun, self._came[-1][1] - begun)

    def shows(self, words: bytes, within_s: float = 120.0) -> None:
        """Wait until words were drawn since the last look."""
        self.follow(lambda: words in self.drawn, within_s)
        if words not in self.drawn:
            raise SystemExit(f"{words!r} did not come; this was drawn last:\n{self.drawn[-2000:]!r}")
        self.drawn = b""

    def follow(self, is_enough: Callable[[], bool], seconds: float) -> None:
        """Carry what is drawn and typed until a condition holds, or for so long."""
        end = monotonic() + seconds
        while monotonic() < end and not is_enough():
            now = monotonic()
            while self._typed and self._typed[0][0] <= now:
                os.write(self._terminal, self._typed.popleft()[1])
            is_free = self._free_at <= now + _UNDER_WAY_S
            if not select.select([self._terminal] if is_free else [], [], [], 0.002)[0]:
                continue
            try:
                part = os.read(self._terminal, 4096)
            except OSError:  # it has ended
                return
            self._carry(part)

    def end(self) -> None:
        """Close the terminal."""
        os.kill(self.pid, signal.SIGTERM)
        self.follow(lambda: os.waitpid(self.pid, os.WNOHANG)[0] != 0, 60.0)
        os.close(self._terminal)

    def _last_at(self) -> float:
        return self._came[-1][0] if self._came else 0.0

    def _carry(self, part: bytes) -> None:
        now = monotonic()
        begun_at = max(self._free_at, now)
        self._free_at = begun_at + self._seconds(len(part))
        self._came.append((now, self._free_at + self._way_s, len(part)))
        self.drawn = (self.drawn + part)[-(1 << 18) :]
        before, text = len(self._unread), self._unread + part
        end = 0
        for question in self._asked.finditer(text):
            end = question.end()
            at = begun_at + self._seconds(max(0, end - before))
            self._typed.append((at + 2 * self._way_s, self._answers[question.group()]))
        self._unread = text[max(end, len(text) - _LONGEST_QUESTION) :]

    def _seconds(self, count: int) -> float:
        return count / self._rate if self._rate else 0.0

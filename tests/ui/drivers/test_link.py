"""How fast the link to a terminal is, told by its answers; and pictures that get over a slow one."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import sys
import termios
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.style import Style
from textual.geometry import Size

from dtk_tui.ui.drivers.link import LinkSpeed
from dtk_tui.ui.widgets.graphics import KittyImage, room_px
from dtk_tui.ui.widgets.picture import drawn
from tests.helpers.pictures import picture


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def answer(link: LinkSpeed, clock: Clock, sent: int, seconds: float) -> None:
    """Let a terminal take so many bytes in that time."""
    assert link.questions(sent) != ("", "")
    clock.now += 0.3  # the way there and back counts for nothing
    assert link.answered()
    clock.now += seconds
    assert link.answered()


def test_the_time_between_two_answers_is_that_of_the_bytes() -> None:
    clock = Clock()
    link = LinkSpeed(clock)
    assert link.bytes_in(0.5) is None
    answer(link, clock, 125_000, 1.025)
    assert link.bytes_in(0.5) == pytest.approx(62_500, rel=0.001)
    for _ in range(6):
        answer(link, clock, 1_000_000, 0.05)
    found = link.bytes_in(0.5)
    assert found is not None and found > 5_000_000, "it became a fast one"


def test_after_a_stall_a_few_measurements_tell_the_truth_again() -> None:
    clock = Clock()
    link = LinkSpeed(clock)
    answer(link, clock, 20_000, 10.0)
    assert link.bytes_in(0.5) == 12_288, "which is enough to be measured"
    for _ in range(3):
        answer(link, clock, 12_288, 0.025 + 12_288 / 125_000)
    found = link.bytes_in(0.5)
    assert found is not None and found > 50_000


@pytest.mark.parametrize(("sent", "seconds"), [(5_000, 0.02), (3_000_000, 0.02)])
def test_a_fast_link_has_no_bound(sent: int, seconds: float) -> None:
    clock = Clock()
    link = LinkSpeed(clock)
    for _ in range(20):
        answer(link, clock, sent, seconds)
    assert link.bytes_in(0.5) is None


def test_no_answer_is_no_claim_and_ends_the_questions() -> None:
    clock = Clock()
    link = LinkSpeed(clock)
    asked = 0
    for _ in range(20):
        asked += link.questions(50_000) != ("", "")
        assert link.questions(50_000) == ("", ""), "one at a time"
        clock.now += 31
    assert asked == 3
    assert link.bytes_in(0.5) is None


def test_an_answer_that_nobody_asked_for_is_not_taken() -> None:
    link = LinkSpeed()
    assert not link.answered()
    assert link.questions(100) == ("", ""), "too little to tell anything"
    assert not link.answered()


def test_what_was_not_sent_whole_tells_nothing() -> None:
    clock = Clock()
    link = LinkSpeed(clock)
    link.questions(1_000_000)
    link.disregard()
    assert link.answered()
    clock.now += 5
    assert link.answered()
    assert link.bytes_in(0.5) is None
    assert link.questions(50_000) != ("", "")


def test_who_ends_waits_for_answers() -> None:
    link = LinkSpeed()
    link.questions(50_000)
    waited = threading.Thread(target=link.settle, args=(60.0,))
    waited.start()
    link.answered()
    assert waited.is_alive()
    link.answered()
    waited.join(60)
    assert not waited.is_alive()


def photograph(size: tuple[int, int]) -> Image.Image:
    """Return a picture with a grain, which takes many bytes."""
    grain = np.random.default_rng(1).integers(0, 24, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(np.asarray(picture(3, size).convert("RGB")) // 2 + grain)


def slow_link(rate: float) -> LinkSpeed:
    """Return a link of which it is known how slow it is."""
    clock = Clock()
    link = LinkSpeed(clock)
    answer(link, clock, int(rate * 10), 10.025)
    return link


def length_of(protocol: str, link: LinkSpeed, monkeypatch: pytest.MonkeyPatch) -> tuple[int, Size | None]:
    """Draw a picture and return its bytes, and the cells that it has where it says so."""
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", terminal)
    room = Size(50, 30)
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    size = room_px(room) if protocol in ("kitty", "sixel") else (room.width, room.height * 2)
    made = drawn(photograph(size), protocol, room, Style(), console, link, link.bytes_in(0.5))
    if isinstance(made, KittyImage):
        return len(terminal.getvalue()), Size(made.strips[0].cell_length, len(made.strips))
    if isinstance(made, list):
        return sum(len(strip.render(console).encode()) for strip in made), None
    return made.length, made.cells


@pytest.mark.parametrize("protocol", ["kitty", "sixel", "halfblock"])
def test_a_picture_is_as_long_as_the_link_is_fast(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown, cells = length_of(protocol, LinkSpeed(), monkeypatch)
    fast, _ = length_of(protocol, slow_link(100_000_000), monkeypatch)
    assert fast == unknown, "on a fast link nothing changes"
    for rate in (unknown, unknown / 4):
        length, its_cells = length_of(protocol, slow_link(rate), monkeypatch)
        # Lines beside the picture and what frames it are not counted.
        assert length <= max(rate / 2, 12_288) + 4096
        if protocol == "kitty":
            assert its_cells == cells, "the terminal enlarges it"


def test_a_picture_that_is_left_is_taken_away_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", terminal)
    link = LinkSpeed()

    class LeftError(Exception):
        pass

    def check() -> None:
        if terminal.getvalue().count("m=1") >= 3:
            raise LeftError

    with pytest.raises(LeftError):
        KittyImage(photograph(room_px(Size(50, 30))), Size(50, 30), link, None, check)
    said = re.findall("\x1b_G([^;\x1b]*)", terminal.getvalue())
    assert [one for one in said if "m=1" in one] == said[:3]
    assert "m=0" in said[3] and "a=d" in said[4] and len(said) == 5
    assert terminal.getvalue().count("\x1b[6n") == 2
    assert link.answered() and link.answered() and link.bytes_in(0.5) is None


APP = """
import asyncio
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.strip import Strip
from textual.widget import Widget
from dtk_tui.ui.textual_compat import FaultReportingApp, link_of

class Colors(Widget):
    turn = 0
    def render_line(self, y):
        of = lambda x: Style(color=f"rgb({x % 256},{y % 256},{self.turn % 256})")
        return Strip([Segment("x", of(x)) for x in range(self.size.width)], self.size.width)

class Small(FaultReportingApp):
    BINDINGS = [("q", "quit", "Quit"), ("a", "again", "Again"), ("s", "say", "Say"), ("r", "anew", "Anew")]
    def compose(self):
        yield Colors()
    def action_again(self):
        colors = self.query_one(Colors)
        colors.turn += 1
        colors.refresh()
    async def action_anew(self):
        for pause_s in (0.05, 0.05, 1.5):
            self.refresh(layout=True)
            await asyncio.sleep(pause_s)
        self.tell_terminal("<done>")
        self.refresh(layout=True)
        await asyncio.sleep(0.5)
        self.tell_terminal("<later>")
    def action_say(self):
        self.tell_terminal(f"<{link_of(self).bytes_in(1.0)}>")

Small().run()
"""


class SlowTerminal:
    """A terminal that takes so many bytes a second and answers what it is asked, in order."""

    def __init__(self, app: Path, rate: float) -> None:
        self._rate = rate
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            for size in ("COLUMNS", "LINES"):  # as Textual leaves them behind where it draws pictures for tests
                environ.pop(size, None)
            os.execvpe(sys.executable, [sys.executable, str(app)], environ)
        self.seen = b""
        self.answered: list[bytes] = []

    def press(self, key: bytes, until: bytes) -> bytes:
        """Press a key and take what is drawn until something stands in it; return that."""
        os.write(self.master, key)
        return self.take(until)

    def take(self, until: bytes) -> bytes:
        """Take what is drawn until something stands in it; return that."""
        begin = len(self.seen)
        while not (found := re.compile(until).search(self.seen, begin)):
            assert select.select([self.master], [], [], 60)[0], self.seen[-300:]
            part = os.read(self.master, 1024)
            time.sleep(len(part) / self._rate)
            self.seen += part
            for question in re.findall(rb"\x1b\[6n|\x1b\[\?2026\$p", self.seen)[len(self.answered) :]:
                self.answered.append(question)
                os.write(self.master, b"\x1b[5;5R" if question.endswith(b"n") else b"\x1b[?2026;2$y")
        return found.group()


def test_in_a_slow_terminal_the_app_knows_how_slow_it_is(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    terminal = SlowTerminal(tmp_path / "app.py", 100_000.0)
    try:
        terminal.take(rb"119;39;0mx")
        for _ in range(3):
            terminal.press(b"a", rb"(?s)\x1b\[6n.*\x1b\[6n")
        said = terminal.press(b"s", rb"<\w+>")
        assert said != b"<None>"
        assert int(said[1:-1]) < 300_000
        terminal.press(b"aq", rb"\x1b\[\?1049l")
        assert terminal.answered.count(b"\x1b[6n") % 2 == 0
        assert os.waitpid(terminal.pid, 0)[1] == 0
    finally:
        os.close(terminal.master)


def test_what_is_there_already_is_not_sent_again(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    terminal = SlowTerminal(tmp_path / "app.py", 10_000_000.0)
    try:
        terminal.take(rb"119;39;0mx")
        begin = len(terminal.seen)
        terminal.press(b"r", rb"<done>")
        assert terminal.seen[begin:].count(b"119;39;0mx") <= 1
        begin = len(terminal.seen)
        terminal.take(rb"<later>")
        assert terminal.seen[begin:].count(b"119;39;0mx") == 1, "something else may have written over it meanwhile"
        terminal.press(b"a", rb"119;39;1mx")
    finally:
        terminal.press(b"q", rb"\x1b\[\?1049l")
        os.waitpid(terminal.pid, 0)
        os.close(terminal.master)

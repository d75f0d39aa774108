"""Texts of screens, step by step, compared with golden files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from tests.helpers.golden import WRITE, difference

if TYPE_CHECKING:
    from tests.helpers.running_app import Running

#: A screen that is written anew has to stay the same for so long: every look at the numbers is over by then.
_STILL_S = 1.3
#: How long a screen may take until it is the golden one; after the first that never is, others get less.
_WITHIN_S, _THEN_S = 120.0, 5.0
#: A dialog, which is slow to draw, is drawn anew at one look of so many.
_SELDOM = 8
#: What differs from run to run, and what stands in its place, of the same width where something may stand behind it.
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "YYYY-MM-DD hh:mm:ss"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "YYYY-MM-DD"),
    (re.compile(r"\d\d-\d\d \d\d:\d\d\b"), "MM-DD hh:mm"),
    (re.compile(r"[\d,]+ rows/s.*so far"), "N rows/s   Ns so far"),
    (re.compile(r"\d+s, times read"), "Ns, times read"),
    (re.compile(r"\d\d\.\d kB"), "NN.N kB"),
)


def without_name(text: str, name: str) -> str:
    """Return a text in which a random word, or what is left of it where a line is cut, is made of zeros."""
    text = text.replace(name, "0" * len(name))
    for length in range(len(name) - 1, 0, -1):
        text = text.replace(f"\u2026{name[-length:]}/", f"\u2026{'0' * length}/")
        text = text.replace(f"/tmp/{name[:length]}", f"/tmp/{'0' * length}") if length > 1 else text
    return text


class Screens:
    """Compares what is on the screen with one golden file a step, and tells all differences at the end.

    Args:
        folder: where the golden files are; a file is ``<step>-<columns>x<rows>.txt``.
        name: the random word in the paths of this run.
    """

    def __init__(self, run: Running, folder: Path, size: tuple[int, int], name: str) -> None:
        self._run = run
        self._folder = folder
        self._size = f"{size[0]}x{size[1]}"
        self._name = name
        self._looks = 0
        self._differences: list[str] = []
        self._steps: list[str] = []

    def text(self) -> str:
        """Return what is on the screen, without what differs from run to run."""
        text = without_name(self._run.text(), self._name)
        for pattern, instead in _VARYING:
            text = pattern.sub(instead, text)
        return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"

    async def step(self, name: str, *words: str, notices: bool = False) -> None:
        """Wait for words on the screen, then until all of it is as in the golden file.

        Args:
            notices: keep the notices in the corner, which go by themselves after a while.
        """
        assert name not in self._steps, f"two steps are called {name}"
        self._steps.append(name)
        for word in words:
            await self._run.shows(word)
        file = self._folder / f"{name}-{self._size}.txt"
        if os.environ.get(WRITE):
            await self._settle(notices)
        else:
            golden = file.read_text(encoding="utf-8") if file.is_file() else ""
            await self._become(golden, notices)
        found = difference(file, self.text())
        if found:
            self._differences.append(found)

    async def _become(self, golden: str, notices: bool) -> None:
        end = monotonic() + (_THEN_S if self._differences else _WITHIN_S)
        while self.text() != golden and monotonic() < end:
            await self._look(notices, 0.03)

    async def _settle(self, notices: bool) -> None:
        shown, since = "", monotonic()
        while monotonic() < since + _STILL_S:
            await self._look(notices, 0.05)
            if self.text() != shown:
                shown, since = self.text(), monotonic()

    async def _look(self, notices: bool, pause_s: float) -> None:
        app = self._run.app
        if not notices:
            app.clear_notifications()
        self._looks += 1
        if app.screen.is_modal and self._looks % _SELDOM == 0:
            app.screen.refresh()  # it keeps what lay behind it when it was drawn first
        await self._run.pilot.pause(pause_s)

    def end(self) -> None:
        """Fail with every difference that was found."""
        assert not self._differences, "\n\n".join(self._differences)

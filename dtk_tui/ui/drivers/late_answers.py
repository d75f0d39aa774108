"""Answers of a terminal that come when nobody waits for them any more."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual._xterm_parser import XTermParser
from textual.message import Message

#: What answers to the questions of ``dtk_tui.terminal`` are: strings with an end (ST), which another sequence cuts off,
#: or reports of attributes and of the largest picture. Alt+P and Alt+_ begin as the strings do.
_ANSWER = re.compile(
    "(?:\x1bP>\\||\x1bP[01]\\$r|\x1b_Gi=)[^\x1b]{0,500}(?:\x1b\\\\|(?=\x1b[^\\\\]))|\x1b\\[\\?[0-9;]*[cS]"
)
#: One of which the rest has yet to come.
_BEGUN = re.compile("(?:(?:\x1bP>\\||\x1bP[01]\\$r|\x1b_Gi=)[^\x1b]{0,500}\x1b?|\x1b\\[\\?[0-9;]{0,40})\\Z")


class KeyParser(XTermParser):
    """Hears keys, and leaves out answers over a slow line: their letters and digits would be commands."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._begun = ""

    def feed(self, data: str) -> Iterable[Message]:
        """Return what is heard in a piece of what the terminal sends; an answer may come in several."""
        keys = _ANSWER.sub("", self._begun + data)
        begun = _BEGUN.search(keys)
        self._begun = "" if begun is None else begun.group()
        keys = keys[: len(keys) - len(self._begun)]
        return super().feed(keys) if keys or not data else ()  # an empty piece is the end

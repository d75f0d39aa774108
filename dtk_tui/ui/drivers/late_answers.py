"""Answers of a terminal that come when nobody waits for them any more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from time import monotonic

from textual import events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message

#: What answers to the questions of ``dtk_tui.terminal`` are: strings with an end (ST), which another sequence cuts off,
#: or reports of attributes and of the largest picture. Alt+P and Alt+_ begin as the strings do.
_ANSWER = re.compile(
    "(?:\x1bP>\\||\x1bP[01]\\$r|\x1b_Gi=)[^\x1b]{0,500}(?:\x1b\\\\|(?=\x1b[^\\\\]))|\x1b\\[\\?[0-9;]*[cS]"
)
#: One of which the rest has yet to come.
_BEGUN = re.compile("(?:(?:\x1bP>\\||\x1bP[01]\\$r|\x1b_Gi=)[^\x1b]{0,500}\x1b?|\x1b\\[\\?[0-9;]{0,40})\\Z")
#: The rest of an answer that has not come after so long never comes: what does are keys.
_LOST_S = 3.0


class KeyParser(XTermParser):
    """Hears keys, and leaves out answers over a slow line: their letters and digits would be commands."""

    def __init__(self, debug: bool = False, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(debug)
        self._clock = clock
        self._begun = ""
        self._begun_at = 0.0

    def feed(self, data: str) -> Iterable[Message]:
        """Return what is heard in a piece of what the terminal sends; an answer may come in several."""
        if self._begun and self._clock() > self._begun_at + _LOST_S:
            self._begun = ""
        keys = _ANSWER.sub("", self._begun + data)
        found = _BEGUN.search(keys)
        begun = "" if found is None else found.group()
        if begun and not self._begun:
            self._begun_at = self._clock()
        self._begun = begun
        keys = keys[: len(keys) - len(begun)]
        return super().feed(keys) if keys else ()  # an empty piece would be the end

    @property
    def wait_s(self) -> float | None:
        """How long to wait for more before Escape is a key by itself; None where nothing has begun."""
        return None if self._timeout_time is None else max(0.0, self._timeout_time - get_time())

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        """Return the keys of a sequence; one that Textual cannot read is no key, and no fault of the app.

        A letter with Alt is a command and types nothing, as it is told by terminals that know kitty's keys.
        """
        try:
            keys = tuple(super()._sequence_to_key_events(sequence, alt))
        except (ValueError, OverflowError):  # kitty's other code points of a key, or one that there is not
            return (events.Key(Keys.Ignore, None),)
        return tuple(events.Key(one.key, None) if one.key.startswith("alt+") else one for one in keys)

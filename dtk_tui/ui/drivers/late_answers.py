"""What a terminal tells of itself among the keys: answers that nobody waits for any more, and its ground."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from time import monotonic

from textual import events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message

from dtk_tui.terminal_report import is_light_ground

#: What answers to the questions of ``dtk_tui.terminal_report`` are: strings with an end (ST or BEL), which another
#: sequence cuts off, or reports of attributes, the largest picture and the ground. Alt+P, Alt+_ and Alt+] begin
#: as strings do.
_STRING = "(?:\x1bP>\\||\x1bP[01]\\$r|\x1b_Gi=|\x1b\\]11;)[^\x1b\x07]{0,500}"
_ANSWER = re.compile(f"{_STRING}(?:\x1b\\\\|\x07|(?=\x1b[^\\\\]))|\x1b\\[\\?[0-9;]*[cS]|\x1b\\[\\?997;[12]n")
#: One of which the rest has yet to come.
_BEGUN = re.compile(f"(?:{_STRING}\x1b?|\x1b\\[\\?[0-9;]{{0,40}})\\Z")
#: The rest of an answer that has not come after so long never comes: what does are keys.
_LOST_S = 3.0


class GroundTold(Message):
    """The terminal answered whether its ground is light."""

    def __init__(self, *, is_light: bool) -> None:
        super().__init__()
        self.is_light = is_light


class ColorsChanged(Message):
    """The terminal says that its colours may have changed."""


class KeyParser(XTermParser):
    """Hears keys and the ground, and leaves out answers over a slow line: their letters would be commands."""

    def __init__(self, debug: bool = False, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(debug)
        self._clock = clock
        self._begun = ""
        self._begun_at = 0.0

    def feed(self, data: str) -> Iterable[Message]:
        """Return what is heard in a piece of what the terminal sends; an answer may come in several."""
        if self._begun and self._clock() > self._begun_at + _LOST_S:
            self._begun = ""
        heard = self._begun + data
        told = [message for found in _ANSWER.findall(heard) if (message := _message_of(found))]
        keys = _ANSWER.sub("", heard)
        found = _BEGUN.search(keys)
        begun = "" if found is None else found.group()
        if begun and not self._begun:
            self._begun_at = self._clock()
        self._begun = begun
        keys = keys[: len(keys) - len(begun)]
        return (*told, *(super().feed(keys) if keys else ()))  # an empty piece would be the end

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


def _message_of(answer: str) -> Message | None:
    """Return what an app does with an answer; None: nothing."""
    if answer.startswith("\x1b[?997;"):
        return ColorsChanged()
    is_light = is_light_ground(answer)
    return None if is_light is None else GroundTold(is_light=is_light)

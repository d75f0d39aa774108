"""What is drawn, with fewer escape sequences: each style is told by what it changes, and only before a sign has it.

Rich writes every piece of a line with its whole style before it and a reset behind it. A third to a half of what a
screen of text takes on a slow line are colours that the terminal has already.

The parameters of SGR (Select Graphic Rendition) are those of ECMA-48, 8.3.117, and xterm's for 256 and true colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_SGR = re.compile("\x1b\\[([0-9;]*)m")
#: What shows nothing, so that it does not matter in which style it is done.
_MOVES = re.compile("(?:\x1b\\[[0-9;]*[HABCDG]|[\r\n])*")
_RESET = "\x1b[0m"
#: Pieces of a picture: signs of which each has two colours of its own, so that only the resets can be left out.
_PICTURE = re.compile("((?:\x1b\\[38;2;[0-9]+;[0-9]+;[0-9]+;48;2;[0-9]+;[0-9]+;[0-9]+m[▀█]\x1b\\[0m){2,})")
_KEPT = 8192


class _Look(NamedTuple):
    """How signs look: attributes, as parameters that switch them on, and parameters of the colours; empty: default."""

    attributes: frozenset[str]
    foreground: str
    background: str


_PLAIN = _Look(frozenset(), "", "")


def compact(drawn: str) -> str:
    """Return what shows the same on a terminal and leaves it in the default style, in no more characters.

    Args:
        drawn: text with escape sequences, for a terminal whose style is the default one. It is given back as it is
            where it leaves another style, or has a style that is not known here.
    """
    found: list[str] = []
    for number, part in enumerate(_PICTURE.split(drawn)):
        shorter = part.replace(_RESET, "") + _RESET if number % 2 else _compact_text(part)
        if shorter is None:
            return drawn
        found.append(shorter)
    return "".join(found)


def _compact_text(drawn: str) -> str | None:
    parts = _SGR.split(drawn)
    now = wanted = _PLAIN
    found = [parts[0]]
    for parameters, text in zip(parts[1::2], parts[2::2], strict=True):
        look = _after(wanted, parameters)
        if look is None:
            return None
        wanted = look
        if not text:
            continue
        if wanted != now and _MOVES.fullmatch(text) is None:
            found.append(_change(now, wanted))
            now = wanted
        found.append(text)
    if now != _PLAIN:
        found.append(_RESET)
    return "".join(found) if wanted == _PLAIN else None


@lru_cache(_KEPT)
def _after(look: _Look, parameters: str) -> _Look | None:
    """Return the look after a sequence; None where it has what is not known here."""
    attributes, foreground, background = set(look.attributes), look.foreground, look.background
    codes = iter(parameters.split(";"))
    for code in codes:
        number = int(code or 0)
        if number == 0:
            attributes, foreground, background = set(), "", ""
        elif number in (38, 48):
            color = _color(code, codes)
            if color is None:
                return None
            if number == 38:
                foreground = color
            else:
                background = color
        elif 30 <= number <= 37 or 90 <= number <= 97:
            foreground = code
        elif 40 <= number <= 47 or 100 <= number <= 107:
            background = code
        elif number == 39:
            foreground = ""
        elif number == 49:
            background = ""
        elif number <= 9 or number in (21, 51, 52, 53):
            attributes.add(code)
        else:
            return None
    return _Look(frozenset(attributes), foreground, background)


def _color(code: str, more: Iterator[str]) -> str | None:
    kind = next(more, "")
    values = [next(more, "") for _ in range({"5": 1, "2": 3}.get(kind, 0))]
    return ";".join([code, kind, *values]) if values and all(values) else None


@lru_cache(_KEPT)
def _change(now: _Look, wanted: _Look) -> str:
    """Return the shorter of two ways from one look to another."""
    anew = ["0", *sorted(wanted.attributes), wanted.foreground, wanted.background]
    whole = f"\x1b[{';'.join(filter(None, anew))}m"
    if not now.attributes <= wanted.attributes:
        return whole
    changes = sorted(wanted.attributes - now.attributes)
    if wanted.foreground != now.foreground:
        changes.append(wanted.foreground or "39")
    if wanted.background != now.background:
        changes.append(wanted.background or "49")
    return min(f"\x1b[{';'.join(changes)}m", whole, key=len)

"""What the terminal says of itself: which pictures it draws, its colours and its ground; asked once, before an app."""

from __future__ import annotations

import os
import re
import select
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from dtk_tui.terminal import ASK_GROUND, tmux_option

#: Preview protocols from best to plainest.
PROTOCOLS = ("kitty", "sixel", "halfblock", "text", "off")

# Kitty's protocol, the name (XTVERSION), the colour that it keeps of one of its ground (DECRQSS of SGR), and the colour
# of its own ground (OSC 11). Every terminal answers the last question (device attributes), so its answer also ends the
# wait for the others.
_QUESTIONS = (
    b"\x1b_Gi=4242,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m"
    + ASK_GROUND.encode()
    + b"\x1b[c"
)
#: XTSMGRAPHICS: the largest picture that is taken as Sixel data; only asked where Sixel is known.
_SIXEL_QUESTIONS = b"\x1b[?2;4;0S\x1b[c"
_ANSWER_S = 0.3
_NAME = re.compile(rb"\x1bP>\|([^\x1b]{1,200})")
_VERSION = re.compile(rb"\x1bP>\|(\w+)[ (]*(\d*)\.?(\d*)")
_TRUE_COLOR = re.compile(rb"\x1bP1\$r[0-9;:]*48[:;]2[:;]+1[:;]2[:;]3(?![0-9])")
#: Terminals with true colours that do not tell what they keep.
_TRUE_COLORS_BY_NAME = {b"kitty", b"ghostty", b"WezTerm", b"foot", b"iTerm2", b"contour"}
#: Red, green and blue in one to four hexadecimal digits each (XParseColor).
_GROUND = re.compile("\x1b\\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
#: How much red, green and blue count for how light a colour is (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)
_LARGEST = re.compile(rb"\x1b\[\?2;0;(\d+);(\d+)S")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")
#: What was heard while the terminal was asked: its answers, and among them what a person typed meanwhile.
_heard = bytearray()
_MULTIPLEXERS = {"TMUX": "tmux", "STY": "screen", "ZELLIJ": "zellij"}


@dataclass(frozen=True, slots=True)
class TerminalReport:
    """What the terminal says of itself.

    Attributes:
        name: with its version, as it says them; empty where it does not.
        answers: whether it answered in time.
        protocol: the best of PROTOCOLS that it draws pictures by.
        knows_kitty: whether it speaks Kitty's protocol, be it without the placeholders that the app needs.
        true_color: whether it shows all colours.
        multiplexer: the program that it is in: tmux, screen, zellij; None where it is in none.
        passthrough: what tmux does with what is meant for the terminal around it: on, all or off; None elsewhere.
        size: columns and lines.
    """

    name: str
    answers: bool
    protocol: str
    knows_kitty: bool
    true_color: bool
    multiplexer: str | None
    passthrough: str | None
    size: tuple[int, int]


def image_protocol(wanted: str) -> str:
    """Return how pictures are drawn: ``wanted``, or with ``auto`` the best that the terminal says it can.

    Must run before an app reads the keyboard. Many terminals speak Kitty's protocol but not its placeholders, which let
    a picture scroll and be covered like text, so it is taken only where these are known to work.
    """
    if wanted in ("kitty", "sixel") and os.environ.get("TEXTUAL_DRIVER"):
        return "halfblock"  # the page of a browser knows neither
    found = wanted if wanted in PROTOCOLS else _protocol(_ask(_QUESTIONS))
    if found == "sixel":
        largest_sixel()
    # Half blocks are nothing but colours.
    return "text" if found == "halfblock" and "NO_COLOR" in os.environ else found


def tell_true_color() -> None:
    """Set COLORTERM where the terminal has true colours and nobody says so: SSH does not pass that variable on.

    Must run before an app reads the keyboard, and before what takes its colours from the environment.
    """
    if not {"COLORTERM", "NO_COLOR", "TEXTUAL_DRIVER"} & set(os.environ) and _has_true_color(_ask(_QUESTIONS)):
        os.environ["COLORTERM"] = "truecolor"


def _has_true_color(answer: bytes) -> bool:
    version = _VERSION.search(answer)
    named = version is not None and version.group(1) in _TRUE_COLORS_BY_NAME
    told = os.environ.get("COLORTERM") in ("truecolor", "24bit")
    return named or told or _TRUE_COLOR.search(answer) is not None


def has_light_ground() -> bool:
    """Return whether the terminal says that its ground is light; one that does not say is taken for dark.

    Must run before an app reads the keyboard.
    """
    return bool(is_light_ground(_ask(_QUESTIONS).decode("latin-1")))


def is_light_ground(answer: str) -> bool | None:
    """Return whether a terminal answers that its ground is light; None where that is not in the answer."""
    found = _GROUND.search(answer)
    if found is None:
        return None
    parts = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    light: float = sum(weight * part for weight, part in zip(_LUMA, parts, strict=True))
    return light > 0.5


@cache
def largest_sixel() -> tuple[int, int] | None:
    """Return the largest picture (width, height in pixels) that the terminal takes as Sixel data.

    xterm shows nothing at all of a larger one. None where the terminal does not say; ``image_protocol`` has it asked,
    since nothing can be once an app reads the keyboard.
    """
    found = _LARGEST.search(_ask(_SIXEL_QUESTIONS))
    return None if found is None or b"0" in found.groups() else (int(found[1]), int(found[2]))


def terminal_report() -> TerminalReport | None:
    """Return what the terminal says of itself, after a third of a second at most; None where there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    answer = _ask(_QUESTIONS)
    version = _NAME.search(answer)
    columns, lines = shutil.get_terminal_size()
    multiplexer = next((name for variable, name in _MULTIPLEXERS.items() if os.environ.get(variable)), None)
    return TerminalReport(
        name="" if version is None else version.group(1).decode("utf-8", "replace"),
        answers=_ATTRIBUTES.search(answer) is not None,
        protocol=_protocol(answer),
        knows_kitty=b"_Gi=4242;OK" in answer,
        true_color=_has_true_color(answer),
        multiplexer=multiplexer,
        passthrough=_tmux_passthrough() if multiplexer == "tmux" else None,
        size=(columns, lines),
    )


def _tmux_passthrough() -> str | None:
    """Return the option allow-passthrough of this pane of tmux; None where it does not say, as before 3.3."""
    return tmux_option("-Apv", "allow-passthrough")


def _protocol(answer: bytes) -> str:
    if b"_Gi=4242;OK" in answer and _has_placeholders(answer):
        return "kitty"
    attributes = _ATTRIBUTES.search(answer)
    return "sixel" if attributes is not None and b"4" in attributes.group(1).split(b";") else "halfblock"


def _has_placeholders(answer: bytes) -> bool:
    """Say whether the terminal names itself as one with Kitty's Unicode placeholders (kitty has them since 0.28)."""
    version = _VERSION.search(answer)
    if version is None:
        return False
    name, major, minor = version.groups()
    return name == b"ghostty" or (name == b"kitty" and (int(major or 0), int(minor or 0)) >= (0, 28))


@contextmanager
def hold_early_keys() -> Iterator[None]:
    """Let all keys wait for the app, unseen: until it reads them, the terminal takes Ctrl+Q and Ctrl+S for itself."""
    if os.name != "posix" or not sys.stdin.isatty():
        yield
        return
    import termios

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    held = [before[0] & ~termios.IXON, *before[1:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(keyboard, termios.TCSANOW, held)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(keyboard, termios.TCSANOW, before)


@cache
def _ask(questions: bytes) -> bytes:
    """Return the terminal's answers, as far as they come in time; empty when there is no terminal.

    It is asked once: it stays the same while a process runs, and over a slow line each question takes its time.
    """
    if os.name != "posix" or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return b""
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    answer = b""
    try:
        tty.setcbreak(keyboard, termios.TCSANOW)
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), questions)
        end = time.monotonic() + _ANSWER_S
        while (left := end - time.monotonic()) > 0 and not _ATTRIBUTES.search(answer):
            if select.select([keyboard], [], [], left)[0]:
                answer += os.read(keyboard, 1024)
    except OSError:
        return answer
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, before)
        _heard.extend(answer)
    return answer


def heard_early() -> bytes:
    """Return, once, what was heard while the terminal was asked: keys for the app, between answers."""
    found = bytes(_heard)
    _heard.clear()
    return found

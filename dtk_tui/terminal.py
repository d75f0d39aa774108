"""The terminal: what it can draw, how wide it is, and keeping native libraries from writing over the screen."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, TextIO

from dtk_tui.text import one_line

#: Preview protocols from best to plainest.
PROTOCOLS = ("kitty", "sixel", "halfblock", "text", "off")

# Kitty's protocol, the name (XTVERSION), the colour that it keeps of one of its ground (DECRQSS of SGR), and the colour
# of its own ground (OSC 11). Every terminal answers the last question (device attributes), so its answer also ends the
# wait for the others.
ASK_GROUND = "\x1b]11;?\x1b\\"
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
_TMUX_S = 2.0
#: What was heard while the terminal was asked: its answers, and among them what a person typed meanwhile.
_heard = bytearray()
_MULTIPLEXERS = {"TMUX": "tmux", "STY": "screen", "ZELLIJ": "zellij"}

#: Put the title of the window aside, and take it back (xterm's window operations).
KEEP_TITLE, GIVE_TITLE_BACK = "\x1b[22;2t", "\x1b[23;2t"
#: Ask to be told when the colours may have changed, by DSR 997, and no more (mode 2031). What DSR 997 says is whether
#: the desktop is light; the ground of the terminal need not be, and is asked for then.
TELL_COLORS, TELL_COLORS_NO_MORE = "\x1b[?2031h", "\x1b[?2031l"


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


def prepare_standard_streams() -> None:
    """Make the standard streams such that writing to them does no harm.

    The null device goes where one was closed, so that no file or socket gets its descriptor; a character that the
    terminal's encoding lacks becomes a question mark.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest descriptor that is free: this one
        if getattr(sys, name) is None:
            stream = _text_stream(descriptor, "w" if descriptor else "r")
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, TextIOWrapper):
            out.reconfigure(errors="replace")


def terminal_width(stream: TextIO) -> int | None:
    """Return how wide the terminal behind a stream is; None where there is none, or one that does not say."""
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def has_shell() -> bool:
    """Return whether a shell waits for this process: who is stopped without one is never continued.

    Such a shell is in the same session, and started the group of this process, of which it is no member (POSIX calls a
    group without one orphaned).
    """
    if os.name != "posix":
        return False
    group = os.getpgrp()
    parent = os.getppid()
    if group != os.getpid():  # started by a program that the shell started
        with suppress(OSError):
            stat = Path(f"/proc/{group}/stat").read_text(encoding="utf-8", errors="replace")
            parent = int(stat.rpartition(")")[2].split()[1])
    try:
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != group
    except OSError:
        return False


def window_title(words: str) -> str:
    """Return what gives the window of a terminal its title (OSC 2)."""
    return f"\x1b]2;{one_line(words, 100)}\x07"


def notification(how: str, title: str, words: str) -> str:
    """Return what lets a terminal tell the desktop something; in tmux it passes through where that is allowed.

    Args:
        how: ``osc9`` (iTerm2, Windows Terminal, kitty, WezTerm), or ``osc777`` (urxvt, foot, Ghostty, VTE).
    """
    title, words = one_line(title, 100).replace(";", ","), one_line(words, 300)
    told = f"\x1b]777;notify;{title};{words}\x07" if how == "osc777" else f"\x1b]9;{title}: {words}\x07"
    return f"\x1bPtmux;{told.replace(chr(27), chr(27) * 2)}\x1b\\" if os.environ.get("TMUX") else told


@contextmanager
def redirect_native_output(log_file: Path) -> Iterator[None]:
    """Send what native code writes to descriptors 1 and 2 to ``log_file`` while an app owns the screen.

    Python's own standard streams move to private duplicates of the terminal, so that the app can still draw and a
    traceback after its end is still seen. Everything is put back at the end.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    before = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    for stream in before:
        if stream is not None:
            stream.flush()
    saved = (os.dup(1), os.dup(2))
    streams = [_text_stream(descriptor) for descriptor in saved]
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout = sys.__stdout__ = streams[0]  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = streams[1]  # type: ignore[misc]
        yield
    finally:
        for text_stream in streams:
            with suppress(OSError):  # of a terminal that is gone
                text_stream.flush()
        sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = before  # type: ignore[misc]
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        os.close(log)
        for text_stream in streams:
            with suppress(OSError):
                text_stream.close()


def _text_stream(descriptor: int, mode: Literal["r", "w"] = "w") -> TextIOWrapper:
    return open(descriptor, mode, encoding="utf-8", errors="replace", closefd=True)


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
    return _tmux_option("-Apv", "allow-passthrough")


def is_clipboard_kept_by_tmux() -> bool:
    """Say whether tmux, where this runs in it, keeps what programs copy from the terminal around it."""
    return bool(os.environ.get("TMUX")) and _tmux_option("-sv", "set-clipboard") in {"external", "off"}


def _tmux_option(flags: str, name: str) -> str | None:
    ask = ["tmux", "show-options", flags, name]
    try:
        done = subprocess.run(
            ask, capture_output=True, text=True, timeout=_TMUX_S, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


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

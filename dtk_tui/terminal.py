"""The terminal: how wide it is, what it is told, and keeping native libraries from writing over the screen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, TextIO

from dtk_tui.text import one_line

#: Put the title of the window aside, and take it back (xterm's window operations).
KEEP_TITLE, GIVE_TITLE_BACK = "\x1b[22;2t", "\x1b[23;2t"
#: Ask to be told when the colours may have changed, by DSR 997, and no more (mode 2031). What DSR 997 says is whether
#: the desktop is light; the ground of the terminal need not be, and is asked for then.
TELL_COLORS, TELL_COLORS_NO_MORE = "\x1b[?2031h", "\x1b[?2031l"
#: The colour of its ground (OSC 11).
ASK_GROUND = "\x1b]11;?\x1b\\"
_TMUX_S = 2.0


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


def is_clipboard_kept_by_tmux() -> bool:
    """Say whether tmux, where this runs in it, keeps what programs copy from the terminal around it."""
    return bool(os.environ.get("TMUX")) and tmux_option("-sv", "set-clipboard") in {"external", "off"}


def tmux_option(flags: str, name: str) -> str | None:
    """Return an option of the tmux that this runs in; None where it does not say."""
    ask = ["tmux", "show-options", flags, name]
    try:
        done = subprocess.run(
            ask, capture_output=True, text=True, timeout=_TMUX_S, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None

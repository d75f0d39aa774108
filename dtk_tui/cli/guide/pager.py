"""Showing a long text on the terminal: through the pager of the person who reads it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from dtk_tui.cli.output import tell
from dtk_tui.errors import DtkError
from dtk_tui.text import cell_width, one_line

_CODES = re.compile(r"\x1b\[[0-9;]*m")


def show(text: str) -> None:
    """Show a text on the terminal behind stdout: through $PAGER, or less, where it does not fit its screen.

    It is printed where PAGER is empty or names nothing that can be run.

    Raises:
        DtkError: the pager failed.
    """
    command = _pager()
    if not command or _fits(text):
        tell(text.removesuffix("\n"))
        return
    # What Ctrl+C means is for the pager to say; a handler, unlike a signal that is ignored, does not pass on to it.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        pager = subprocess.Popen(
            command, stdin=subprocess.PIPE, text=True, encoding=sys.stdout.encoding, errors="replace"
        )
        _feed(pager, text)
    except OSError:
        tell(text.removesuffix("\n"))
        return
    finally:
        signal.signal(signal.SIGINT, before)
    if pager.returncode > 0:
        raise DtkError(
            f"The pager ended with status {pager.returncode}: {one_line(shlex.join(command), 300)}",
            "Name another in PAGER; with PAGER= the page is printed without one.",
        )


def _feed(pager: subprocess.Popen[str], text: str) -> None:
    """Give a pager its text and wait for its end; one that ends before it has read all is no failure."""
    try:
        pager.communicate(text)
    except KeyboardInterrupt:  # a signal that ends this process
        pager.terminate()
        raise


def _pager() -> list[str]:
    """Return the command of the pager; nothing where none is wanted, or PAGER cannot be understood."""
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:  # a quote that nobody closed
        return []
    if command and Path(command[0]).name == "less":
        command.insert(1, "-R")  # or it shows the codes of colours as signs
    return command


def _fits(text: str) -> bool:
    """Say whether a text and the line of the shell behind it have room on the terminal; also where it does not say."""
    try:
        columns, lines = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return True
    if not columns or not lines:
        return True
    needed = sum(max(1, -(-cell_width(_CODES.sub("", line)) // columns)) for line in text.splitlines())
    return needed < lines

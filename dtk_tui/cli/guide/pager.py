"""Showing a long text on the terminal: through the pager of the person who reads it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    with _signals_for_pager() as begin:
        try:
            pager = subprocess.Popen(
                command, stdin=subprocess.PIPE, text=True, encoding=sys.stdout.encoding, errors="replace"
            )
            begin(pager)
            pager.communicate(text)  # one that ends before it has read all is no failure
        except OSError:
            tell(text.removesuffix("\n"))
            return
    if pager.returncode > 0:
        raise DtkError(
            f"The pager ended with status {pager.returncode}: {one_line(shlex.join(command), 300)}",
            "Name another in PAGER; with PAGER= the page is printed without one.",
        )


@contextmanager
def _signals_for_pager() -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    """Leave Ctrl+C to the pager, and let what ends this process end the pager, too; give what is told of the pager.

    A signal that comes before it is told waits until then: it would leave a pager that nobody ends.
    """
    started: list[subprocess.Popen[str]] = []
    early: list[int] = []

    def end(number: int, frame: object) -> None:
        if not started:
            early.append(number)
            return
        started[0].terminate()
        signal.signal(number, before[number])
        signal.raise_signal(number)

    def begin(pager: subprocess.Popen[str]) -> None:
        started.append(pager)
        if early:
            end(early[0], None)

    # A handler, unlike a signal that is ignored, does not pass on to the pager.
    before: dict[int, Any] = {signal.SIGINT: signal.signal(signal.SIGINT, lambda number, frame: None)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            before[number] = signal.signal(number, end)
    try:
        yield begin
    finally:
        for changed, handler in before.items():
            signal.signal(changed, handler)
        if early and not started:  # there was no pager, and what ends this process still does
            signal.raise_signal(early[0])


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

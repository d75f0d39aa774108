"""Opening files in another program, by the command of the config."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from collections.abc import Sequence

from dtk_tui.errors import DtkError, UsageError

_PLACE = "{path}"
_SETTING = "[preview] open_with in config.toml"


def command_line(command: str, paths: Sequence[str]) -> list[str]:
    """Return the program and its arguments for some files: in place of ``{path}``, else behind the others.

    No shell reads it, so that a name of a file is a name and nothing else.

    Raises:
        UsageError: the command cannot be read as one.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"{_SETTING} is no command: {error}.", "Close its quotes.") from None
    if not words:
        raise UsageError(f"{_SETTING} is empty.", 'Name a program there, like open_with = "gimp".')
    if _PLACE not in words:
        words.append(_PLACE)
    return [part for word in words for part in (paths if word == _PLACE else (word,))]


def open_with(command: str, paths: Sequence[str]) -> str:
    """Start another program for some files and go on without it; return its name.

    Args:
        command: of the config; see ``command_line``.
        paths: absolute, as ``os.fsdecode`` gives them.

    Raises:
        DtkError: a file is not there, or the program is not, or cannot be started.
        UsageError: the command cannot be read as one.
    """
    line = command_line(command, paths)
    for path in paths:
        if not os.path.exists(path):  # noqa: PTH110 (a name may hold bytes that are not UTF-8)
            raise DtkError("The file is not there (any more).", path)
    try:
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # it goes on when this program ends, and never writes over the screen
        )
    except FileNotFoundError:
        raise DtkError(f"There is no program {line[0]!r} here.", f"{_SETTING} names another one.") from None
    except (OSError, ValueError) as error:
        raise DtkError(f"{line[0]!r} cannot be started.", f"{error}. {_SETTING} names another one.") from None
    threading.Thread(target=process.wait, name="dtk-opened", daemon=True).start()  # or it stays as a zombie
    return line[0]

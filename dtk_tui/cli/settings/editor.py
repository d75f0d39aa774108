"""Letting a person edit a text in the editor of their choice."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from dtk_tui.errors import DtkError
from dtk_tui.text import one_line

_LARGEST = 1_000_000


def edit_text(text: str, suffix: str) -> str:
    """Open a text in $VISUAL, $EDITOR or vi, in a file that only its owner may read, and return what it is afterwards.

    Raises:
        DtkError: there is no such editor, it failed, or what it left is no text.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    descriptor, name = tempfile.mkstemp(prefix="dtk-", suffix=suffix)
    file = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        status = subprocess.run([*shlex.split(command), name], check=False).returncode
        if status:
            raise DtkError(f"The editor ended with status {status}; nothing was changed.", one_line(command, 300))
        with file.open("rb") as left:
            return left.read(_LARGEST).decode("utf-8")
    except (OSError, ValueError) as error:  # of text that is not UTF-8, of a quote that nobody closed
        title = f"The editor cannot be used: {one_line(command, 300)}"
        raise DtkError(title, f"{error}. Name another: EDITOR=nano dtk config edit") from error
    finally:
        file.unlink(missing_ok=True)

"""Writing a file in one step: whoever reads it finds the old content or the new one, and never a part of it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

#: How the name of a file begins that was not finished; what a killed process left is told by it.
UNFINISHED = ".dtk-new-"


def write_whole(path: str | Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file beside its place and move it there; a link is replaced, not followed.

    Args:
        mode: the permissions that it gets.

    Raises:
        OSError: the disk is full or away, or the folder may not be written to; nothing is left behind.
    """
    folder = os.path.dirname(path) or "."  # noqa: PTH120 (a name may hold bytes that are not UTF-8)
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise

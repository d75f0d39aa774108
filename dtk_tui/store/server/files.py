"""Opening files to write in folders that another user may write to as well.

Root works in the data folder of the server's account, and beside it in the home of whoever made the library: a link
that someone put there must not lead what root writes, or gives away, to another file.
"""

from __future__ import annotations

import os
from pathlib import Path

_OURS = 0o600


def create(path: Path) -> int:
    """Return the descriptor, for writing, of a new file of mode 0600; a file or link of that name is taken away.

    Raises:
        OSError: the file cannot be made, or somebody else was quicker to make one.
    """
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _OURS)


def append(path: Path) -> int:
    """Return the descriptor of a file to write on at its end, made with mode 0600 where there is none.

    Raises:
        OSError: the file cannot be opened; ELOOP when it is a link.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, _OURS)

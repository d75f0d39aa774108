"""Where thumbnails are kept."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from dtk_tui.config import AppPaths

#: What the folder was called before it had a name that scans leave out.
_SCANNED_NAME = "thumbnails"


def thumbnails_folder(paths: AppPaths) -> Path:
    """Return the folder of thumbnails, after one of the older name became it; call it before a scan looks around."""
    folder = paths.thumbnails
    older = folder.with_name(_SCANNED_NAME)
    with suppress(OSError):  # there is none, or thumbnails are in the folder already
        if older.is_dir():
            older.rename(folder)
    return folder

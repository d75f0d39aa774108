"""Which files of a model were found right, so that each is read for that once and not at every start.

A file counts as the one that was read while its size, its time and the checksum that is expected of it are the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dtk_tui.atomic_file import write_whole

RECORD = "verified.json"

Entry = tuple[int, int, str]
"""Size in bytes, time of the last change in ns, expected sha256 (hex)."""


def entry_of(path: Path, sha256: str) -> Entry:
    """Return what a file is recognised by; raises OSError where there is none."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, sha256


def read(home: Path) -> dict[str, Entry]:
    """Return the entries of a model's folder by the path of the file; empty where there are none."""
    try:
        raw = json.loads((home / RECORD).read_text(encoding="utf-8"))
        return {str(name): (int(size), int(time), str(sha256)) for name, (size, time, sha256) in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write(home: Path, entries: Mapping[str, Entry]) -> None:
    """Keep the entries; where the folder may not be written to, the files are read again the next time."""
    with suppress(OSError):
        write_whole(home / RECORD, json.dumps(entries, indent=1, sort_keys=True).encode(), 0o644)

"""BMP: the size; the format has no place for texts."""

from __future__ import annotations

from dtk_tui.metadata.containers.picture import Picture
from dtk_tui.metadata.source import Source

_INFO_HEADERS = frozenset({40, 52, 56, 64, 108, 124})


def is_bmp(head: bytes) -> bool:
    """Return whether ``head`` begins a BMP: its two letters alone begin many texts."""
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _INFO_HEADERS | {12}


def read(source: Source, picture: Picture) -> None:
    """Take the size of a BMP."""
    head = source.head[:26]
    if len(head) < 26:
        picture.problems.append("The BMP is cut short.")
    elif int.from_bytes(head[14:18], "little") == 12:
        picture.width = int.from_bytes(head[18:20], "little") or None
        picture.height = int.from_bytes(head[20:22], "little") or None
    else:
        picture.width = abs(int.from_bytes(head[18:22], "little", signed=True)) or None
        picture.height = abs(int.from_bytes(head[22:26], "little", signed=True)) or None

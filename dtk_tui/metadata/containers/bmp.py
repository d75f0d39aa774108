"""BMP: the size; the format has no place for texts."""

from __future__ import annotations

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers.reading import ContainerReading

_INFO_HEADERS = frozenset({40, 52, 56, 64, 108, 124})


def is_bmp(head: bytes) -> bool:
    """Return whether ``head`` begins a BMP: its two letters alone begin many texts."""
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _INFO_HEADERS | {12}


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take the size of a BMP."""
    head = file.head[:26]
    if len(head) < 26:
        reading.problems.append("The BMP is cut short.")
    elif int.from_bytes(head[14:18], "little") == 12:
        reading.width = int.from_bytes(head[18:20], "little") or None
        reading.height = int.from_bytes(head[20:22], "little") or None
    else:
        reading.width = abs(int.from_bytes(head[18:22], "little", signed=True)) or None
        reading.height = abs(int.from_bytes(head[22:26], "little", signed=True)) or None

"""OpenEXR (openexr.com, "OpenEXR File Layout"): the size and the string attributes of the first header."""

from __future__ import annotations

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

SIGNATURE = b"v/1\x01"
_ATTRIBUTE_LIMIT = 2000
_NAME_BYTES = 256
_BOX_BYTES = 16


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take the size of the display window and all texts; the pixels behind the header are not looked at."""
    position = 8
    for _ in range(_ATTRIBUTE_LIMIT):
        head = file.read(position, 2 * _NAME_BYTES + 4)
        if head[:1] == b"\0":
            return
        name, first, rest = head.partition(b"\0")
        kind, second, rest = rest.partition(b"\0")
        if not (first and second) or len(rest) < 4:
            reading.problems.append("The EXR header is cut short.")
            return
        size = int.from_bytes(rest[:4], "little", signed=True)
        start = position + len(name) + len(kind) + 6
        position = start + size
        if size < 0 or position > file.size:
            reading.problems.append("The EXR header is damaged.")
            return
        if kind == b"string" and size > TEXT_LIMIT_BYTES:
            reading.problems.append(f"The attribute {decode(name)} is too large and was not read.")
        elif kind == b"string" and size:
            reading.add("exr", decode(name), decode(file.read(start, size).rstrip(b"\0")))
        elif kind == b"box2i" and size == _BOX_BYTES and name in (b"dataWindow", b"displayWindow"):
            _size(file.read(start, size), reading, is_shown=name == b"displayWindow")
    reading.problems.append("The EXR header has too many attributes.")


def _size(window: bytes, reading: ContainerReading, *, is_shown: bool) -> None:
    """Take the size of a window (left, top, right, bottom, all included); what is shown goes before what is stored."""
    left, top, right, bottom = (int.from_bytes(window[at : at + 4], "little", signed=True) for at in (0, 4, 8, 12))
    width, height = right - left + 1, bottom - top + 1
    if (is_shown or reading.width is None) and 0 < width < 2**31 and 0 < height < 2**31:
        reading.width, reading.height = width, height

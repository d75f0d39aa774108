"""GIF89a: comments and XMP among the extension blocks; picture data is skipped, not decoded."""

from __future__ import annotations

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import ContainerReading

SIGNATURES = (b"GIF87a", b"GIF89a")
_WINDOW_BYTES = 1024 * 1024
_XMP = b"XMP DataXMP"


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and texts of a GIF; only its first MiB is looked at, since writers put comments before the pictures."""
    head = file.head[:13]
    if len(head) < 13:
        reading.problems.append("The GIF is cut short.")
        return
    reading.width = int.from_bytes(head[6:8], "little") or None
    reading.height = int.from_bytes(head[8:10], "little") or None
    data = file.head if file.size <= len(file.head) else file.read(0, min(file.size, _WINDOW_BYTES))
    position = 13 + (3 << (head[10] & 7) + 1 if head[10] & 0x80 else 0)
    while position < len(data):
        kind = data[position]
        if kind == 0x3B:
            return
        if kind == 0x2C and position + 10 <= len(data):
            flags = data[position + 9]
            position = _end_of_sub_blocks(data, position + 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
        elif kind == 0x21 and position + 2 <= len(data):
            position = _extension(data, position, reading)
        else:
            reading.problems.append(f"The GIF is damaged at byte {position}.")
            return
    if len(data) >= file.size:
        reading.problems.append("The GIF is cut short.")


def _extension(data: bytes, position: int, reading: ContainerReading) -> int:
    """Keep a comment or XMP; return where the next block begins."""
    label = data[position + 1]
    end = _end_of_sub_blocks(data, position + 2)
    if label == 0xFE:
        reading.add("gif-comment", "Comment", decode(_sub_blocks(data, position + 2).rstrip(b"\0")))
    elif label == 0xFF and data[position + 3 : position + 14] == _XMP:
        # XMP stands there unblocked; a "magic trailer" of 258 bytes lets readers of blocks find its end.
        stop = data.find(b"\x01\xff\xfe", position + 14)
        if stop > 0:
            reading.add("xmp", "xmp", decode(data[position + 14 : stop]))
    return end


def _end_of_sub_blocks(data: bytes, position: int) -> int:
    """Return where a chain of sub-blocks ends."""
    while position < len(data):
        length = data[position]
        position += 1 + length
        if length == 0:
            break
    return position


def _sub_blocks(data: bytes, position: int) -> bytes:
    """Return the content of a chain of sub-blocks."""
    parts = []
    while position < len(data) and (length := data[position]):
        parts.append(data[position + 1 : position + 1 + length])
        position += 1 + length
    return b"".join(parts)

"""WebP (RFC 9649), still and animated: size from the first frame header, EXIF and XMP from their chunks."""

from __future__ import annotations

import struct

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers import exif
from dtk_tui.metadata.containers.decoding import decode
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

_CHUNK_LIMIT = 50_000


def is_webp(head: bytes) -> bool:
    """Return whether ``head`` begins a WebP file."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def read(file: BoundedFile, reading: ContainerReading) -> None:
    """Take size and texts of a WebP."""
    offset = 12
    for _ in range(_CHUNK_LIMIT):
        header = file.read(offset, 8)
        if len(header) < 8:
            if offset < file.size and header.strip(b"\0"):
                reading.problems.append("The WebP is cut short.")
            return
        kind, length = struct.unpack("<4sI", header)
        if kind in (b"EXIF", b"XMP "):
            _text(file, reading, kind, offset + 8, length)
        elif reading.width is None and kind in (b"VP8X", b"VP8 ", b"VP8L"):
            _size(reading, kind, file.read(offset + 8, min(length, 10)))
        if kind == b"VP8L":
            reading.hidden = "webp"
        elif kind == b"ANMF":
            reading.hidden = None
        offset += 8 + length + (length & 1)
        if offset > file.size + 1:
            reading.problems.append("The WebP is cut short.")
            return
        if offset >= file.size:
            return
    reading.problems.append("The WebP has too many chunks.")


def _text(file: BoundedFile, reading: ContainerReading, kind: bytes, offset: int, length: int) -> None:
    """Keep an EXIF or XMP chunk, or say why it is lost."""
    name = kind.decode().strip()
    if length > TEXT_LIMIT_BYTES:
        reading.problems.append(f"The {name} chunk of {length:,} bytes is too large and was not read.")
        return
    data = file.read(offset, length)
    if len(data) < length:
        reading.problems.append(f"The {name} chunk is cut short.")
    if kind == b"EXIF":
        exif.read(data.removeprefix(b"Exif\0\0"), reading)
    else:
        reading.add("xmp", "xmp", decode(data.rstrip(b"\0")))


def _size(reading: ContainerReading, kind: bytes, data: bytes) -> None:
    """Take the canvas or frame size."""
    if len(data) < 5 or (kind != b"VP8L" and len(data) < 10):
        reading.problems.append("The WebP header is damaged.")
        return
    if kind == b"VP8X":
        reading.width = 1 + int.from_bytes(data[4:7], "little")
        reading.height = 1 + int.from_bytes(data[7:10], "little")
    elif kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        reading.width = 1 + (bits & 0x3FFF)
        reading.height = 1 + (bits >> 14 & 0x3FFF)
    elif data[3:6] == b"\x9d\x01\x2a":
        reading.width = (int.from_bytes(data[6:8], "little") & 0x3FFF) or None
        reading.height = (int.from_bytes(data[8:10], "little") & 0x3FFF) or None

"""WebP (RFC 9649), still and animated: size from the first frame header, EXIF and XMP from their chunks."""

from __future__ import annotations

import struct

from dtk_tui.metadata.containers import exif
from dtk_tui.metadata.containers.picture import TEXT_LIMIT_BYTES, Picture, decode
from dtk_tui.metadata.source import Source

_CHUNK_LIMIT = 50_000


def is_webp(head: bytes) -> bool:
    """Return whether ``head`` begins a WebP file."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def read(source: Source, picture: Picture) -> None:
    """Take size and texts of a WebP."""
    offset = 12
    for _ in range(_CHUNK_LIMIT):
        header = source.read(offset, 8)
        if len(header) < 8:
            if offset < source.size and header.strip(b"\0"):
                picture.problems.append("The WebP is cut short.")
            return
        kind, length = struct.unpack("<4sI", header)
        if kind in (b"EXIF", b"XMP "):
            _text(source, picture, kind, offset + 8, length)
        elif picture.width is None and kind in (b"VP8X", b"VP8 ", b"VP8L"):
            _size(picture, kind, source.read(offset + 8, min(length, 10)))
        if kind == b"VP8L":
            picture.hidden = "webp"
        elif kind == b"ANMF":
            picture.hidden = None
        offset += 8 + length + (length & 1)
        if offset > source.size + 1:
            picture.problems.append("The WebP is cut short.")
            return
        if offset >= source.size:
            return
    picture.problems.append("The WebP has too many chunks.")
    return


def _text(source: Source, picture: Picture, kind: bytes, offset: int, length: int) -> None:
    """Keep an EXIF or XMP chunk, or say why it is lost."""
    name = kind.decode().strip()
    if length > TEXT_LIMIT_BYTES:
        picture.problems.append(f"The {name} chunk of {length:,} bytes is too large and was not read.")
        return
    data = source.read(offset, length)
    if len(data) < length:
        picture.problems.append(f"The {name} chunk is cut short.")
    if kind == b"EXIF":
        exif.read(data.removeprefix(b"Exif\0\0"), picture)
    else:
        picture.add("xmp", "xmp", decode(data.rstrip(b"\0")))


def _size(picture: Picture, kind: bytes, data: bytes) -> None:
    """Take the canvas or frame size."""
    if len(data) < 5 or (kind != b"VP8L" and len(data) < 10):
        picture.problems.append("The WebP header is damaged.")
        return
    if kind == b"VP8X":
        picture.width = 1 + int.from_bytes(data[4:7], "little")
        picture.height = 1 + int.from_bytes(data[7:10], "little")
    elif kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        picture.width = 1 + (bits & 0x3FFF)
        picture.height = 1 + (bits >> 14 & 0x3FFF)
    elif data[3:6] == b"\x9d\x01\x2a":
        picture.width = (int.from_bytes(data[6:8], "little") & 0x3FFF) or None
        picture.height = (int.from_bytes(data[8:10], "little") & 0x3FFF) or None

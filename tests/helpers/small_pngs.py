"""Many tiny real PNGs, written as fast as the disk takes them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from tests.helpers.pictures import infotext


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_HEAD = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0))
_TAIL = _chunk(b"IDAT", zlib.compress((b"\0" + bytes(96)) * 32)) + _chunk(b"IEND", b"")


def png(prompt: str, seed: int) -> bytes:
    """Return a PNG of 32x32 pixels with AUTOMATIC1111 parameters."""
    return _HEAD + _chunk(b"tEXt", b"parameters\0" + infotext(prompt, seed).encode("latin-1")) + _TAIL


def write(folder: Path, numbers: Sequence[int]) -> list[Path]:
    """Write one PNG a number, each with other parameters, in a folder that is made."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.png" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        path.write_bytes(png(f"subject {number % 37}", number))
    return paths

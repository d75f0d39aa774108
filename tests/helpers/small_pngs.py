"""Many tiny real PNGs, written as fast as the disk takes them."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from tests.helpers.pictures import infotext


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0))
_TAIL = _chunk(b"IDAT", zlib.compress((b"\0" + bytes(96)) * 32)) + _chunk(b"IEND", b"")


def png(prompt: str, seed: int) -> bytes:
    """Return a black PNG of 32x32 pixels with AUTOMATIC1111 parameters."""
    return _HEAD + _text(prompt, seed) + _TAIL


def _text(prompt: str, seed: int) -> bytes:
    return _chunk(b"tEXt", b"parameters\0" + infotext(prompt, seed).encode("latin-1"))


def squares(prompt: str, seed: int, side: int) -> bytes:
    """Return a PNG of eight by eight grey squares that depend on the seed alone: at another size it looks alike."""
    greys, each = hashlib.blake2b(struct.pack(">q", seed)).digest(), side // 8
    rows = [b"\0" + b"".join([bytes([grey]) * each for grey in greys[at : at + 8]]) for at in range(0, 64, 8)]
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(b"".join([row * each for row in rows]), 1))
    return _SIGNATURE + head + _text(prompt, seed) + pixels + _chunk(b"IEND", b"")


def write(folder: Path, numbers: Sequence[int], side: int | None = None) -> list[Path]:
    """Write one PNG a number, each with other parameters, in a folder that is made; with a ``side``, ``squares``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.png" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        prompt = f"subject {number % 37}"
        path.write_bytes(png(prompt, number) if side is None else squares(prompt, number, side))
    return paths

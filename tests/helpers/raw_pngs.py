"""PNG files of every kind, written by hand: colour types, depths, filters, interlacing, other chunks."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Channels and depths by colour type (W3C PNG, third edition, table 8).
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
#: First column, first row, step across and step down of each pass of Adam7.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(
    colour: int,
    depth: int,
    size: tuple[int, int] = (37, 23),
    *,
    interlaced: bool = False,
    before: Sequence[bytes] = (),
    after: Sequence[bytes] = (),
    pieces: int = 3,
    seed: int = 0,
) -> bytes:
    """Return a PNG of random samples, each row with a random filter.

    Args:
        before, after: chunks around the pixels.
        pieces: into so many chunks the pixels are cut.
    """
    chance = np.random.default_rng(seed)
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    rows = bytearray()
    for left, top, across, down in passes:
        width, height = -(-(size[0] - left) // across), -(-(size[1] - top) // down)
        if width <= 0 or height <= 0:
            continue
        row_bytes = -(-width * CHANNELS[colour] * depth // 8)
        filtered = chance.integers(0, 256, (height, 1 + row_bytes), np.uint8)
        filtered[:, 0] = chance.integers(0, 5, height)
        rows += filtered.tobytes()
    packed = zlib.compress(bytes(rows), int(chance.integers(0, 10)))
    step = max(1, -(-len(packed) // pieces))
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, int(interlaced))
    palette = [chunk(b"PLTE", chance.bytes(3 << depth))] if colour == 3 else []
    pixels = [chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    parts = (SIGNATURE, chunk(b"IHDR", header), *palette, *before, *pixels, *after, chunk(b"IEND", b""))
    return b"".join(parts)


def transparency(colour: int, depth: int, seed: int = 0) -> bytes:
    """Return a tRNS chunk: one colour that is clear, or how opaque the first colours of a palette are."""
    chance = np.random.default_rng(seed)
    if colour == 3:
        return chunk(b"tRNS", chance.bytes(1 << (depth - 1)))
    values = [int(value) for value in chance.integers(0, 1 << depth, CHANNELS[colour])]
    return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))

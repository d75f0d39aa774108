"""The header of a JPEG XL codestream (ISO/IEC 18181-1, 2): size and orientation, bare or in a container."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_HEADER_BYTES = 64
_BOX_LIMIT = 1000
# Bits of a side in the long form of a size, and what the ratios 1 to 7 make of the height (18181-1, table 8).
_SIDE_BITS = (9, 13, 18, 30)
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))

Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class JpegXlHeader:
    """What a codestream says of its picture.

    Attributes:
        width, height: pixels as shown.
        orientation: 1 to 8 as EXIF counts; decoders have applied it.
    """

    width: int
    height: int
    orientation: int


def read_header(read: Read) -> JpegXlHeader | None:
    """Return the header of a JPEG XL file, or None when it has none that can be read.

    Args:
        read: returns up to so many bytes (second argument) from an offset (first argument).
    """
    if read(0, 2) == CODESTREAM:
        return parse(read(0, _HEADER_BYTES))
    at = 0
    for _ in range(_BOX_LIMIT):
        head = read(at, 16)
        size, kind, inner = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if size == 1:
            size, inner = int.from_bytes(head[8:], "big"), at + 16
        if kind in (b"jxlc", b"jxlp"):
            # A part begins with its number.
            return parse(read(inner if kind == b"jxlc" else inner + 4, _HEADER_BYTES))
        if size < inner - at:
            return None
        at += size
    return None


def parse(data: bytes) -> JpegXlHeader | None:
    """Return the header at the beginning of a codestream (64 bytes are enough), or None."""
    if not data.startswith(CODESTREAM):
        return None
    bits = _Bits(data[len(CODESTREAM) :])
    try:
        is_small = bits.take(1)
        height = _side(bits, is_small)
        ratio = bits.take(3)
        width = height * _RATIOS[ratio - 1][0] // _RATIOS[ratio - 1][1] if ratio else _side(bits, is_small)
        is_default = bits.take(1)
        orientation = bits.take(3) + 1 if not is_default and bits.take(1) else 1
    except ValueError:
        return None
    return JpegXlHeader(*((height, width) if orientation >= 5 else (width, height)), orientation)


class _Bits:
    """Reads numbers of a codestream, the lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self.bits = int.from_bytes(data, "little")
        self.left = len(data) * 8

    def take(self, count: int) -> int:
        """Return the next ``count`` bits as a number; raises ValueError at the end of the data."""
        if count > self.left:
            raise ValueError("cut short")
        value = self.bits & (1 << count) - 1
        self.bits >>= count
        self.left -= count
        return value


def _side(bits: _Bits, is_small: int) -> int:
    return (bits.take(5) + 1) * 8 if is_small else bits.take(_SIDE_BITS[bits.take(2)]) + 1

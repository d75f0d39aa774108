"""Which PNG files a fast decoder may take: those of which it gives the pixels that Pillow gives, bit by bit.

A PNG is a signature and chunks (length, kind, data, CRC-32; W3C PNG, third edition). Pillow keeps everything that is
rare, and everything that is broken: it says what is wrong with it.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Signature and header chunk.
HEAD_BYTES = 33

#: Channels by colour type, of those with 8 bits a channel that the decoder gives as they are.
_CHANNELS = {0: 1, 2: 3, 6: 4}
#: Kinds that change what is seen, or whose text does: animation, transparency, orientation; and profiles, which Pillow
#: unpacks within a bound.
_PILLOWS = {b"tRNS", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"iCCP", b"zTXt", b"IHDR"}
#: Kinds that Pillow understands, with the length that it needs.
_LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9}
#: Keywords of texts that may tell how a picture is turned.
_TURNING = (b"Raw profile type", b"XML:com.adobe.xmp")


@dataclass(frozen=True, slots=True)
class PngHeader:
    """The header of a PNG that a fast decoder may take; sizes in pixels."""

    width: int
    height: int
    channels: int


def header_of(head: bytes) -> PngHeader | None:
    """Return the header of a file that begins with ``head`` (33 bytes); None when it is for Pillow."""
    if len(head) < HEAD_BYTES or not head.startswith(SIGNATURE + b"\0\0\0\x0dIHDR"):
        return None
    width, height, depth, colour, compression, filtering, interlace, crc = struct.unpack_from(">IIBBBBBI", head, 16)
    channels = _CHANNELS.get(colour)
    if channels is None or depth != 8 or compression or filtering or interlace or not width or not height:
        return None
    return PngHeader(width, height, channels) if zlib.crc32(head[12:29]) == crc else None


def without_ancillary_chunks(data: bytes) -> bytes | None:
    """Return a PNG of the same pixels without texts and the like; None when it is for Pillow.

    What strangers wrote beside the pixels never comes to the decoder, which would unpack it without a bound.

    Args:
        data: a whole file whose header ``header_of`` has taken.
    """
    view = memoryview(data)
    kept = [view[:HEAD_BYTES]]
    at, is_before, is_within = HEAD_BYTES, True, False
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            return None
        if kind == b"IEND":
            kept.append(view[at:end])
            return None if is_before else b"".join(kept)
        if kind == b"IDAT":
            if not is_before and not is_within:
                return None
            kept.append(view[at:end])
            is_before, is_within = False, True
        else:
            is_within = False
            if not _is_harmless(kind, view[at + 8 : end - 4]):
                return None
            if is_before and zlib.crc32(view[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
                return None
        at = end
    return None


def _is_harmless(kind: bytes, content: memoryview) -> bool:
    """Say whether Pillow passes over a chunk, or takes nothing from it that changes what is seen."""
    if not kind.isalpha() or kind in _PILLOWS:
        return False
    if kind in _LENGTHS:
        return len(content) == _LENGTHS[kind]
    if kind in (b"tEXt", b"iTXt"):
        keyword, _, rest = bytes(content[:100]).partition(b"\0")
        is_packed = kind == b"iTXt" and rest[:1] != b"\0"
        return not is_packed and not keyword.startswith(_TURNING)
    return kind == b"PLTE" or kind[:1].islower()

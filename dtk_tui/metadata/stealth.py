"""Texts hidden in the least significant bits of the pixels (stealth_pnginfo), found without decoding the whole picture.

The bits run down the columns (x outer, y inner): a signature of 15 bytes, the length of the text in bits (32 bits, big
endian), the text, gzipped where the signature ends in ``comp``. ``png`` signatures use the alpha channel, ``rgb`` ones
red, green and blue in turn. Format: github.com/ashen-sensored/sd_webui_stealth_pnginfo, NovelAI/novelai-image-metadata.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dtk_tui.metadata.bounded_file import BoundedFile
from dtk_tui.metadata.containers.decoding import inflate
from dtk_tui.metadata.containers.reading import TEXT_LIMIT_BYTES, ContainerReading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIGNATURE_BYTES = 15
_ALPHA, _RGB = (b"stealth_pnginfo", b"stealth_pngcomp"), (b"stealth_rgbinfo", b"stealth_rgbcomp")
# What the two signatures of a kind have in common.
_ALPHA_BITS = [byte >> (7 - bit) & 1 for byte in b"stealth_png" for bit in range(8)]
_RGB_BITS = [byte >> (7 - bit) & 1 for byte in b"stealth_rgb" for bit in range(8)]
_PIXEL_LIMIT = 48_000_000
_FILE_LIMIT_BYTES = 256 * 1024 * 1024
_CHUNK_LIMIT = 10_000
_FEED_BYTES = 16 * 1024
_ROWS_LIMIT_BYTES = 8 * 1024 * 1024


def find(file: BoundedFile, reading: ContainerReading) -> None:
    """Add the text hidden in a PNG or lossless WebP to ``picture``, as a chunk of source ``stealth``."""
    pixels = (reading.width or 0) * (reading.height or 0)
    if not 0 < pixels <= _PIXEL_LIMIT:
        return
    if reading.hidden == "png" and not _may_hide(file, reading):
        return
    found = _decode(file)
    if found is None:
        return
    for bits, signatures in _bit_planes(found):
        result = _text(bits, signatures)
        if result is not None:
            signature, text = result
            if text is None:
                reading.problems.append("The text hidden in the pixels is damaged.")
            else:
                reading.add("stealth", signature, text)
            return


def _may_hide(file: BoundedFile, reading: ContainerReading) -> bool:
    """Return whether the first column of a PNG begins with a signature: a few rows tell in nearly every picture."""
    offset = 8
    channels = 0
    for _ in range(_CHUNK_LIMIT):
        header = file.read(offset, 8)
        if len(header) < 8:
            return False
        length, kind = struct.unpack(">I4s", header)
        if kind == b"IHDR":
            channels = 4 if file.read(offset + 8, 10)[9:10] == b"\x06" else 3
        elif kind == b"IDAT":
            break
        offset += 12 + length
    width, height = reading.width or 0, reading.height or 0
    stride = 1 + width * channels
    rows = min(height, len(_ALPHA_BITS), _ROWS_LIMIT_BYTES // stride)
    above = [0] * channels
    is_alpha, is_rgb = channels == 4, True
    for index, row in enumerate(_rows(file, offset, stride, rows)):
        pixel = _first_pixel(row, above, channels)
        if pixel is None:
            return False
        is_alpha = is_alpha and pixel[-1] & 1 == _ALPHA_BITS[index]
        wanted = _RGB_BITS[index * 3 : index * 3 + 3]
        is_rgb = is_rgb and [value & 1 for value in pixel[: len(wanted)]] == wanted
        if not (is_alpha or is_rgb):
            return False
        above = pixel
    return True


def _first_pixel(row: bytes, above: list[int], channels: int) -> list[int] | None:
    """Return the first pixel of a filtered row: with nothing to its left, it depends on the pixel above alone."""
    kind, raw = row[0], row[1 : 1 + channels]
    if kind in (0, 1):
        return list(raw)
    if kind in (2, 4):
        return [value + up & 0xFF for value, up in zip(raw, above, strict=True)]
    if kind == 3:
        return [value + (up >> 1) & 0xFF for value, up in zip(raw, above, strict=True)]
    return None


def _rows(file: BoundedFile, offset: int, stride: int, amount: int) -> Iterator[bytes]:
    """Yield the first rows of a PNG, still filtered, inflating no more than is asked for; fewer from damaged data."""
    data = bytearray()
    engine = zlib.decompressobj()
    for piece in _pieces(file, offset):
        pending = piece
        while pending:
            try:
                data += engine.decompress(pending, stride)
            except zlib.error:
                return
            pending = engine.unconsumed_tail
            while len(data) >= stride and amount > 0:
                yield bytes(data[:stride])
                del data[:stride]
                amount -= 1
            if amount == 0:
                return


def _pieces(file: BoundedFile, offset: int) -> Iterator[bytes]:
    """Yield the picture data of a PNG in small pieces."""
    while len(header := file.read(offset, 8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if kind != b"IDAT":
            return
        for start in range(0, length, _FEED_BYTES):
            piece = file.read(offset + 8 + start, min(_FEED_BYTES, length - start))
            if not piece:
                return
            yield piece
        offset += 12 + length


def _decode(file: BoundedFile) -> NDArray[np.uint8] | None:
    """Return the pixels, shape (height, width, channels), or None when they cannot be decoded."""
    import numpy as np
    from PIL import Image

    if file.size > _FILE_LIMIT_BYTES:
        return None
    try:
        # Not the file itself: Pillow asks for as many bytes as a chunk claims, and a file makes room for all of them.
        with io.BytesIO(os.pread(file.fd, file.size, 0)) as stream:
            with Image.open(stream, formats=("PNG", "WEBP")) as image:
                if image.mode not in ("RGB", "RGBA"):
                    return None
                return np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, zlib.error, struct.error):
        return None


def _bit_planes(pixels: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], tuple[bytes, ...]]]:
    """Yield the bytes down the columns, of alpha and of the colours, with their signatures."""
    if pixels.shape[2] == 4:
        yield pixels[:, :, 3].T.reshape(-1), _ALPHA
    yield pixels[:, :, :3].transpose(1, 0, 2).reshape(-1), _RGB


def _text(bits: NDArray[np.uint8], signatures: tuple[bytes, ...]) -> tuple[str, str | None] | None:
    """Return (signature, text) when the lowest bits begin with one of ``signatures``; the text is None if damaged."""
    import numpy as np

    start = _SIGNATURE_BYTES * 8
    signature = np.packbits(bits[:start] & 1).tobytes()
    if signature not in signatures:
        return None
    length = int.from_bytes(np.packbits(bits[start : start + 32] & 1).tobytes(), "big")
    body = bits[start + 32 : start + 32 + length]
    name = signature.decode("ascii")
    if len(body) < length or length > TEXT_LIMIT_BYTES * 8 or length % 8:
        return name, None
    data: bytes | None = np.packbits(body & 1).tobytes()
    if name.endswith("comp"):
        data = inflate(data or b"", 31)
    try:
        return name, None if data is None else data.decode()
    except UnicodeDecodeError:
        return name, None

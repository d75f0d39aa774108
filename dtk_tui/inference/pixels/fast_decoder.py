"""Decoders that are faster than Pillow, for files of which they give the same pixels, bit by bit.

libspng takes plain PNG files. benchmarks/compare_decoders.py compares the pixels, and says how much faster it is. The
library is an import of its own, made by the first picture; where it is missing, Pillow decodes everything.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from PIL import Image

from dtk_tui.inference.pixels import png

#: So much beside the pixels (texts, checksums) is read at once; what is larger goes to Pillow, chunk by chunk.
_BESIDE_BYTES = 64 << 20


@cache
def _imagecodecs() -> Any:
    """Return the library; None where it is not installed, or does not load."""
    try:
        import imagecodecs
    except ImportError:
        return None
    return imagecodecs


def decode(path: str) -> Image.Image | None:
    """Decode a file to L, RGB or RGBA; None when it is for Pillow, whatever the reason.

    It has no orientation and no second frame.

    Args:
        path: as ``os.fsdecode`` gives it.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(png.HEAD_BYTES)
        header = png.header_of(head)
        if header is None or header.width * header.height > (Image.MAX_IMAGE_PIXELS or 0):
            return None
        most = header.width * header.height * header.channels + _BESIDE_BYTES
        data = head + file.read(most)
        if len(data) > most:
            return None
    pixels = png.without_ancillary_chunks(data)
    library = _imagecodecs()
    if pixels is None or library is None:
        return None
    try:
        found = library.spng_decode(pixels)
    except Exception:  # Pillow says what is wrong with it.
        return None
    shape = (header.height, header.width) + ((header.channels,) if header.channels > 1 else ())
    return Image.fromarray(found) if found.shape == shape and found.dtype.name == "uint8" else None

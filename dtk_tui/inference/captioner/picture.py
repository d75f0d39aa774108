"""Pictures as a captioner gets them: decoded by our own decoder, of the size that the model sees, encoded once."""

from __future__ import annotations

import io

from PIL import Image

from dtk_tui.inference.image_decoder import decode_image
from dtk_tui.inference.pixels.scaling import resized

#: Without visible loss, and without colours of half the resolution.
_QUALITY = 95
_PLAIN_EDGE = 64


def encode(path: str, size: int | tuple[int, int]) -> bytes:
    """Return a picture as a JPEG file without any metadata.

    llama.cpp reads neither WebP nor AVIF, and pads a picture that is not square where JoyCaption was trained on
    squashed ones: what is sent has exactly the pixels that the model sees.

    Args:
        size: (width, height) to squash it to; or the longest edge, to which a larger one is scaled down.

    Raises:
        UnreadableFileError: it cannot be decoded.
    """
    picture = decode_image(path)
    if isinstance(size, int):
        longest = max(picture.size)
        width, height = (max(1, round(edge * min(1.0, size / longest))) for edge in picture.size)
        size = (width, height)
    return _jpeg(resized(picture, size, Image.Resampling.LANCZOS))


def plain(size: int | tuple[int, int]) -> bytes:
    """Return a grey picture as a JPEG file, to find out whether a server answers at all.

    Args:
        size: (width, height); or the longest edge that a picture may have.
    """
    return _jpeg(Image.new("RGB", (min(size, _PLAIN_EDGE),) * 2 if isinstance(size, int) else size, "grey"))


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    # Pillow would take a comment along, and some programs write prompts there.
    picture.save(out, "JPEG", quality=_QUALITY, subsampling=0, comment=b"")
    return out.getvalue()

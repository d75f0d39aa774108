"""Decoding pictures and first frames of videos to RGB; nothing else here opens the files of strangers."""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import warnings
from functools import cached_property

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.errors import DtkError, MissingFileError, UnreadableFileError
from dtk_tui.inference import extra_formats, video
from dtk_tui.inference.perceptual_hash import perceptual_hash, sampled
from dtk_tui.inference.pixels import fast_decoder

# Pillow knows formats that run other programs (EPS) or that no generator writes; strangers' files get these only.
# Naming the decoders' classes also makes sure that they are registered, whatever Pillow has loaded so far.
FORMATS = tuple(
    decoder.format
    for decoder in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        WebPImagePlugin.WebPImageFile,
        AvifImagePlugin.AvifImageFile,
        GifImagePlugin.GifImageFile,
        BmpImagePlugin.BmpImageFile,
        TiffImagePlugin.TiffImageFile,
    )
)
WHITE = (255, 255, 255)

#: Faults of this machine, of a disk, or of the way to one, and none of the file.
_TRANSIENT_ERRORS = {
    errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.ENODEV,
    errno.ENXIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNABORTED, errno.ECONNRESET, errno.ENETDOWN,
    errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOLINK,
}  # fmt: skip
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_TEXT = (b"tEXt", b"zTXt", b"iTXt")

# The limit itself stays on: from twice the size that this warns about, Pillow refuses.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class DecodedPicture:
    """A decoded picture: upright, its first frame, transparent pixels not put onto anything yet.

    Args:
        pixels: RGB or RGBA.
    """

    def __init__(self, pixels: Image.Image) -> None:
        self._pixels = pixels
        self._on: dict[tuple[int, int, int], Image.Image] = {}

    @cached_property
    def look(self) -> PerceptualHash:
        """Its hash, with transparent pixels on white, whatever a model wants."""
        return perceptual_hash(self._pixels if self._pixels.mode == "RGB" else _on_ground(sampled(self._pixels), WHITE))

    def on(self, background: tuple[int, int, int] = WHITE) -> Image.Image:
        """Return it as RGB, with transparent pixels on a colour (red, green, blue, 0 to 255)."""
        if self._pixels.mode == "RGB":
            return self._pixels
        if background not in self._on:
            self._on[background] = _on_ground(self._pixels, background)
        return self._on[background]


def decode_image(path: str, background: tuple[int, int, int] = WHITE) -> Image.Image:
    """Decode a picture or a video to RGB, transparent pixels put onto ``background``; errors as ``decode_picture``."""
    return decode_picture(path).on(background)


def decode_picture(path: str) -> DecodedPicture:
    """Decode a picture or a video.

    Args:
        path: as ``os.fsdecode`` gives it.

    Raises:
        MissingFileError: it is not there.
        UnreadableFileError: it is no picture, damaged, or has too many pixels.
        DtkError: reading failed in a way that may pass.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            raise UnreadableFileError(f"{path} is not a file.")
        try:
            return DecodedPicture(_decode(path))
        except UnidentifiedImageError:
            extra = extra_formats.open_extra(path)
            if extra is not None:
                with extra:
                    return DecodedPicture(_upright(extra))
            frame = video.first_frame(path)
            if frame is None:
                raise
            return DecodedPicture(frame)
    except DtkError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(f"{path} is not there any more.") from error
    except PermissionError as error:
        raise UnreadableFileError(f"{path} may not be read by this user.") from error
    except UnidentifiedImageError as error:
        raise UnreadableFileError(f"{path} is not a picture that can be decoded.") from error
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise UnreadableFileError(f"{path} has more pixels than the limit of {limit} million.") from error
    except OSError as error:
        if error.errno in _TRANSIENT_ERRORS:
            raise DtkError(f"{path} could not be read just now.", str(error)) from error
        raise UnreadableFileError(f"{path} is damaged.", str(error)) from error
    except MemoryError as error:
        raise DtkError(f"There is not enough memory to decode {path}.") from error
    except Exception as error:  # Pillow's decoders raise whatever a stranger's bytes lead them to.
        raise UnreadableFileError(f"{path} is damaged.", f"{type(error).__name__}: {error}") from error


def _decode(path: str) -> Image.Image:
    fast = fast_decoder.decode(path)
    if fast is not None:
        return fast if fast.mode == "RGBA" else _opaque_to_rgb(fast)
    try:
        with Image.open(path, formats=FORMATS) as picture:
            return _upright(picture)
    except ValueError as error:
        # Pillow bounds what text chunks unpack to; a large workflow beside good pixels is no reason to refuse them.
        if "text" not in str(error).lower() and "decompressed data" not in str(error).lower():
            raise
        with Image.open(io.BytesIO(_without_text(path)), formats=("PNG",)) as picture:
            return _upright(picture)


def _without_text(path: str) -> bytes:
    with open(path, "rb") as source:
        data = source.read()
    if not data.startswith(_PNG):
        raise UnreadableFileError(f"{path} is damaged.")
    kept = [_PNG]
    at = len(_PNG)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if data[at + 4 : at + 8] not in _PNG_TEXT:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _upright(picture: Image.Image) -> Image.Image:
    """Return the first frame as RGB, or as RGBA where pixels may be transparent."""
    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    if not picture.has_transparency_data:
        return _opaque_to_rgb(picture)
    # The pixels are in memory and outlive the closed file, so that a picture of this mode needs no copy.
    return picture if picture.mode == "RGBA" else picture.convert("RGBA")


def _on_ground(layer: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", layer.size, (*colour, 255)), layer).convert("RGB")


def _opaque_to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return Image.fromarray(_to_8_bit(np.asarray(picture))).convert("RGB")
    # The pixels are in memory and outlive the closed file, so that an RGB picture needs no copy.
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_8_bit(values: np.ndarray) -> np.ndarray:
    """Scale a grey picture of more than 8 bits to bytes: 16-bit integers by their high byte, floats from 0 to 1."""
    if np.issubdtype(values.dtype, np.floating):
        scaled = np.nan_to_num(values) * (255.0 if values.size and np.nanmax(values) <= 1.0 else 1.0)
        return np.asarray(np.clip(np.rint(scaled), 0, 255), np.uint8)
    wide = values.astype(np.int64)
    top = int(wide.max(initial=0))
    shift = 8 if top < 1 << 16 else 24
    return np.asarray(np.clip(wide >> shift, 0, 255), np.uint8)

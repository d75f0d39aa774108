"""Decoding a picture at preview size."""

from __future__ import annotations

import os
import stat

from PIL import Image, ImageOps, UnidentifiedImageError

from dtk_tui.errors import UnreadableFileError
from dtk_tui.inference import extra_formats, video
from dtk_tui.inference.pixels import fast_decoder

#: Only what image generators write: every further decoder is a further way in for a hostile file.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")
_BACKGROUND = (24, 24, 24)


def load(path: str, max_size: tuple[int, int]) -> Image.Image:
    """Return the first frame of a picture or a video as RGB, upright, at most ``max_size`` (width, height) pixels.

    It is never enlarged. JPEG files are decoded at a reduced size where that is enough. Transparent parts show a dark
    ground. Call it in a thread: a large picture takes a good part of a second.

    Raises:
        UnreadableFileError: the file is not there, is no picture, is damaged, or has more pixels than Pillow's limit.
    """
    name = os.path.basename(path)  # noqa: PTH119 (a name may hold bytes that are not UTF-8)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            raise UnreadableFileError(f"{name} is not a regular file.")
        try:
            fast = fast_decoder.decode(path)
            if fast is not None:
                return _small(fast, max_size)
            with Image.open(path, formats=_FORMATS) as image:
                return _small(image, max_size)
        except UnidentifiedImageError:
            extra = extra_formats.open_extra(path)
            if extra is not None:
                with extra:
                    return _small(extra, max_size)
            frame = video.first_frame(path)
            if frame is None:
                raise
            frame.thumbnail(max_size, Image.Resampling.BICUBIC, reducing_gap=2.0)
            return frame
    except UnreadableFileError:
        raise
    except FileNotFoundError:
        raise UnreadableFileError(f"{name} is not there (any more).") from None
    except UnidentifiedImageError:
        raise UnreadableFileError(f"{name} cannot be shown.", "It is not a picture of a known kind.") from None
    except Image.DecompressionBombError as error:
        raise UnreadableFileError(f"{name} is too large to be shown.", str(error)) from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, TypeError, LookupError, RuntimeError) as error:
        raise UnreadableFileError(f"{name} cannot be decoded.", str(error) or type(error).__name__) from error


def _small(image: Image.Image, max_size: tuple[int, int]) -> Image.Image:
    image.thumbnail(max_size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return _plain(ImageOps.exif_transpose(image))


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        ground = Image.new("RGB", image.size, _BACKGROUND)
        layer = image.convert("RGBA")
        ground.paste(layer, mask=layer.getchannel("A"))
        return ground
    return image.convert("RGB")

"""From a decoded picture to the array that a model takes, as its manifest entry says."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.inference.image_decoder import decode_and_hash
from dtk_tui.inference.manifest import ImageInput

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
# Beyond this ratio of edges, scaling the whole picture before the crop would need far more memory than the crop.
_ASPECT_LIMIT = 16


def load(path: str, spec: ImageInput, out: np.ndarray | None = None) -> np.ndarray:
    """Decode and prepare one picture; thread-safe, needs no session.

    Args:
        out: float32 array of ``spec.shape`` to write into, e.g. a row of a batch; a new one when None.

    Returns:
        float32 array of ``spec.shape``.

    Raises:
        UnreadableFileError, DtkError: as ``image_decoder.decode_and_hash``.
    """
    return load_and_hash(path, spec, out)[0]


def load_and_hash(path: str, spec: ImageInput, out: np.ndarray | None = None) -> tuple[np.ndarray, PerceptualHash]:
    """Decode and prepare one picture, and say what it looks like; arguments, array and errors as ``load``."""
    picture, look = decode_and_hash(path, spec.background)
    return prepare(picture, spec, out), look


def prepare(picture: Image.Image, spec: ImageInput, out: np.ndarray | None = None) -> np.ndarray:
    """Prepare one decoded RGB picture; arguments and result as ``load``."""
    scaled = _scale(picture, spec)
    if spec.jpeg:
        scaled = _jpeg_round_trip(scaled)
    values = np.asarray(_centre_crop(scaled, spec.size))
    if spec.channels == "bgr":
        values = values[:, :, ::-1]
    if spec.layout == "nchw":
        values = values.transpose(2, 0, 1)
    result = np.empty(spec.shape, np.float32) if out is None else out
    # (byte / divide - mean) / std as one multiplication and one subtraction.
    shape = (3, 1, 1) if spec.layout == "nchw" else (3,)
    std = np.asarray(spec.std, np.float64)
    scale = (1.0 / (spec.divide * std)).astype(np.float32).reshape(shape)
    shift = (np.asarray(spec.mean, np.float64) / std).astype(np.float32).reshape(shape)
    np.multiply(values, scale, out=result)
    np.subtract(result, shift, out=result)
    return result


def _scale(picture: Image.Image, spec: ImageInput) -> Image.Image:
    resample = _FILTERS[spec.filter]
    target = spec.resize or spec.size
    if spec.fit == "pad":
        square = _pad_to_square(picture, spec.background)
        return square if square.width == spec.size else square.resize((spec.size, spec.size), resample)
    if spec.fit == "squash":
        return picture.resize((target, target), resample)
    picture = _limit_aspect(picture)
    short, long = sorted(picture.size)
    # The long edge is cut down to an integer, as transformers' image processors do.
    other = int(target * long / short)
    size = (target, other) if picture.width <= picture.height else (other, target)
    return picture.resize(size, resample)


def _limit_aspect(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    limit = _ASPECT_LIMIT * min(width, height)
    if max(width, height) <= limit:
        return picture
    if width > height:
        left = (width - limit) // 2
        return picture.crop((left, 0, left + limit, height))
    top = (height - limit) // 2
    return picture.crop((0, top, width, top + limit))


def _centre_crop(picture: Image.Image, size: int) -> Image.Image:
    if picture.size == (size, size):
        return picture
    left = (picture.width - size) // 2
    top = (picture.height - size) // 2
    return picture.crop((left, top, left + size, top + size))


def _pad_to_square(picture: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    edge = max(picture.size)
    if picture.size == (edge, edge):
        return picture
    square = Image.new("RGB", (edge, edge), background)
    square.paste(picture, ((edge - picture.width) // 2, (edge - picture.height) // 2))
    return square


def _jpeg_round_trip(picture: Image.Image) -> Image.Image:
    with io.BytesIO() as buffer:
        picture.save(buffer, format="JPEG")
        with Image.open(buffer, formats=("JPEG",)) as again:
            again.load()
            return again.convert("RGB")

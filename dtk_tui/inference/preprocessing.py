"""From a decoded picture to the bytes that a model takes, as its manifest entry says."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.inference.image_decoder import DecodedPicture, decode_picture
from dtk_tui.inference.model_spec import ImageInput
from dtk_tui.inference.pixels.scaling import resized

Pixels = npt.NDArray[np.uint8]

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
# Beyond this ratio of edges, scaling the whole picture before the crop would need far more memory than the crop.
_ASPECT_LIMIT = 16


class Picture:
    """One decoded picture and what models want of it: each size and fit is made once, for all of them; one thread."""

    def __init__(self, decoded: DecodedPicture) -> None:
        self._decoded = decoded
        self._made: dict[tuple[object, ...], Pixels] = {}

    @classmethod
    def open(cls, path: str) -> Picture:
        """Decode a file on any thread; arguments and errors as ``image_decoder.decode_picture``."""
        return cls(decode_picture(path))

    @property
    def look(self) -> PerceptualHash:
        """What it looks like."""
        return self._decoded.look

    def pixels(self, spec: ImageInput) -> Pixels:
        """Return what a model takes: uint8 ``[spec.size, spec.size, 3]``, red, green, blue; not to be written to."""
        if spec.geometry not in self._made:
            self._made[spec.geometry] = prepare(self._decoded.on(spec.background), spec)
        return self._made[spec.geometry]


def prepare(picture: Image.Image, spec: ImageInput) -> Pixels:
    """Prepare one decoded RGB picture; result as ``Picture.pixels``."""
    scaled = _scale(picture, spec)
    if spec.jpeg:
        scaled = _jpeg_round_trip(scaled)
    return np.asarray(_centre_crop(scaled, spec.size))


def _scale(picture: Image.Image, spec: ImageInput) -> Image.Image:
    resample = _FILTERS[spec.filter]
    target = spec.resize or spec.size
    if spec.fit == "pad":
        square = _pad_to_square(picture, spec.background)
        return resized(square, (spec.size, spec.size), resample)
    if spec.fit == "squash":
        return resized(picture, (target, target), resample)
    picture = _limit_aspect(picture)
    short, long = sorted(picture.size)
    # The long edge is cut down to an integer, as transformers' image processors do.
    other = int(target * long / short)
    size = (target, other) if picture.width <= picture.height else (other, target)
    return resized(picture, size, resample)


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

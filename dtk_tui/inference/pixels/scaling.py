"""Scaling a picture in an order of axes that is our own."""

from __future__ import annotations

from PIL import Image


def resized(picture: Image.Image, size: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    """Scale a picture: its width first, then its height, each rounded to bytes.

    That is the order in which the code of the models was used (Pillow up to 12.3). Pillow 13 begins with the height
    where it shrinks more, so that the pixels of tall pictures, and their vectors, would depend on its version.

    Args:
        size: width and height in pixels.

    Returns:
        The picture itself when it has that size already.
    """
    width, height = size
    if picture.width != width:
        picture = picture.resize((width, picture.height), resample)
    return picture if picture.height == height else picture.resize((width, height), resample)

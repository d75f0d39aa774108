"""Decoding as the models' own code does it: for the scripts that make references, beside the program's own."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps


def upright_rgb(data: bytes) -> Image.Image:
    """Decode upright, transparent pixels on white, as the taggers' spaces do."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if picture.mode.startswith("I"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    ground = Image.new("RGBA", picture.size, (255, 255, 255))
    ground.alpha_composite(picture.convert("RGBA"))
    return ground.convert("RGB")

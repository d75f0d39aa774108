"""A perceptual hash: 64 bits and four colours that tell whether two pictures of different sizes look alike.

The hash of the DCT (pHash; C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010): the
lowest frequencies of the picture at 32x32, each a bit that says whether it is above their median. docs/adr/0011 has the
figures behind the numbers here and behind the bound in the database (``dtk_looks_alike``).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from dtk_tui.domain.looks import PerceptualHash

_SIDE = 32
_BLOCK = 8
#: So many pixels of each side are looked at: scaling all of them by area costs ten times as much and tells no more.
_SAMPLED = 96
#: A coefficient below this is an amplitude of a quarter of a grey level: what scaling and rounding alone make.
_LEAST = 64.0
#: With fewer coefficients above it, a picture is flat, or so plain that others are as like it as its own copy.
_LEAST_COUNT = 48
_FREQUENCIES = np.arange(_BLOCK, dtype=np.float32)[:, None]
_COSINES = np.cos(np.pi * (2 * np.arange(_SIDE, dtype=np.float32) + 1) * _FREQUENCIES / (2 * _SIDE)).astype(np.float32)
_TRANSPOSED = np.ascontiguousarray(_COSINES.T)
# The mean of each half, in 32 levels; and where each of four times three of them stands in a number.
_HALVES = np.kron(np.eye(2), np.full(_SIDE // 2, 2 / _SIDE / np.sqrt(8))).astype(np.float32)
_PLACES = 1 << np.arange(55, -5, -5, dtype=np.int64)
# Rec. 601, as Pillow's own conversion to grey.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def sampled(picture: Image.Image) -> Image.Image:
    """Return the pixels of a picture that its hash is made of."""
    if min(picture.size) < _SAMPLED:
        return picture
    return picture.resize((_SAMPLED, _SAMPLED), Image.Resampling.NEAREST)


def perceptual_hash(picture: Image.Image) -> PerceptualHash:
    """Return the hash of a decoded RGB picture."""
    picture = sampled(picture)
    if picture.size == (_SAMPLED, _SAMPLED):
        small = np.asarray(picture.reduce(_SAMPLED // _SIDE), np.float32)
    else:
        small = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    quarters = np.matmul(_HALVES, (_HALVES @ small.reshape(_SIDE, -1)).reshape(2, _SIDE, 3))
    colours = int(quarters.ravel().astype(np.int64) @ _PLACES)
    coefficients = (_COSINES @ (small @ _LUMA) @ _TRANSPOSED).ravel()
    coefficients[0] = 0.0  # the mean, which is no structure
    bits = None
    if np.count_nonzero(np.abs(coefficients) > _LEAST) >= _LEAST_COUNT:
        above = coefficients > np.partition(coefficients, _BLOCK * _BLOCK // 2)[_BLOCK * _BLOCK // 2]
        bits = int(np.packbits(above).view(">i8")[0])
    return PerceptualHash(bits, colours)

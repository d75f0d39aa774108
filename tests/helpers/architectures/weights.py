"""Weights of the tiny models by a rule, so that no file has to hold them: from a parameter's name and shape alone."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np


def weights(name: str, shape: Sequence[int]) -> np.ndarray:
    """Return the values of a parameter, float32, which are the same on every machine.

    ``RandomState`` promises its stream for ever, and uniform numbers need no function of the C library. Scaled so that
    activations neither grow nor vanish over a few layers.
    """
    even = np.random.RandomState(zlib.crc32(name.encode())).random_sample(math.prod(shape)) * 2 - 1
    return (_offset(name, shape) + _scale(name, shape) * even).astype(np.float32).reshape(shape)


def _offset(name: str, shape: Sequence[int]) -> float:
    if "logit_scale" in name:
        return 2.0
    if len(shape) == 1 and name.endswith("weight"):
        return 1.0  # of a normalisation
    return 0.5 if "skip" in name else 0.0


def _scale(name: str, shape: Sequence[int]) -> float:
    if len(shape) == 1 or "logit_scale" in name:
        return 0.2
    if "embed" in name and len(shape) < 4:
        return 0.7
    return math.sqrt(3 / math.prod(shape[1:]))

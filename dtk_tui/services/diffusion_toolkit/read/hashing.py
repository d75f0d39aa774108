"""Mixing columns of 64-bit numbers into one hash for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

#: The multiplier of Fibonacci hashing, which spreads what differs over all 64 bits.
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def mix(hashes: Hashes, values: npt.NDArray[Any]) -> Hashes:
    """Return hashes of rows with one more column of unsigned 64-bit numbers mixed in."""
    mixed: Hashes = (hashes ^ values) * _MULTIPLIER
    mixed ^= mixed >> _SHIFT
    return mixed

"""A pool of arrays of one shape: new ones of this size would be zeroed by the system page by page."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class ArrayPool:
    """Float32 arrays that images are decoded into, used again and again."""

    def __init__(self, shape: tuple[int, ...], batch_size: int) -> None:
        self._shape = shape
        self._spare: deque[Floats] = deque(maxlen=8 * batch_size)
        self._batch = np.empty((batch_size, *shape), np.float32)

    def take(self) -> Floats:
        """Return an array with anything in it; any thread."""
        try:
            return self._spare.pop()
        except IndexError:
            return np.empty(self._shape, np.float32)

    def stack(self, arrays: Sequence[Floats]) -> Floats:
        """Return a copy of arrays as one, float32 [n, ...]; valid until the next call."""
        if len(arrays) > len(self._batch):
            self._batch = np.empty((len(arrays), *self._shape), np.float32)
        batch = self._batch[: len(arrays)]
        np.stack(arrays, out=batch)
        return batch

    def give_back(self, arrays: Sequence[Floats]) -> None:
        """Take arrays that nobody reads any more."""
        self._spare.extend(array for array in arrays if array.flags.writeable)

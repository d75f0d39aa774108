"""Batches of prepared pictures in one array, used again: a new one of this size would be zeroed page by page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dtk_tui.inference.preprocessing import Pixels


class BatchArray:
    """Where the pictures of a batch are put together for one model."""

    def __init__(self, shape: tuple[int, ...], batch_size: int) -> None:
        self._batch = np.empty((batch_size, *shape), np.uint8)

    def stack(self, pictures: Sequence[Pixels]) -> Pixels:
        """Return a copy of pictures as one array, uint8 [n, ...]; valid until the next call."""
        if len(pictures) > len(self._batch):
            self._batch = np.empty((len(pictures), *self._batch.shape[1:]), np.uint8)
        batch = self._batch[: len(pictures)]
        np.stack(pictures, out=batch)
        return batch

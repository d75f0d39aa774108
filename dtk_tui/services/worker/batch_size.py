"""Adaptive batch size: halved when a device runs out of memory, doubled again when batches fit."""

from __future__ import annotations

from collections.abc import Mapping

from dtk_tui.domain.job import Kind

#: So many batches must fit before a larger one is tried; doubled each time that the larger one does not fit.
_PROOF = 16
_MOST_PROOF = 1024


class AdaptiveBatchSize:
    """The batch size of each kind of work; used by one thread alone.

    Args:
        full: the sizes to begin with, and to return to.
    """

    def __init__(self, full: Mapping[Kind, int]) -> None:
        self._full = dict(full)
        self._size = dict(full)
        self._fitted = dict.fromkeys(full, 0)
        self._proof = dict.fromkeys(full, _PROOF)

    @property
    def largest(self) -> int:
        """The most images that a batch of any kind has."""
        return max(self._full.values())

    def of(self, kind: Kind) -> int:
        """Return how many images a batch of that kind may have now."""
        return self._size[kind]

    def shrink(self, kind: Kind, tried: int) -> None:
        """Note that a batch of ``tried`` images did not fit into the memory of the device."""
        if self._fitted[kind] < self._proof[kind] and self._size[kind] < self._full[kind]:
            self._proof[kind] = min(2 * self._proof[kind], _MOST_PROOF)
        self._size[kind] = max(1, min(self._size[kind], tried) // 2)
        self._fitted[kind] = 0

    def grow(self, kind: Kind) -> None:
        """Note that a batch was done; after enough of them the next ones are twice as large again."""
        if self._size[kind] == self._full[kind]:
            return
        self._fitted[kind] += 1
        if self._fitted[kind] >= self._proof[kind]:
            self._size[kind] = min(2 * self._size[kind], self._full[kind])
            self._fitted[kind] = 0

"""An index of texts that is searched for a whole column at a time, without a step of Python for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dtk_tui.services.diffusion_toolkit.read.arrow import text_buffers
from dtk_tui.services.diffusion_toolkit.read.hashing import mix

#: Samples of a text that are hashed, eight bytes each; where the hashes are equal, the whole texts are compared.
_SAMPLES = 4
_WIDTH = 8


class TextIndex:
    """An index from texts to their keys.

    Args:
        texts: as they stand in the source.
        keys: of each, int64, positive.
        of: how many texts the pool held when these were taken.
    """

    def __init__(self, texts: Sequence[bytes], keys: Sequence[int], of: int) -> None:
        found = pa.array(texts, pa.binary()).view(pa.string())
        marks = _fingerprints(found)
        self._fingerprints, first = np.unique(marks, return_index=True)
        self._texts = found.take(pa.array(first))
        self._keys = np.array(keys, np.int64)[first]
        self.of = of

    def find(self, texts: pa.StringArray) -> npt.NDArray[np.int64]:
        """Return the keys of texts: 0 where there is none, -1 where it is not in the index."""
        found = np.full(len(texts), -1, np.int64)
        if len(self._fingerprints):
            places = np.searchsorted(self._fingerprints, _fingerprints(texts))
            places[places == len(self._fingerprints)] = 0
            is_it = pc.fill_null(pc.equal(texts, self._texts.take(pa.array(places))), False)
            found = np.where(is_it.to_numpy(zero_copy_only=False), self._keys[places], found)
        if texts.null_count:
            found[texts.is_null().to_numpy(zero_copy_only=False)] = 0
        return found


def _fingerprints(texts: pa.StringArray) -> npt.NDArray[np.uint64]:
    """Return a hash for each text, of its length and of samples of it."""
    data, ends = text_buffers(texts)
    lengths = np.diff(ends).astype(np.int64)
    found = lengths.astype(np.uint64)
    if len(data) < _WIDTH:
        return found
    # What a short text is followed by does not count.
    beyond = 8 * np.maximum(_WIDTH - lengths, 0).astype(np.uint64)
    everywhere = np.ndarray((len(data) - _WIDTH + 1,), "<u8", data, 0, (1,))
    room = np.maximum(lengths - _WIDTH, 0)
    for at in range(_SAMPLES):
        there = everywhere[np.minimum(ends[:-1] + room * at // (_SAMPLES - 1), len(everywhere) - 1)]
        found = mix(found, np.where(lengths > 0, there << beyond, 0))
    return found

"""Which images of a list are alike, so that one row may stand for them: one generation, or one content."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dtk_tui.store.database import Database
from dtk_tui.store.library.groups import alike

Ids = npt.NDArray[np.int64]
#: So many images are asked for at once: a few megabytes, and a tenth of a second.
_AT_ONCE = 100_000
#: Through so many groups and copies by turns one image leads to another at most.
_MOST_TURNS = 50


def fold_labels(db: Database, ids: Ids) -> Ids:
    """Return a number for each image, int64 [n]: those with one number are one generation, or copies of such.

    Images are one generation when they are in one group (docs/adr/0011-what-shares-a-vector-looks-alike.md), and copies
    when fingerprint and size of their files are the same. An image that is gone is alike to none.
    """
    if not len(ids):
        return np.zeros(0, np.int64)
    with db.connection() as conn:
        parts = [alike(conn, ids[start : start + _AT_ONCE]) for start in range(0, len(ids), _AT_ONCE)]
    rows = np.concatenate(parts)
    gone = np.setdiff1d(ids, rows[:, 0])
    # Of one that is gone nothing is known but itself.
    rows = np.concatenate([rows, np.stack([gone, gone, np.full_like(gone, -1), -gone], axis=1)])
    group = _numbered(rows[:, 1:2])
    copies = _numbered(rows[:, 2:4])
    label = _joined(group, copies)
    order = np.argsort(rows[:, 0])
    return label[order[np.searchsorted(rows[order, 0], ids)]]


def _numbered(keys: Ids) -> Ids:
    """Return which of the different rows of ``keys`` each row is, int64 [n]."""
    order = np.lexsort(keys.T)
    is_new = np.any(np.diff(keys[order], axis=0) != 0, axis=1)
    numbers = np.empty(len(keys), np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(is_new)])
    return numbers


def _joined(group: Ids, copies: Ids) -> Ids:
    """Return the smallest group that each image is in by groups and copies by turns, int64 [n]."""
    label = group
    for _ in range(_MOST_TURNS):
        found = _smallest(group, _smallest(copies, label))
        if np.array_equal(found, label):
            break
        label = found
    return label


def _smallest(sets: Ids, values: Ids) -> Ids:
    """Return for each element the smallest value of its set, int64 [n]."""
    low = np.full(int(sets.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(low, sets, values)
    return low[sets]

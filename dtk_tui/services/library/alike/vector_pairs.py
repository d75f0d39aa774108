"""Pairs of vectors whose cosine similarity is high, among millions, without comparing each with each.

The vectors are put into cells, about as many as the root of their number, each around a centre (k-means on a sample,
Lloyd 1982). Each is at home in the cell of its nearest centre and a visitor in those that are hardly farther, and is
compared in products of matrices with all that are at home where it is (the inverted file of Sivic and Zisserman, ICCV
2003, here with several cells a vector). What is missed are pairs of which neither visits the home of the other. Up to
20,000 vectors are one cell: all pairs are found.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dtk_tui.errors import DtkError
from dtk_tui.services.library.alike.mapped_vectors import unit_rows
from dtk_tui.services.library.hash_pairs import Progress

Ids = npt.NDArray[np.int64]
Halfs = npt.NDArray[np.float16]
Floats = npt.NDArray[np.float32]

#: So many vectors are one cell.
_WHOLE = 20_000
#: A vector visits so many cells at most, whose centres are at most so much of the bound's distance farther.
_VISITS, _REACH = 3, 0.4
#: How often the centres are moved, and on how many vectors of each cell.
_ROUNDS, _SAMPLE = 3, 32
#: Rows and columns of one product, and how many pairs may be held.
_ROWS, _COLUMNS, _MOST = 1024, 8192, 20_000_000


def near_vectors(vectors: Halfs, least: float, progress: Progress = lambda share: None) -> tuple[Ids, Floats]:
    """Return the pairs that are similar, each once: places int64 [m, 2], ascending, and similarities float32 [m].

    Args:
        vectors: float16 [n, dims]; may be a file that is mapped into memory.
        least: the lowest cosine similarity of a pair.
        progress: is told how much is done, from 0 to 1; may raise, which ends it.

    Raises:
        DtkError: there are more pairs than can be held.
    """
    found: list[Ids] = []
    similar: list[Floats] = []
    total, before = 0, 0.0
    for done, homes, others in _cells(vectors, least, progress):
        for share, rows, columns, values in _compared(vectors, homes, others, least):
            found.append(np.minimum(rows, columns) * len(vectors) + np.maximum(rows, columns))
            similar.append(values)
            total += len(rows)
            if total > _MOST:
                raise DtkError(f"More than {_MOST:,} pairs of vectors are that similar.", "Ask for a higher threshold.")
            progress(before + share * (done - before))
        before = done
        progress(done)
    numbers, first = np.unique(np.concatenate([*found, np.zeros(0, np.int64)]), return_index=True)
    pairs = np.stack(np.divmod(numbers, max(len(vectors), 1)), axis=1)
    return pairs, np.concatenate([*similar, np.zeros(0, np.float32)])[first]


def _cells(vectors: Halfs, least: float, progress: Progress) -> Iterator[tuple[float, Ids, Ids]]:
    """Yield the share that is done, the places at home in a cell, and those that visit it."""
    count = len(vectors)
    if count <= _WHOLE:
        yield 1.0, np.arange(count), np.zeros(0, np.int64)
        return
    centres = _centres(vectors, int(np.sqrt(count)))
    reach = _REACH * np.sqrt(2 - 2 * least)
    home = np.zeros(count, np.int64)
    visited: list[Ids] = []
    visitors: list[Ids] = []
    for start in range(0, count, _COLUMNS):
        near = unit_rows(vectors[start : start + _COLUMNS]) @ centres.T
        best = np.argpartition(-near, _VISITS, axis=1)[:, : _VISITS + 1]
        values = np.take_along_axis(near, best, axis=1)
        top = values.argmax(axis=1, keepdims=True)
        home[start : start + len(near)] = np.take_along_axis(best, top, axis=1)[:, 0]
        visits = values >= values.max(axis=1, keepdims=True) - reach
        np.put_along_axis(visits, top, False, axis=1)
        place, column = np.nonzero(visits)
        visitors.append(place + start)
        visited.append(best[place, column])
        progress(0.3 * start / count)
    order = np.argsort(home, kind="stable")
    guests, cells = np.concatenate(visitors), np.concatenate(visited)
    guests = guests[np.argsort(cells, kind="stable")]
    numbers = np.arange(len(centres) + 1)
    homes = np.searchsorted(home[order], numbers)
    visits_of = np.searchsorted(np.sort(cells), numbers)
    for cell in range(len(centres)):
        own = order[homes[cell] : homes[cell + 1]]
        yield 0.3 + 0.7 * (cell + 1) / len(centres), own, guests[visits_of[cell] : visits_of[cell + 1]]


def _centres(vectors: Halfs, count: int) -> Floats:
    """Return centres of cells, float32 [count, dims], of length 1, the same for the same vectors."""
    rng = np.random.default_rng(0)
    places = np.sort(rng.choice(len(vectors), min(len(vectors), count * _SAMPLE), replace=False))
    sample = unit_rows(vectors[places])
    centres = sample[np.sort(rng.choice(len(sample), count, replace=False))]
    for _ in range(_ROUNDS):
        nearest = np.concatenate(
            [(sample[start : start + _COLUMNS] @ centres.T).argmax(axis=1) for start in range(0, len(sample), _COLUMNS)]
        )
        order = np.argsort(nearest, kind="stable")
        filled, starts = np.unique(nearest[order], return_index=True)
        centres[filled] = np.add.reduceat(sample[order], starts, axis=0)
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    return centres


def _compared(vectors: Halfs, homes: Ids, others: Ids, least: float) -> Iterator[tuple[float, Ids, Ids, Floats]]:
    """Yield the similar pairs of some vectors among themselves, and with others.

    Returns:
        The share of the rows that is done before, places, places, similarities.
    """
    everyone = np.concatenate([homes, others])
    for start in range(0, len(homes), _ROWS):
        rows = homes[start : start + _ROWS]
        left = unit_rows(vectors[rows])
        for first in range(start, len(everyone), _COLUMNS):
            columns = everyone[first : first + _COLUMNS]
            near = left @ unit_rows(vectors[columns]).T
            a, b = np.nonzero(near >= least)
            later = first + b > start + a  # each pair of those at home once, and none with itself
            a, b = a[later], b[later]
            yield start / len(homes), rows[a], columns[b], near[a, b]

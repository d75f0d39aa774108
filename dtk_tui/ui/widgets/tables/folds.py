"""Images of a list that are alike, folded into one row: the first of them in the order of the list stands for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from dtk_tui.ui.widgets.tables.pages import Ids

Mask = npt.NDArray[np.bool_]


class Folds:
    """A list of images as rows, where each fold is one row or, unfolded, its images one behind the other.

    Making it takes tenths of a second for a million images, and belongs into a thread; all else is quick.

    Args:
        ids: the images in their order, int64 [n].
        labels: int64 [n]; those with one label are one fold.

    Attributes:
        rows: the place in ``ids`` of what each row shows, int64 [rows].
    """

    def __init__(self, ids: Ids, labels: Ids) -> None:
        self.ids = ids
        self._fold: Ids = np.unique(labels, return_inverse=True)[1].reshape(-1)
        self._by_fold: Ids = np.argsort(self._fold, kind="stable")
        self._sizes: Ids = np.bincount(self._fold).astype(np.int64)
        self._starts: Ids = np.cumsum(self._sizes) - self._sizes
        self._firsts: Ids = self._by_fold[self._starts]
        self._leaders: Ids = np.sort(self._firsts)
        self._is_open: Mask = np.zeros(len(self._sizes), np.bool_)
        self.rows: Ids = self._leaders

    @property
    def row_ids(self) -> Ids:
        """The image of each row."""
        return self.ids[self.rows]

    @property
    def leading_rows(self) -> Ids:
        """The rows that stand for their fold: these alone are in the order of the list, int64."""
        return np.flatnonzero(self._firsts[self._fold[self.rows]] == self.rows)

    def size(self, row: int) -> int:
        """Return how many images the fold of a row has, 1 where it is alone."""
        return int(self._sizes[self._fold[self.rows[row]]])

    def is_open(self, row: int) -> bool:
        """Say whether the fold of a row is unfolded."""
        return bool(self._is_open[self._fold[self.rows[row]]])

    def is_first(self, row: int) -> bool:
        """Say whether a row stands for its fold."""
        return bool(self._firsts[self._fold[self.rows[row]]] == self.rows[row])

    def images(self, row: int) -> Ids:
        """Return the images that a row stands for: all of a fold, or the one that it shows."""
        if self.is_open(row):
            return self.ids[self.rows[row : row + 1]]
        return self.ids[self._members(int(self._fold[self.rows[row]]))]

    def toggle(self, row: int) -> int:
        """Fold or unfold the fold of a row; return the image that stands for it."""
        fold = int(self._fold[self.rows[row]])
        if self._sizes[fold] > 1:
            self._is_open[fold] = not self._is_open[fold]
            self._arrange()
        return int(self.ids[self._firsts[fold]])

    def open_like(self, other: Folds) -> None:
        """Unfold what holds the first image of what is unfolded elsewhere."""
        opened = other.ids[other._firsts[other._is_open]]
        if len(opened):
            self._is_open[self._fold[np.isin(self.ids, opened)]] = True
            self._is_open &= self._sizes > 1
            self._arrange()

    def first_of(self, image_id: int) -> int | None:
        """Return the image in whose row another one is, itself where it has one; None: it is not in the list."""
        places = np.flatnonzero(self.ids == image_id)
        if not len(places):
            return None
        fold = self._fold[places[0]]
        return image_id if self._is_open[fold] else int(self.ids[self._firsts[fold]])

    def all_of(self, chosen: Mask) -> Mask:
        """Return which images some rows stand for: [rows] to [n]."""
        places = self.rows[chosen]
        folds = self._fold[places]
        whole = np.zeros(len(self._sizes), np.bool_)
        whole[folds[~self._is_open[folds]]] = True
        found: Mask = whole[self._fold]
        found[places] = True
        return found

    def rows_of(self, images: Mask) -> Mask:
        """Return which rows stand for nothing but some images: [n] to [rows]."""
        if not len(self.ids):
            return np.zeros(0, np.bool_)
        whole = np.logical_and.reduceat(images[self._by_fold], self._starts)
        folds = self._fold[self.rows]
        return np.where(self._is_open[folds], images[self.rows], whole[folds])

    def _members(self, fold: int) -> Ids:
        start = self._starts[fold]
        return self._by_fold[start : start + self._sizes[fold]]

    def _arrange(self) -> None:
        opened = np.flatnonzero(self._is_open)
        others = [self._members(int(fold))[1:] for fold in opened]
        if not others:
            self.rows = self._leaders
            return
        behind = np.searchsorted(self._leaders, self._firsts[opened]) + 1
        self.rows = np.insert(self._leaders, np.repeat(behind, [len(one) for one in others]), np.concatenate(others))

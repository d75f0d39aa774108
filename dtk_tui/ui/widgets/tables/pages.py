"""Rows of a long list, kept by pages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

PAGE = 128
_KEPT = 48
#: So many ids are looked for one by one: mostly the first is there.
_FEW = 8

RowT = TypeVar("RowT")


class Pages(Generic[RowT]):
    """The pages that were fetched last; a row is None when it does not exist any more."""

    def __init__(self) -> None:
        self._pages: OrderedDict[int, list[RowT | None]] = OrderedDict()
        self._stale: set[int] = set()

    def __len__(self) -> int:
        return len(self._pages)

    def __contains__(self, row: int) -> bool:
        return row // PAGE in self._pages

    def __getitem__(self, row: int) -> RowT | None:
        page = self._pages.get(row // PAGE)
        return page[row % PAGE] if page is not None else None

    def clear(self) -> None:
        """Forget all."""
        self._pages.clear()
        self._stale.clear()

    def expire(self, rows: range) -> Iterator[int]:
        """Let the pages of ``rows`` be fetched again and forget all others; yield the rows that are forgotten."""
        shown = set(_pages_of(rows))
        self._stale |= shown & set(self._pages)
        for page in [page for page in self._pages if page not in shown]:
            yield from self._forget(page)

    def missing(self, rows: range) -> list[int]:
        """Return the pages that ``rows`` need and that are not here, or old."""
        return [page for page in _pages_of(rows) if page not in self._pages or page in self._stale]

    def put(self, page: int, rows: list[RowT | None]) -> Iterator[int]:
        """Take in a page; yield the rows that look different now or are forgotten for it."""
        old = self._pages.get(page)
        self._pages[page] = rows
        self._pages.move_to_end(page)
        self._stale.discard(page)
        while len(self._pages) > _KEPT:
            yield from self._forget(next(iter(self._pages)))
        for offset, row in enumerate(rows):
            if old is None or old[offset] != row:
                yield page * PAGE + offset

    def _forget(self, page: int) -> range:
        del self._pages[page]
        self._stale.discard(page)
        return range(page * PAGE, (page + 1) * PAGE)


def _pages_of(rows: range) -> range:
    return range(rows.start // PAGE, (rows.stop - 1) // PAGE + 1) if rows else range(0)


def place_of(wanted: Ids, ids: Ids) -> int:
    """Return where in ``ids`` the first of the wanted ones is that is there at all, else the last place."""
    import numpy as np

    for one in wanted[:_FEW].tolist():
        places = np.flatnonzero(ids == one)
        if len(places):
            return int(places[0])
    for some in (wanted[:PAGE], wanted):
        left = some[np.isin(some, ids)]
        if len(left):
            return int(np.flatnonzero(ids == left[0])[0])
    return max(0, len(ids) - 1)

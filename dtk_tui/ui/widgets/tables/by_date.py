"""Finding a date in a list of images that is in the order of their dates, without fetching the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from dtk_tui.domain.library import ImageRow

if TYPE_CHECKING:
    from dtk_tui.ui.widgets.tables.pages import Ids

#: So many images are fetched at once: four times for a million.
_PROBES = 64


def first_of_date(
    ids: Ids,
    fetch: Callable[[Sequence[int]], Sequence[ImageRow]],
    days: tuple[date, date],
    *,
    newest_first: bool,
) -> tuple[int, bool]:
    """Find the first image of a date, or where there is none, the first behind it in the order of the list; blocks.

    Args:
        ids: images in the order of their dates, int64 [n], at least one.
        fetch: returns those of some images that still exist, in any order.
        days: the first and the last day of the date.

    Returns:
        Its place in ``ids``, that of the last one where the date comes behind all, and whether it is of that date.

    Raises:
        DtkError: as ``fetch``.
    """
    low, high, day_of_high = 0, len(ids), date.min
    open_places = np.arange(len(ids))  # not known to be before or behind the date, nor to be gone
    while len(open_places):
        probes = open_places[np.unique(np.linspace(0, len(open_places) - 1, _PROBES).astype(np.int64))]
        found = {row.id: row.created_at.astimezone().date() for row in fetch(ids[probes].tolist())}
        for place in probes.tolist():
            day = found.get(int(ids[place]))
            if day is None:
                continue
            if day > days[1] if newest_first else day < days[0]:
                low = place + 1
            else:
                high, day_of_high = place, day
                break
        open_places = open_places[(open_places >= low) & (open_places < high)]
        open_places = open_places[~np.isin(open_places, probes)]
    return min(high, len(ids) - 1), days[0] <= day_of_high <= days[1]

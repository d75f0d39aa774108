"""Time zones: the name of this host's, and the local times whose instant is unambiguous."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from zoneinfo import available_timezones

#: The begin of 1970 in .NET ticks, and a day.
UNIX_EPOCH_TICKS = 621355968000000000
_DAY_TICKS = 864000000000


def host_zone() -> str:
    """Return the IANA name of this host's time zone, or UTC where it has none."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named in available_timezones():
        return named
    parts = os.path.realpath("/etc/localtime").split("/zoneinfo/")
    if len(parts) == 2 and parts[1] in available_timezones():
        return parts[1]
    try:
        text = Path("/etc/timezone").read_text(encoding="utf-8").strip()
    except OSError:
        return "UTC"
    return text if text in available_timezones() else "UTC"


def unambiguous_spans(offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return (first tick, last tick, seconds east of UTC) of the local times whose instant is beyond doubt.

    Args:
        offsets: (day since 1970, seconds east of UTC at its begin), day by day. A day within which they change, on
            which an hour is missing or comes twice, belongs to no span.
    """
    found: list[tuple[int, int, int]] = []
    for (day, east), (_, east_after) in pairwise(offsets):
        first, last = UNIX_EPOCH_TICKS + day * _DAY_TICKS, UNIX_EPOCH_TICKS + (day + 1) * _DAY_TICKS - 1
        if east != east_after:
            continue
        if found and found[-1][1] == first - 1 and found[-1][2] == east:
            found[-1] = (found[-1][0], last, east)
        else:
            found.append((first, last, east))
    return found

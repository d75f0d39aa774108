"""The months in which images were created, for completion of dates: by a walk from one to the one before it."""

from __future__ import annotations

import re
from datetime import date

from dtk_tui.store.database import Connection
from dtk_tui.store.search.conditions import midnight
from dtk_tui.store.search.names import COUNTED

#: Looking for the months of a text ends after so many: twenty years with images in each month.
_WALKED = 240
_BEGUN = re.compile(r"[0-9-]{0,7}", re.ASCII)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}", re.ASCII)
_NEWEST = "SELECT max(created_at) FROM image WHERE created_at < %s::timestamptz"
_IMAGES = "SELECT count(*) FROM (SELECT FROM image WHERE created_at >= %s AND created_at < %s LIMIT %s) AS of_one"


def months(conn: Connection, typed: str, limit: int) -> list[tuple[str, int]]:
    """Return the newest months that begin with a text, ``2025-11`` in the time zone of this host, with their images.

    More than ``COUNTED`` images are told as one more.
    """
    found: list[tuple[str, int]] = []
    if not _BEGUN.fullmatch(typed):
        return found
    year = _YEAR.match(typed)
    end = midnight(date(int(year[0]) + 1, 1, 1)) if year is not None else "infinity"
    for _ in range(_WALKED):
        row = conn.execute(_NEWEST, (end,)).fetchone()
        if row is None or row[0] is None or len(found) == limit:
            break
        first = row[0].astimezone().date().replace(day=1)
        if year is not None and first.year < int(year[0]):
            break
        begin, name = midnight(first), first.isoformat()[:7]
        if name.startswith(typed):
            images = conn.execute(_IMAGES, (begin, end, COUNTED + 1)).fetchone()
            found.append((name, images[0] if images is not None else 0))
        end = begin
    return found

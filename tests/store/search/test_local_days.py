"""Days, months and years of the query line begin at the local midnight, also where the clocks change."""

from __future__ import annotations

from datetime import datetime

import pytest

from dtk_tui.store.database import Database
from tests.helpers.search_library import Library

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
ASUNCION = "<-04>4<-03>,M10.1.0/0,M3.4.0/0"
HAVANA = "CST5CDT,M3.2.0/0,M11.1.0/1"


@pytest.mark.parametrize(
    ("zone", "month", "first", "next_first"),
    [
        (BERLIN, "2025-03", "2025-03-01T00:00:00+01:00", "2025-04-01T00:00:00+02:00"),
        (BERLIN, "2025-10", "2025-10-01T00:00:00+02:00", "2025-11-01T00:00:00+01:00"),
        # Here the first of October has no midnight, there that of November has two.
        (ASUNCION, "2023-10", "2023-10-01T01:00:00-03:00", "2023-11-01T00:00:00-03:00"),
        (HAVANA, "2026-11", "2026-11-01T00:00:00-04:00", "2026-12-01T00:00:00-05:00"),
        (BERLIN, "2025", "2025-01-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
    ],
    indirect=["zone"],
)
def test_a_month_begins_and_ends_at_the_local_midnight(
    db: Database, zone: None, month: str, first: str, next_first: str
) -> None:
    begin, end = datetime.fromisoformat(first).timestamp(), datetime.fromisoformat(next_first).timestamp()
    moments = {"early": begin - 0.5, "first": begin, "last": end - 0.5, "late": end}
    with db.connection() as conn:
        library = Library(conn)
        for name, moment in moments.items():
            library.image(name, created_at=datetime.fromtimestamp(moment).astimezone())
        assert library.find(f"date:{month}") == ["last", "first"]
        assert library.find(f"date: since {month}") == ["late", "last", "first"]
        assert library.find(f"date: before {month}") == ["early"]
        assert library.find(f"date: from 1990 to {month}") == ["last", "first", "early"]
        assert library.find(f"date: {month} - 2100-01") == ["late", "last", "first"]

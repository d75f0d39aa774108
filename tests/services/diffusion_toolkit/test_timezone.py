"""Local times whose instant is unambiguous are the instants that the database takes them for."""

from __future__ import annotations

import random

import pytest

from dtk_tui.services.diffusion_toolkit.timezone import unambiguous_spans
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import dates


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu",
        "Pacific/Apia", "Asia/Beirut", "America/Caracas", "UTC",
    ],
)  # fmt: skip
def test_local_times_in_no_doubt_are_the_instants_that_the_database_takes_them_for(db: Database, zone: str) -> None:
    with db.connection() as conn:
        certain = unambiguous_spans(dates.utc_offsets(conn, zone))
        assert sum(last - first + 1 for first, last, _ in certain) > 0.97 * 38 * 365 * 864_000_000_000
        dice = random.Random(zone)
        for first, last, east in certain:
            for ticks in (first, last, dice.randint(first, last)):
                seconds = "SELECT extract(epoch FROM dtk_instant(%s, %s))"
                found = conn.execute(seconds, (ticks, zone)).fetchone()
                assert found is not None
                assert int(found[0] * 10**6) == (ticks - 621355968000000000) // 10 - east * 10**6

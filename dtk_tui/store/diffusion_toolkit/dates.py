"""Dates of Diffusion Toolkit: ticks of .NET in the local time of a zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from dtk_tui.store.database import Connection, row_of

#: Ticks between which every time zone of the world has a date that clients can show.
TICKS_RANGE: LiteralString = "1728000000000 AND 3155376383999999999"
#: The same limits for Python.
FIRST_TICK, LAST_TICK = 1728000000000, 3155376383999999999


def is_date(ticks: int) -> bool:
    """Whether ticks are a date that can be written."""
    return FIRST_TICK <= ticks <= LAST_TICK


def instants(conn: Connection, zone: str, ticks: Sequence[int]) -> list[int]:
    """Return the microseconds since 1970 of local times of a zone, which are dates."""
    query: LiteralString = """
        SELECT (extract(epoch FROM dtk_instant(ticks, %s)) * 1000000)::bigint
          FROM unnest(%s::bigint[]) WITH ORDINALITY AS given (ticks, place) ORDER BY place"""
    return [found for (found,) in conn.execute(query, (zone, list(ticks)))]


def utc_offsets(conn: Connection, zone: str) -> list[tuple[int, int]]:
    """Return (day since 1970, seconds east of UTC at its begin), day by day, from 2000 to 2037, in a time zone."""
    query: LiteralString = """
        SELECT (day::date - '1970-01-01'::date),
               (extract(epoch FROM day) - extract(epoch FROM timezone(%s, day)))::bigint
          FROM generate_series('2000-01-01'::timestamp, '2038-01-01', '1 day') AS day ORDER BY 1"""
    return conn.execute(query, (zone,)).fetchall()


def is_zone_known(conn: Connection, zone: str) -> bool:
    """Whether PostgreSQL knows a time zone by this name."""
    return bool(
        row_of(conn, "SELECT EXISTS (SELECT 1 FROM pg_timezone_names WHERE lower(name) = lower(%s))", (zone,))[0]
    )

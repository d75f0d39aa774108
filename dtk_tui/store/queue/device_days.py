"""How busy the GPUs of each host were, by day of the server's clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dtk_tui.domain.queue import DeviceDay, DeviceUse
from dtk_tui.store.database import Connection, row_of
from dtk_tui.store.text_codec import from_db, to_db

# Seconds before midnight are left out. Of the others count those that no other worker of the host has told of, as the
# row says under its lock: two workers at a time do not count them twice.
_ADD = """
INSERT INTO device_day AS known
SELECT at::date, %(host)s, %(device)s, %(name)s, today_s, %(busy_s)s * coalesce(today_s / nullif(%(observed_s)s, 0), 0),
       %(peak)s, %(total)s, at
  FROM (SELECT at, least(%(observed_s)s::double precision, extract(epoch FROM at - date_trunc('day', at))) AS today_s
          FROM clock_timestamp() AS at) AS seen
    ON CONFLICT (day, host, device) DO UPDATE
   SET (observed_s, busy_s) = (
           SELECT known.observed_s + new_s,
                  known.busy_s + coalesce(excluded.busy_s * new_s / nullif(excluded.observed_s, 0), 0)
             FROM (SELECT greatest(0, least(excluded.observed_s, extract(epoch FROM
                          excluded.observed_until - known.observed_until))) AS new_s) AS untold),
       name = excluded.name,
       memory_peak_gb = greatest(known.memory_peak_gb, excluded.memory_peak_gb),
       memory_total_gb = coalesce(excluded.memory_total_gb, known.memory_total_gb),
       observed_until = greatest(known.observed_until, excluded.observed_until)
"""
_ALL = """
SELECT day, host, device, name, observed_s, busy_s, memory_peak_gb, memory_total_gb
  FROM device_day ORDER BY day DESC, host, device
"""


def add(conn: Connection, host: str, uses: Sequence[DeviceUse]) -> None:
    """Add what a worker of a host saw of its GPUs until now; seconds that another one told of count once."""
    for use in sorted(uses, key=lambda one: one.device):
        values = {
            "host": to_db(host),
            "device": use.device,
            "name": to_db(use.name),
            "observed_s": use.observed_s,
            "busy_s": use.busy_s,
            "peak": use.memory_peak_gb,
            "total": use.memory_total_gb,
        }
        conn.execute(_ADD, values)


def days(conn: Connection) -> list[DeviceDay]:
    """Return how busy each GPU was on each day, the last day first."""
    return [DeviceDay(v[0], from_db(v[1]), DeviceUse(v[2], from_db(v[3]), *v[4:])) for v in conn.execute(_ALL)]


def today(conn: Connection) -> date:
    """Return the day that is not over yet, by the server's clock, which the days of the log go by, too."""
    found: date = row_of(conn, "SELECT clock_timestamp()::date", ())[0]
    return found

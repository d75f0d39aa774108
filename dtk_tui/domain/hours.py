"""Hours of the day in which workers rest, by the clock of their host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Hours:
    """From ``begin`` to ``end`` each day; over midnight when ``end`` is the earlier one."""

    begin: time
    end: time

    @classmethod
    def parse(cls, words: str) -> Hours:
        """Read ``09:00-17:00``; raises ValueError for anything else."""
        begin, end = words.split("-")
        return cls(time.fromisoformat(begin.strip()), time.fromisoformat(end.strip()))

    def last_edge(self, now: datetime) -> tuple[datetime, bool]:
        """Return when the hours last began or ended, and whether they began.

        Args:
            now: with a time zone; the hours are those of the system's zone, summer time included.
        """
        today = now.astimezone().date()
        edges = [
            (datetime.combine(today + timedelta(days=day), at).astimezone(), begins)
            for day in (-1, 0, 1)
            for at, begins in ((self.begin, True), (self.end, False))
        ]
        return max(edge for edge in edges if edge[0] <= now)

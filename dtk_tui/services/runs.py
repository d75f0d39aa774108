"""Runs: how far what one action queued is, how long it takes yet, and what came of it."""

from __future__ import annotations

from dataclasses import replace

from dtk_tui.domain.runs import Run, RunReport
from dtk_tui.domain.stats import unserved
from dtk_tui.services import stats
from dtk_tui.store.database import Database
from dtk_tui.store.queue import runs, workers


def recent(db: Database, limit: int = 200) -> list[Run]:
    """Return runs, the newest first."""
    with db.connection() as conn:
        return runs.recent(conn, limit)


def open_ids(db: Database) -> list[int]:
    """Return the ids of the runs of which something waits or runs."""
    with db.connection() as conn:
        return runs.open_ids(conn)


def report(db: Database, run_id: int) -> RunReport | None:
    """Return a run as it is now; None when there is no such run."""
    with db.connection() as conn:
        found = runs.report(conn, run_id)
        everyone = workers.all_workers(conn)
    if found is None:
        return None
    now, ahead = found
    pace, speed = stats.pace_of(everyone), stats.speed_of(everyone)
    parts = []
    for part in now.parts:
        rate = pace.get(part.kind.label)
        eta_s = ahead[part.kind] / rate if rate and part.kind in ahead else None
        parts.append(replace(part, rate=speed.get(part.kind.label, 0.0), eta_s=eta_s))
    left = {part.kind.label: part.left for part in parts}
    return replace(now, parts=tuple(parts), trouble=tuple(unserved(left, everyone, is_left_alone=True)))

"""Killing ``dtk migrate`` at chosen places of its whole course, and resuming it: shared by a test and a benchmark."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from time import monotonic

import psycopg

ZONE = "Europe/Berlin"
_DONE = "SELECT count(*) FROM migration WHERE state = 'done'"
_STAGED = "SELECT count(*) FROM migration_stage_chunk WHERE table_name <> ''"
#: What shows that a part behind the reading is reached; the first may be missed, then the other tells.
_SIGNS = {
    "indexing": r"^(CREATE (UNIQUE )?INDEX|ANALYZE|ALTER TABLE \"migration_beside\".* ADD)",
    "comparing and writing": r"^(COPY \(|LOCK|WITH|INSERT|UPDATE|ALTER|DROP)",
}
_DOING = """
SELECT query FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
   AND state IN ('active', 'idle in transaction')
   AND query !~ '^(LISTEN|SELECT pg_try_advisory_lock)'
 ORDER BY state, xact_start LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Course:
    """How long the parts of an undisturbed run take, in seconds and in order; ``chunks`` are its batches."""

    parts: dict[str, float]
    chunks: int

    @property
    def whole_s(self) -> float:
        """When everything is written."""
        return sum(self.parts.values())

    def places(self, dice: random.Random, count: int) -> list[float]:
        """Return random places: half of them anywhere in time, and as many in parts that are chosen at random.

        Short parts, such as the comparison at the end, are hit as well.
        """
        found = [dice.random() * self.whole_s for _ in range(count - count // 2)]
        ends = list(accumulate(self.parts.values()))
        for _ in range(count // 2):
            number = dice.randrange(len(ends))
            found.append(ends[number] - dice.random() * list(self.parts.values())[number])
        return sorted(found)

    def begin_of(self, part: str) -> float:
        """Return when a part begins."""
        names = list(self.parts)
        return sum(self.parts[name] for name in names[: names.index(part)])

    def part_at(self, place_s: float) -> str:
        """Return the name of the part in which a place lies."""
        ends = accumulate(self.parts.values())
        return next((name for name, end in zip(self.parts, ends, strict=True) if place_s < end), "the end")


@dataclass
class Killer:
    """Runs the import of one source into one database, and kills it.

    Attributes:
        done: how many kills there were, by the part of the course and what the database did.
    """

    url: str
    source: Path
    environ: Mapping[str, str]
    batch_size: int = 50
    done: Counter[tuple[str, str]] = field(default_factory=Counter)

    def command(self, *more: str) -> list[str]:
        """Return the command line."""
        return [
            sys.executable, "-m", "dtk_tui", "migrate", "--source", str(self.source), "--time-zone", ZONE,
            "--batch-size", str(self.batch_size), *more,
        ]  # fmt: skip

    def finish(self, *more: str) -> Course:
        """Run to the end and return how long the parts took; more than one part of a resumed run says little."""
        chunks = self._chunks()
        began = monotonic()
        environ = {**os.environ, **self.environ}
        run = subprocess.run(self.command("--json", *more), env=environ, check=False, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        took = monotonic() - began
        steps: dict[str, float] = json.loads(run.stdout)["steps"]
        start = max(took - sum(steps.values()), 0.1)
        return Course({"start": start, **steps}, chunks)

    def _chunks(self) -> int:
        from dtk_tui.services.diffusion_toolkit.read import loader
        from dtk_tui.services.diffusion_toolkit.source.database import open_source

        with open_source(str(self.source), self.source.parent / "looked at") as opened:
            return len(loader.plan(opened, self.batch_size))

    def state(self) -> str:
        """Return what the records say: nothing, loading or done."""
        with psycopg.connect(self.url) as conn:
            row = conn.execute("SELECT state FROM migration ORDER BY id DESC LIMIT 1").fetchone()
        return str(row[0]) if row else "nothing"

    def kill_at(self, place_s: float, course: Course) -> bool:
        """Start or resume the import and kill it at a place of its course; False when it ended before."""
        more = [] if self.state() == "nothing" else ["--resume"]
        environ, null = {**os.environ, **self.environ}, subprocess.DEVNULL
        with (
            psycopg.connect(self.url, autocommit=True) as watch,
            subprocess.Popen(self.command(*more), env=environ, stdout=null, stderr=null) as process,
        ):
            began = monotonic()
            part = course.part_at(place_s)
            reached_at: float | None = None
            for staged in self.looks(watch, process):
                now = monotonic()
                if reached_at is None and staged >= course.chunks and self._has_reached(watch, part):
                    reached_at = now
                reached = None if reached_at is None else course.begin_of(part) + now - reached_at
                if place_s <= _place(course, staged, now - began, reached):
                    break
            found = watch.execute(_DOING).fetchone()
            process.send_signal(signal.SIGKILL)
            if process.wait() != -signal.SIGKILL:
                return False
        self.done[course.part_at(place_s), _words(found[0] if found else "")] += 1
        return True

    def _has_reached(self, watch: psycopg.Connection, part: str) -> bool:
        """Whether a part behind the reading has begun, or a later one."""
        found = watch.execute(_DOING).fetchone()
        names = list(_SIGNS)
        if found is None or part not in names:
            return False
        doing = next((name for name, sign in _SIGNS.items() if re.search(sign, found[0])), None)
        return doing is not None and names.index(doing) >= names.index(part)

    def looks(self, watch: psycopg.Connection, process: subprocess.Popen[bytes]) -> Iterator[int]:
        """Yield how many batches are staged, again and again until the process ends."""
        staged = 0
        while process.poll() is None:
            try:
                row = watch.execute(_STAGED).fetchone() if staged < 10**9 else None
                staged = row[0] if row else staged
            except psycopg.errors.UndefinedTable:
                # Not made yet, or the library is written and the staging tables are gone.
                row = watch.execute(_DONE).fetchone()
                staged = 10**9 if row and row[0] else 0
            yield staged
            # The processors belong to the run: its times must be those of an undisturbed one.
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.004)


def _place(course: Course, staged: int, since_start_s: float, reached_s: float | None) -> float:
    """Return at which second of an undisturbed run a run is now."""
    if reached_s is not None:
        return reached_s
    start = course.parts["start"]
    if staged:
        return start + course.parts["reading"] * min(staged / course.chunks, 1.0)
    return min(since_start_s, start)


def _words(statement: str) -> str:
    """Return the begin of the statement that the database worked on."""
    words = re.findall(r"\w+", statement)
    return " ".join(words[:4]) or "-"

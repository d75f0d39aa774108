"""Chaos: workers are killed and frozen, PostgreSQL is killed and stopped, images go; in the end everything is right.

Seeded: the same seed does the same things in the same order. In the suite it is small; the whole of it is

    DTK_CHAOS_IMAGES=5000 DTK_CHAOS_RUNS=20 DTK_CHAOS_IDLE=1 pytest tests/e2e/test_chaos.py --timeout=0
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import pytest

from dtk_tui.config import load
from dtk_tui.errors import DatabaseLostError
from dtk_tui.store.database import Connection, Database
from tests.conftest import REPOSITORY
from tests.e2e.conftest import Dtk
from tests.idle import idle_models
from tests.pictures import write_png

pytestmark = pytest.mark.usefixtures("starter_models")

IMAGES = int(os.environ.get("DTK_CHAOS_IMAGES", "160"))
RUNS = int(os.environ.get("DTK_CHAOS_RUNS", "1"))
SEED = int(os.environ.get("DTK_CHAOS_SEED", "1"))
IDLE = bool(os.environ.get("DTK_CHAOS_IDLE"))
WORKERS = 3
BROKEN = max(2, IMAGES // 100)
PAIRS = IMAGES // 10
#: Blows in one run, with pauses of this many seconds between them.
BLOWS = max(10, IMAGES // 100)
PAUSE_S = (0.3, 1.6)

T = TypeVar("T")


class Chaos:
    """One run: a library, three workers, and what happens to them."""

    def __init__(self, dtk: Dtk, seed: int) -> None:
        self.dtk = dtk
        self.chance = random.Random(seed)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.done: list[str] = []
        self.broken: set[str] = set()

    def prepare(self) -> None:
        """Write the library, scan it, queue everything."""
        (self.dtk.home / "config.toml").write_text("[worker]\nlease_s = 2.0\n")
        library = self.dtk.home.parent / "library"
        for number in range(IMAGES - PAIRS):
            path = write_png(library / f"{number:05d}.png", f"a thing of kind {number % 40}, painted", seed=number)
            if number < PAIRS:  # a larger image with the same generation parameters
                write_png(library / "final" / path.name, f"a thing of kind {number % 40}, painted", number, (96, 96))
            elif number < PAIRS + BROKEN:
                path.write_bytes(path.read_bytes()[:-60])
                self.broken.add(str(path))
        self.dtk.run("db", "start")
        self.dtk.run("scan", str(library), timeout_s=600)
        self.dtk.run("queue", "add", "--all", "--kind", "tag,embed", timeout_s=600)

    def start(self) -> None:
        """Start a worker."""
        self.workers.append(self.dtk.start("worker", "run"))

    def blow(self, db: Database) -> None:
        """Do one bad thing."""
        what = self.chance.choice(["kill", "kill", "kill", "freeze", "postgres", "postgres", "delete", "delete"])
        self.done.append(what)
        victim = self.chance.randrange(len(self.workers))
        if what == "kill":
            os.killpg(self.workers[victim].pid, signal.SIGKILL)
            self.workers.pop(victim).communicate()
            self.start()
        elif what == "freeze":  # longer than its lease: others take its jobs, and then it comes back
            os.killpg(self.workers[victim].pid, signal.SIGSTOP)
            time.sleep(3)
            os.killpg(self.workers[victim].pid, signal.SIGCONT)
        elif what == "postgres":
            try:
                os.kill(self.dtk.server_pid(), self.chance.choice([signal.SIGKILL, signal.SIGINT]))
            except (FileNotFoundError, ProcessLookupError):
                self.done[-1] = "postgres was away"
        else:
            limit = max(1, PAIRS // 8)
            self.ask(db, lambda conn: conn.execute(_DELETE_REPRESENTATIVES, (limit,)))

    def ask(self, db: Database, action: Callable[[Connection], T]) -> T:
        """Do something in the database, again if it is away."""
        until = time.monotonic() + 120
        while True:
            try:
                with db.connection() as conn:
                    return action(conn)
            except DatabaseLostError:
                assert time.monotonic() < until, "PostgreSQL does not come back"
                time.sleep(0.2)

    def left(self, db: Database) -> int:
        """Return how many jobs are not ended."""
        sql = "SELECT count(*) FROM job WHERE state <> 'failed'"
        return int(self.ask(db, lambda conn: conn.execute(sql.encode()).fetchall())[0][0])


_DELETE_REPRESENTATIVES = """
DELETE FROM image WHERE id IN (
    SELECT image.id FROM image JOIN folder ON folder.id = folder_id
     WHERE folder.name = 'final' AND is_embedding_representative
       AND EXISTS (SELECT 1 FROM image member WHERE member.embedding_source_id = image.id)
     ORDER BY image.id LIMIT %s)
"""
#: What must not be there in the end, as queries that return what is wrong.
_WRONGS: dict[str, LiteralString] = {
    "a job is stuck": "SELECT id, kind, image_id, state FROM job WHERE state <> 'failed'",
    "an image has no tags": (
        "SELECT id FROM image WHERE NOT EXISTS (SELECT 1 FROM tag_prediction WHERE image_id = image.id)"
        " AND NOT EXISTS (SELECT 1 FROM job WHERE kind = 1 AND image_id = image.id)"
    ),
    "a representative has no vector": (
        "SELECT id FROM image WHERE is_embedding_representative"
        " AND NOT EXISTS (SELECT 1 FROM image_vector WHERE image_id = image.id)"
        " AND NOT EXISTS (SELECT 1 FROM job WHERE kind = 2 AND image_id = image.id)"
    ),
    "an image has a vector and is none": (
        "SELECT image_id FROM image_vector JOIN image ON image.id = image_id WHERE NOT is_embedding_representative"
    ),
    "a group has no representative": (
        "SELECT id FROM image WHERE NOT is_embedding_representative"
        " AND NOT EXISTS (SELECT 1 FROM image source WHERE source.id = image.embedding_source_id"
        " AND source.is_embedding_representative)"
    ),
    "a prompt has no vector": (
        "SELECT DISTINCT prompt_id FROM image JOIN image_vector ON image_id = image.id"
        " WHERE NOT EXISTS (SELECT 1 FROM prompt_vector WHERE prompt_vector.prompt_id = image.prompt_id)"
    ),
    "the log says twice": (
        "SELECT kind, image_id FROM job_log WHERE outcome = 'done' GROUP BY 1, 2 HAVING count(*) > 1"
    ),
    "a result is not in the log": (
        "(SELECT 1, image_id FROM tag_prediction UNION ALL SELECT 2, image_id FROM image_vector)"
        " EXCEPT SELECT kind, image_id FROM job_log WHERE outcome = 'done'"
    ),
    "the log names a result that is not there": (
        "SELECT kind, image_id FROM job_log JOIN image ON image.id = image_id WHERE outcome = 'done'"
        " EXCEPT (SELECT 1, image_id FROM tag_prediction UNION ALL SELECT 2, image_id FROM image_vector)"
    ),
}


@contextmanager
def _library(dtk: Dtk) -> Iterator[Database]:
    db = Database.open(load(dtk.environ))
    try:
        yield db
    finally:
        db.close()


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_chaos(dtk: Dtk, seed: int, tmp_path: Path) -> None:
    if IDLE:
        real = Path(os.environ.get("DTK_MODELS") or REPOSITORY / "models")
        dtk.environ["DTK_MODELS"] = str(idle_models(tmp_path / "models", real, tagger=True))
    chaos = Chaos(dtk, seed)
    chaos.prepare()
    with _library(dtk) as db:
        try:
            for _ in range(WORKERS):
                chaos.start()
            for number in range(BLOWS):
                time.sleep(chaos.chance.uniform(*PAUSE_S))
                assert number > 3 or chaos.left(db), "the blows fall while there is work"
                chaos.blow(db)
            until = time.monotonic() + max(120, IMAGES)
            while chaos.left(db):
                assert time.monotonic() < until, f"never done after {chaos.done}: {_stuck(chaos, db)}"
                assert all(worker.poll() is None for worker in chaos.workers), "a worker ended by itself"
                time.sleep(0.3)
        finally:
            for worker in chaos.workers:
                worker.terminate()
            for worker in chaos.workers:
                worker.communicate()
        for wrong, sql in _WRONGS.items():
            found = chaos.ask(db, lambda conn, sql=sql: conn.execute(sql.encode()).fetchall())  # type: ignore[misc]
            assert not found, f"{wrong} after {chaos.done}: {found[:5]}"
    failed = dtk.lines("queue", "list", "--state", "failed", "--limit", "10000")
    assert {job["path"] for job in failed} == chaos.broken and len(failed) == 2 * BROKEN, (chaos.done, failed[:3])
    assert all("damaged" in job["error"] for job in failed), failed


def _stuck(chaos: Chaos, db: Database) -> Any:
    sql = "SELECT state, worker_id, deaths, attempts, run_after, count(*) FROM job GROUP BY 1, 2, 3, 4, 5"
    return chaos.ask(db, lambda conn: conn.execute(sql.encode()).fetchall())

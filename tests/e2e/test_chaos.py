"""Chaos: workers are killed and frozen, PostgreSQL is killed and stopped, images go, everything is queued once more; in
the end every good image has one result of each kind, every broken one its reason, and the log says the same.

Seeded: the same seed does the same things in the same order. In the suite it is small; the whole of it is

    DTK_CHAOS_IMAGES=5000 DTK_CHAOS_RUNS=20 DTK_CHAOS_IDLE=1 pytest tests/e2e/test_chaos.py --timeout=0
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import pytest

from dtk_tui.config import load
from dtk_tui.domain.job import NORMAL, NOW, Kind
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DatabaseLostError
from dtk_tui.services.queue import enqueue
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import pruning
from dtk_tui.store.scan import listings
from tests.e2e.conftest import Dtk
from tests.helpers.idle_models import idle_models
from tests.helpers.paths import REPOSITORY
from tests.helpers.pictures import write_png

pytestmark = pytest.mark.usefixtures("quick_models")

IMAGES = int(os.environ.get("DTK_CHAOS_IMAGES", "120"))
RUNS = int(os.environ.get("DTK_CHAOS_RUNS", "1"))
SEED = int(os.environ.get("DTK_CHAOS_SEED", "1"))
IDLE = bool(os.environ.get("DTK_CHAOS_IDLE"))
WORKERS = 3
BROKEN = max(2, IMAGES // 100)
PAIRS = IMAGES // 10
#: Blows in one run, spread over its jobs, and the longest that one waits for jobs to end.
BLOWS = max(10, IMAGES // 100)
LONGEST_S = 8.0
#: Longer than the longest pause before a job is tried again.
STUCK_S = 400.0
#: Models that do nothing are so quick that larger files are needed for the blows to fall among the work.
SIDE = 384 if IDLE else 64
#: What must have been among them.
LEAST = {"kill": 2, "postgres": 1, "delete": 1, "queue": 1}

T = TypeVar("T")


@dataclass(frozen=True)
class Library:
    """A folder of images, and the paths of those that are broken."""

    folder: Path
    broken: frozenset[str]


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    """Files for every run; a run changes none of them."""
    with tempfile.TemporaryDirectory(prefix="dtk-chaos-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / "library"
        broken = set()
        for number in range(IMAGES - PAIRS):
            prompt = f"a thing of kind {number % 40}, painted"
            path = write_png(folder / f"{number:05d}.png", prompt, number, (SIDE, SIDE))
            if number < PAIRS:  # a larger image with the same generation parameters
                write_png(folder / "final" / path.name, prompt, number, (SIDE * 3 // 2, SIDE * 3 // 2))
            elif number < PAIRS + BROKEN:
                path.write_bytes(path.read_bytes()[:-60])
                broken.add(str(path))
        yield Library(folder, frozenset(broken))


class Chaos:
    """One run: a library, three workers, and what happens to them."""

    def __init__(self, dtk: Dtk, seed: int) -> None:
        self.dtk = dtk
        self.config = load(dtk.environ)
        self.chance = random.Random(seed)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.done: list[str] = []
        # Each at least so often, in the first half of them; the rest is left to chance.
        sure = [what for what, times in LEAST.items() for _ in range(times)]
        self.chance.shuffle(sure)
        rest = self.chance.choices(BLOW_NAMES, BLOW_WEIGHTS, k=BLOWS - len(sure) - 1)
        # Last of all what no death of a worker heals: commits that PostgreSQL forgets.
        self.plan = [*sure, *rest, "postgres"]

    def prepare(self, library: Library) -> None:
        """Scan the library, queue everything."""
        self.dtk.run("db", "start")
        self.dtk.run("scan", str(library.folder), timeout_s=600)
        self.dtk.run("queue", "add", "--all", "--kind", "tag,embed", timeout_s=600)

    def start(self) -> None:
        """Start a worker."""
        self.workers.append(self.dtk.start("worker", "run"))

    def blow(self, db: Database, what: str) -> None:
        """Do one bad thing."""
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
        elif what == "queue":  # what is done stays done, what failed is tried again, what waits is hurried or not
            kinds = [Kind.TAG, Kind.EMBED]
            enqueue(db, self.config, Target(everything=True), kinds, priority=self.chance.choice([NORMAL, NOW]))
        else:
            self._delete(db, vanish=self.chance.random() < 0.5)

    def _delete(self, db: Database, *, vanish: bool) -> None:
        """Delete representatives: at once, or as a scan that misses them and a prune do."""
        limit = max(1, PAIRS // 8)
        sql = _REPRESENTATIVES.encode()
        ids = [number for (number,) in self.ask(db, lambda conn: conn.execute(sql, (limit,)).fetchall())]
        if vanish:
            self.ask(db, lambda conn: listings.mark_unavailable(conn, ids))
            self.ask(db, pruning.prune_some)
        else:
            self.ask(db, lambda conn: conn.execute("DELETE FROM image WHERE id = ANY (%s)", (ids,)))

    def ask(self, db: Database, action: Callable[[Connection], T]) -> T:
        """Do something in the database, again if it is away."""
        until = time.monotonic() + 300
        while True:
            try:
                with db.listener() as conn, conn.transaction():  # a pool takes its time to come back
                    return action(conn)
            except DatabaseLostError:
                assert time.monotonic() < until, "PostgreSQL does not come back"
                time.sleep(0.2)

    def check(self, db: Database, wrongs: dict[str, LiteralString]) -> None:
        """Fail if a query finds what must not be."""
        for wrong, sql in wrongs.items():
            found = self.ask(db, lambda conn, sql=sql: conn.execute(sql).fetchall())  # type: ignore[misc]
            assert not found, f"{wrong} after {self.done}: {found[:5]}"

    def wait(self, db: Database, goal: float) -> bool:
        """Wait until at most so many jobs are left, or for a while; say whether there are any."""
        until = time.monotonic() + LONGEST_S
        while (left := self.left(db)) > goal and time.monotonic() < until:
            time.sleep(0.05)
        return left > 0

    def drain(self, db: Database) -> None:
        """Wait until nothing is left; it fails when nothing ends any more."""
        until, least = time.monotonic() + STUCK_S, self.left(db)
        while left := self.left(db):
            if left < least:
                until, least = time.monotonic() + STUCK_S, left
            assert time.monotonic() < until, f"never done after {self.done}: {_stuck(self, db)}"
            for worker in self.workers:
                assert worker.poll() is None, f"a worker ended by itself after {self.done}: {worker.communicate()[1]!r}"
            time.sleep(0.3)

    def left(self, db: Database) -> int:
        """Return how many jobs are not ended."""
        sql = "SELECT count(*) FROM job WHERE state <> 'failed'"
        return int(self.ask(db, lambda conn: conn.execute(sql.encode()).fetchall())[0][0])


BLOW_NAMES = ["kill", "freeze", "postgres", "delete", "queue"]
BLOW_WEIGHTS = [3, 1, 2, 2, 1]

_REPRESENTATIVES = """
SELECT image.id FROM image JOIN folder ON folder.id = folder_id
 WHERE folder.name = 'final' AND is_embedding_representative
   AND EXISTS (SELECT 1 FROM image member WHERE member.embedding_source_id = image.id)
 ORDER BY image.id LIMIT %s
"""
#: What must not be there at any moment, as queries that return what is wrong.
_NEVER: dict[str, LiteralString] = {
    "a job ended twice": (
        "SELECT job_id FROM job_log WHERE outcome = 'done' GROUP BY 1 HAVING count(*) > 1"
        " UNION ALL SELECT job_id FROM job_log JOIN job ON job.id = job_id WHERE outcome = 'done'"
    ),
    "tags are not in the log": (
        "SELECT image_id FROM tag_prediction EXCEPT SELECT image_id FROM job_log WHERE kind = 1 AND outcome = 'done'"
    ),
    "the log names tags that are not there": (
        "SELECT image_id FROM job_log JOIN image ON image.id = image_id WHERE kind = 1 AND outcome = 'done'"
        " EXCEPT SELECT image_id FROM tag_prediction"
    ),
}
#: What must not be there in the end.
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
    "an image has not one verdict": (
        "SELECT id FROM image WHERE EXISTS (SELECT 1 FROM tag_prediction WHERE image_id = image.id)"
        " AND (SELECT count(*) FROM image_tag WHERE image_id = image.id AND source = 'open-nsfw') <> 1"
    ),
    "a failure is not in the log": (
        "SELECT kind, image_id FROM job WHERE state = 'failed'"
        " EXCEPT SELECT kind, image_id FROM job_log WHERE outcome = 'failed'"
    ),
    "the log names a failure of a good image": (
        "SELECT kind, image_id FROM job_log WHERE outcome = 'failed'"
        " EXCEPT SELECT kind, image_id FROM job WHERE state = 'failed'"
    ),
    "a result is not in the log": (
        "(SELECT 1, image_id FROM tag_prediction UNION ALL SELECT 2, image_id FROM image_vector)"
        " EXCEPT SELECT kind, image_id FROM job_log WHERE outcome = 'done'"
    ),
    # A member whose look PostgreSQL forgot is embedded by itself, and joins its group again: the vector is the group's.
    "the log names a result that is not there": (
        "SELECT kind, image_id FROM job_log JOIN image ON image.id = image_id WHERE outcome = 'done'"
        " EXCEPT (SELECT 1, image_id FROM tag_prediction UNION ALL SELECT 2, image.id FROM image"
        " JOIN image_vector ON image_vector.image_id = coalesce(image.embedding_source_id, image.id))"
    ),
}


@contextmanager
def _open(dtk: Dtk) -> Iterator[Database]:
    db = Database.open(load(dtk.environ))
    try:
        yield db
    finally:
        db.close()


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_chaos(dtk: Dtk, seed: int, library: Library, tmp_path: Path) -> None:
    if IDLE:
        real = Path(os.environ.get("DTK_MODELS") or REPOSITORY / "models")
        dtk.environ["DTK_MODELS"] = str(idle_models(tmp_path / "models", real, tagger=True))
    (dtk.home / "config.toml").write_text("[worker]\nlease_s = 2.0\n")
    chaos = Chaos(dtk, seed)
    chaos.prepare(library)
    with _open(dtk) as db:
        try:
            for _ in range(WORKERS):
                chaos.start()
            total = chaos.left(db)
            for number, what in enumerate(chaos.plan):
                chaos.check(db, _NEVER)
                if not chaos.wait(db, total * (1 - (number + chaos.chance.random()) / (BLOWS + 2))):
                    break
                chaos.blow(db, what)
            assert len(chaos.done) >= BLOWS // 2, f"the blows fall while there is work: {chaos.done}"
            chaos.drain(db)
        finally:
            for worker in chaos.workers:
                worker.terminate()
            for worker in chaos.workers:
                worker.communicate()
        chaos.check(db, _NEVER | _WRONGS)
    failed = dtk.lines("queue", "list", "--state", "failed", "--limit", "10000")
    assert {job["path"] for job in failed} == library.broken and len(failed) == 2 * BROKEN, (chaos.done, failed[:3])
    assert all("damaged" in job["error"] for job in failed), failed


def _stuck(chaos: Chaos, db: Database) -> Any:
    sql = "SELECT state, worker_id, deaths, attempts, run_after::text, count(*) FROM job GROUP BY 1, 2, 3, 4, 5"
    return chaos.ask(db, lambda conn: conn.execute(sql.encode()).fetchall())

"""An attack on the files: while three workers work, pictures are renamed, moved and exchanged, folders are renamed,
roots go away and come back, representatives break, and scans and workers are killed.

In the end every good picture has one result of each kind, of its present content, and only what is broken has failed.
Seeded: the same seed does the same things in the same order. In the suite it is small; the whole of it is

    DTK_ATTACK_IMAGES=20000 pytest tests/e2e/test_chaos_files.py --timeout=0
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dtk_tui.config import load
from dtk_tui.domain.job import NORMAL, NOW, Kind
from dtk_tui.domain.queue import Target
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.services.queue import enqueue
from dtk_tui.store.database import Database
from tests.e2e.conftest import Dtk
from tests.helpers.idle_models import idle_models
from tests.helpers.paths import REPOSITORY
from tests.helpers.pictures import infotext, picture

pytestmark = pytest.mark.usefixtures("starter_models")

IMAGES = int(os.environ.get("DTK_ATTACK_IMAGES", "60"))
RUNS = int(os.environ.get("DTK_ATTACK_RUNS", "1"))
SEED = int(os.environ.get("DTK_ATTACK_SEED", "1"))
WORKERS = 3
BLOWS = int(os.environ.get("DTK_ATTACK_BLOWS", max(14, IMAGES // 200)))
#: How many files one blow meets, and how many results are computed once more to compare.
SOME = max(3, IMAGES // 100)
COMPARED = 400
#: The longest that one blow waits for jobs to end, and that nothing may end in the end.
LONGEST_S, STUCK_S = 3.0, 300.0
#: Each blow and its weight; each comes at least once.
WEIGHTS = {
    "rename": 4, "move": 4, "swap": 3, "rename a folder": 2, "away": 3, "empty": 3, "break": 2, "scan": 4,
    "kill a scan": 4, "kill a worker": 3, "queue": 2,
}  # fmt: skip


class Files:
    """The pictures on the disk, in two roots; which of them are good is known all the time.

    Attributes:
        good: paths of pictures that can be decoded.
        finals: paths of those that are larger than another with the same generation parameters.
    """

    def __init__(self, place: Path, chance: random.Random) -> None:
        self.roots = [place / "disk", place / "home"]
        self._place = place
        self._chance = chance
        self._names = 0
        self.good: list[Path] = []
        self.finals: list[Path] = []
        self.broken: list[Path] = []
        for root in self.roots:
            for number in range(3):
                (root / f"set {number}").mkdir(parents=True)
        for number in range(IMAGES * 4 // 5):
            self._write(number, self.folder(), final=number % 4 == 0)

    def _write(self, number: int, folder: Path, *, final: bool) -> None:
        info = PngInfo()
        info.add_itxt("parameters", infotext(f"a thing of kind {number % 8}, painted", number))
        small = picture(number)
        path = folder / f"{number:05d}.png"
        small.save(path, pnginfo=info)
        self.good.append(path)
        if final:
            path = self.folder() / f"{number:05d} final.png"
            small.resize((96, 96)).save(path, pnginfo=info)
            self.good.append(path)
            self.finals.append(path)

    def folder(self) -> Path:
        """Return any folder."""
        return self._chance.choice(sorted(path for root in self.roots for path in root.iterdir() if path.is_dir()))

    def some(self) -> list[Path]:
        """Return a few good pictures."""
        return self._chance.sample(self.good, SOME)

    def place(self, old: Path, new: Path) -> None:
        """Move a good picture."""
        old.rename(new)
        self.good[self.good.index(old)] = new
        if old in self.finals:
            self.finals[self.finals.index(old)] = new

    def new_name(self) -> str:
        """Return a name that no file has had."""
        self._names += 1
        return f"renamed {self._names:05d}"

    def swap(self, one: Path, other: Path) -> None:
        """Exchange the names of two pictures: each path is still good."""
        between = self._place / "between"
        one.rename(between)
        other.rename(one)
        between.rename(other)
        # Both are finals or not by what they hold, which only decides what is broken later.

    def rename_folder(self) -> None:
        """Rename a folder with all that is in it."""
        old = self.folder()
        new = old.with_name(self.new_name())
        old.rename(new)
        for paths in (self.good, self.finals, self.broken):
            paths[:] = [new / path.name if path.parent == old else path for path in paths]

    def break_one(self) -> None:
        """Put a picture that is cut short, but larger, in the place of a final."""
        path = self._chance.choice(self.finals)
        info = PngInfo()
        text = self._parameters(path)
        info.add_itxt("parameters", text)
        noise = np.random.default_rng(self._names).integers(0, 255, (128, 128, 3), np.uint8)
        Image.fromarray(noise).save(path, pnginfo=info)
        path.write_bytes(path.read_bytes()[:-5000])
        self.finals.remove(path)
        self.good.remove(path)
        self.broken.append(path)

    def _parameters(self, path: Path) -> str:
        with Image.open(path) as image:
            return str(image.text["parameters"])  # type: ignore[attr-defined]


class Attack:
    """One run: the files, three workers, and what happens to them."""

    def __init__(self, dtk: Dtk, db: Database, files: Files, chance: random.Random) -> None:
        self.dtk = dtk
        self.db = db
        self.files = files
        self.chance = chance
        self.workers = [dtk.start("worker", "run") for _ in range(WORKERS)]
        self.done: list[str] = []
        plan = [*WEIGHTS, *chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=BLOWS - len(WEIGHTS))]
        chance.shuffle(plan)
        self.plan = plan

    def blow(self, what: str) -> None:
        """Do one bad thing."""
        self.done.append(what)
        files = self.files
        if what == "rename":
            for path in files.some():
                files.place(path, path.with_name(f"{files.new_name()}.png"))
        elif what == "move":
            for path in files.some():
                files.place(path, files.folder() / f"{files.new_name()}.png")
        elif what == "swap":
            one, other, *_ = files.some()
            files.swap(one, other)
        elif what == "rename a folder":
            files.rename_folder()
        elif what == "break":
            files.break_one()
        elif what in ("away", "empty"):
            self._unmount(empty=what == "empty")
        elif what == "scan":
            self._scan().wait(600)
        elif what == "kill a scan":
            killed = self._scan()
            time.sleep(self.chance.uniform(0.3, 2.0))
            os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
        elif what == "kill a worker":
            victim = self.workers.pop(self.chance.randrange(WORKERS))
            os.killpg(victim.pid, signal.SIGKILL)
            victim.communicate()
            self.workers.append(self.dtk.start("worker", "run"))
        else:
            self.queue(again=True)

    def _unmount(self, *, empty: bool) -> None:
        """Take a root away for a moment, with or without an empty folder in its place, and a scan meanwhile."""
        root = self.chance.choice(self.files.roots)
        away = root.with_name(f"{root.name} away")
        root.rename(away)
        if empty:
            root.mkdir()
        if self.chance.random() < 0.5:
            self._scan().wait(600)
        else:
            self.wait(0, 1.5)
        if empty:
            root.rmdir()
        away.rename(root)

    def _scan(self) -> subprocess.Popen[bytes]:
        command = [self.dtk.program, "scan"]
        return subprocess.Popen(
            command,
            env=self.dtk.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def queue(self, *, again: bool = False) -> int:
        """Queue everything that is not done, or a part of it once more."""
        config, kinds = load(self.dtk.environ), [Kind.TAG, Kind.EMBED]
        target = Target(everything=True)
        if again:
            ids = [number for (number,) in self.ask("SELECT id FROM image ORDER BY id")]
            target = Target(image_ids=tuple(self.chance.sample(ids, len(ids) // 4)))
        priority = self.chance.choice([NORMAL, NOW])
        return enqueue(self.db, config, target, kinds, priority=priority, again=again).queued

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with self.db.connection() as conn:
            return conn.execute(sql.encode()).fetchall()

    def left(self) -> int:
        """Return how many jobs are not ended."""
        return int(self.ask("SELECT count(*) FROM job WHERE state <> 'failed'")[0][0])

    def wait(self, goal: float, longest_s: float = LONGEST_S) -> None:
        """Wait until at most so many jobs are left, or for a while."""
        until = time.monotonic() + longest_s
        while self.left() > goal and time.monotonic() < until:
            time.sleep(0.05)

    def drain(self) -> None:
        """Wait until nothing is left; it fails when nothing ends any more."""
        until, least = time.monotonic() + STUCK_S, self.left()
        while left := self.left():
            if left < least:
                until, least = time.monotonic() + STUCK_S, left
            assert time.monotonic() < until, f"never done after {self.done}: {_jobs(self)}"
            assert all(worker.poll() is None for worker in self.workers), "a worker ended by itself"
            time.sleep(0.1)

    def end(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.communicate(timeout=60)


#: What each picture has: path, available, results of each kind, whether its group has a vector, and one only.
_RESULTS = """
SELECT folder.path || '/' || image.file_name, image.id,
       (SELECT count(*) FROM tag_prediction WHERE image_id = image.id),
       (SELECT count(*) FROM image_vector WHERE image_id = coalesce(image.embedding_source_id, image.id)),
       (SELECT count(*) FROM image_vector WHERE image_id = image.id AND embedding_source_id IS NOT NULL),
       coalesce(image.embedding_source_id, image.id)
  FROM image JOIN folder ON folder.id = image.folder_id WHERE NOT image.unavailable
"""


@contextmanager
def _open(dtk: Dtk) -> Iterator[Database]:
    db = Database.open(load(dtk.environ))
    try:
        yield db
    finally:
        db.close()


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_every_good_picture_has_one_current_result_after_an_attack_on_the_files(
    dtk: Dtk, seed: int, tmp_path: Path
) -> None:
    real = Path(os.environ.get("DTK_MODELS") or REPOSITORY / "models")
    dtk.environ["DTK_MODELS"] = str(idle_models(tmp_path / "models", real, tagger=True))
    (dtk.home / "config.toml").write_text("[worker]\nlease_s = 2.0\n")
    chance = random.Random(seed)
    files = Files(tmp_path, chance)
    dtk.run("db", "start")
    dtk.run("scan", *map(str, files.roots), timeout_s=600)
    with _open(dtk) as db:
        attack = Attack(dtk, db, files, chance)
        try:
            attack.queue()
            total = attack.left()
            for number, what in enumerate(attack.plan):
                attack.wait(total * (1 - (number + chance.random()) / BLOWS))
                attack.blow(what)
            dtk.run("scan", timeout_s=600)
            attack.drain()
        finally:
            attack.end()
        _check(attack, tmp_path / "models")


def _check(attack: Attack, models: Path) -> None:
    """Fail unless every good picture has what it should have, and nothing else has failed but what is broken."""
    rows = {v[0]: v[1:] for v in attack.ask(_RESULTS)}
    good = {str(path) for path in attack.files.good}
    assert good | {str(path) for path in attack.files.broken} == rows.keys(), attack.done
    wrong = {path: rows[path] for path in good if rows[path][1:4] != (1, 1, 0)}
    assert not wrong, f"{len(wrong)} of {len(good)} after {attack.done}: {_stories(attack, list(wrong.values())[:3])}"
    failed = attack.ask(_FAILED)
    broken = {str(path) for path in attack.files.broken}
    # A final that was broken and renamed before any scan is a new file; what it was is nowhere any more.
    assert not [v for v in failed if not (v[2] if v[3] else v[0] in broken)], f"{failed} after {attack.done}"
    spec = load_manifest().get("dinov2-small")
    embedder = ImageEmbedder(spec, models, 1)
    sample = random.Random(0).sample(sorted(good), min(COMPARED, len(good)))
    vectors = dict(attack.ask("SELECT image_id, vec::text FROM image_vector"))
    for path in (path for path in sample if rows[path][4] == rows[path][0]):
        expected = embedder.infer(embedder.load(path)[None])[0]
        found = np.array([float(value) for value in vectors[rows[path][0]].strip("[]").split(",")])
        assert np.abs(expected - found).max() < 2e-3, f"{path} has the vector of another picture after {attack.done}"


#: What has failed: path, reason, whether its file was missing, and whether the last scan did not find it.
_FAILED = """
SELECT folder.path || '/' || file_name, job.error, job.missing, image.unavailable
  FROM job JOIN image ON image.id = image_id JOIN folder ON folder.id = folder_id WHERE state = 'failed'
"""
#: The group of an image, and what was done of each member.
_STORY = """
SELECT image.id, folder.path || '/' || file_name, embedding_source_id,
       (SELECT count(*) FROM image_vector WHERE image_id = image.id),
       (SELECT array_agg(format('%s %s %s', kind, outcome, to_char(finished_at, 'MI:SS.MS')) ORDER BY id)
          FROM job_log WHERE image_id = image.id AND kind = 2)
  FROM image JOIN folder ON folder.id = folder_id
 WHERE metadata_hash = (SELECT metadata_hash FROM image WHERE id = {id})
"""


def _stories(attack: Attack, wrong: list[tuple[Any, ...]]) -> Any:
    return [attack.ask(_STORY.replace("{id}", str(row[0]))) for row in wrong], _jobs(attack)


def _jobs(attack: Attack) -> Any:
    return attack.ask(
        "SELECT state, missing, deaths, attempts, left(error, 200), count(*) FROM job GROUP BY 1, 2, 3, 4, 5"
    )

"""What commands print for scripts, and their exit statuses, on a small library."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.config import Config
from dtk_tui.services.diffusion_toolkit import schema
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database
from tests.helpers.golden import check
from tests.helpers.running_app import SUBJECTS
from tests.helpers.transcript import VARYING, Transcript

SNAPSHOTS = Path(__file__).parent / "__snapshots__"
_GPU_DAYS = """
INSERT INTO device_day VALUES
    ('2020-02-03', 'studio', 0, 'NVIDIA H100', 7200, 2400, 61.25, 80, '2020-02-03 20:00+00'),
    ('2020-02-03', 'studio', 1, 'NVIDIA H100', 0, 0, 61.25, NULL, '2020-02-03 20:00+00'),
    ('2999-01-02', 'attic', 0, 'NVIDIA T4', 60, 60, NULL, NULL, '2999-01-02 20:00+00');
"""


def test_library_commands(dtk: Transcript, pictures: Path, tmp_path: Path) -> None:
    dtk.run("scan", str(pictures), "--dry-run", "--json")
    dtk.run("scan", str(pictures), "--json")
    dtk.run("scan", "--reparse", "--json")
    dtk.run("scan", str(tmp_path / "nowhere"), "--json")
    dtk.run("scan", "--watch", "--dry-run")
    dtk.run("show", str(pictures / "a" / "0.png"), "--json")
    dtk.run("show", str(pictures / "b" / "broken.png"), "--json")
    dtk.run("show", str(pictures / "a" / "1.png"))
    dtk.run("show", "4711")
    dtk.run("search", "castle", "--json")
    dtk.run("search", "seed:3-9", "--limit", "2", "--json")
    dtk.run("search", "nothing like it", "--json")
    dtk.run("search", "castle", "--facets", "--json")
    dtk.run("search", "castle", "--facets")
    dtk.run("search", "fox")
    dtk.run("search", "steps:many")
    dtk.run("search", "castle", "--sort", "name_desc", "--json")
    dtk.run("search", "castle", "--sort", "colour")
    dtk.run("search", "castle", "--paths0", "--json")
    dtk.run("search", "castle", "--show")
    dtk.run("query", "list")
    dtk.run("query", "save", "Foxes", "red fox", "steps:20")
    dtk.run("query", "save", "Foxes", "red")
    dtk.run("query", "save", "Foxes", "red", "--replace")
    dtk.run("query", "save", "castles", "castle", "OR")
    dtk.run("query", "save", "castles", "castle")
    dtk.run("query", "pin", "castles")
    dtk.run("query", "list")
    dtk.run("query", "pin", "castles", "--off")
    dtk.run("query", "list", "--json", varying=VARYING | {"modified_at"})
    dtk.run("query", "delete", "Foxes")
    dtk.run("query", "delete", "Foxes")
    dtk.run("search", "about: dogs")
    dtk.run("similar", str(pictures / "a" / "0.png"), "--json")
    dtk.run("status", "--json")
    dtk.run("status")
    dtk.run("library", "add", str(tmp_path))
    dtk.run("library", "exclude", str(pictures / "b"))
    dtk.run("library", "archive", str(pictures / "a"), "--no-recursive")
    dtk.run("library", "roots", "--json")
    dtk.run("library", "roots")
    dtk.run("library", "include", str(pictures / "b"))
    dtk.run("library", "include", str(pictures / "a"))
    dtk.run("library", "failures", "--json")
    dtk.run("library", "failures", str(tmp_path / "nowhere"), "--json")
    (pictures / "a" / "3.png").unlink()
    dtk.run("scan", str(pictures), "--json")
    for options in (["groups"], ["groups", "--check", "--dry-run"], ["groups", "--check"]):
        dtk.run("library", *options)
        dtk.run("library", *options, "--json")
    dtk.run("library", "prune", "--dry-run", "--json")
    dtk.run("library", "prune", "--dry-run")
    dtk.run("library", "prune", "--yes", "--json")
    dtk.run("library", "remove", str(pictures / "b"), "--dry-run")
    dtk.run("library", "remove", str(pictures / "b"), "--yes")
    dtk.run("status", "--json")
    check(SNAPSHOTS / "json-library.txt", dtk.text())


def test_paths_for_other_programs_end_with_a_nul(dtk: Transcript, pictures: Path) -> None:
    dtk.run("scan", str(pictures))
    done = CliRunner().invoke(application, ["search", "castle", "--sort", "name", "--paths0"])
    assert done.stdout_bytes == b"".join(bytes(pictures / "a" / f"{number}.png") + b"\0" for number in (0, 3))


def test_duplicates(dtk: Transcript, pictures: Path) -> None:
    (pictures / "b" / "broken.png").unlink()
    dtk.run("scan", str(pictures), "--json")
    dtk.run("duplicates")
    dtk.run("duplicates", "--kind", "near")
    copy = shutil.copy(pictures / "a" / "0.png", pictures / "b" / "0 \x1b[31mcopy.png")
    os.utime(copy, (1_750_000_100, 1_750_000_100))
    dtk.run("scan", str(pictures), "--json")
    dtk.run("duplicates", "--json")
    dtk.run("duplicates", "--keep", "newest")
    dtk.run("duplicates", "--kind", "group", "--json")
    dtk.run("duplicates", "--kind", "cluster")
    dtk.run("clusters")
    dtk.run("clusters", "--by", "hash", "--json")
    dtk.run("clusters", "--by", "hash", "--threshold", "9")
    dtk.run("clusters", "--by", "vectors", "--would-change")
    dtk.run("clusters", "--would-change", "--json")
    dtk.run("library", "groups", "--check", "--json")
    check(SNAPSHOTS / "json-duplicates.txt", dtk.text())


def test_queue_commands(dtk: Transcript, pictures: Path, db: Database) -> None:
    dtk.run("scan", str(pictures), "--json")
    dtk.run("queue", "add", "--all", "--dry-run", "--json")
    dtk.run("queue", "add", "--folder", str(pictures / "b"), "--kind", "embed", "--preview", "--json")
    dtk.run("queue", "add", "--folder", str(pictures / "b"), "--kind", "embed", "--preview")
    dtk.run("queue", "add", "--folder", str(pictures), "--recursive", "--kind", "embed", "--json")
    dtk.run("queue", "add", "--image", str(pictures / "a" / "0.png"), "--kind", "tag", "--now", "--json")
    dtk.run("queue", "add", "--query", "castle", "--kind", "tag", "--json")
    dtk.run("queue", "add", "--all", "--kind", "dance")
    dtk.run("queue", "add")
    dtk.run("queue", "add", "--all")
    with db.connection() as conn:
        conn.execute("UPDATE job SET state = 'failed', error = 'no luck', attempts = 3 WHERE id < 3")
    jobs = dtk.run("queue", "list", "--json")
    dtk.run("queue", "list", "--state", "failed", "--json")
    dtk.run("queue", "list", "--state", "asleep")
    dtk.run("queue", "list", "--limit", "3")
    first = str(max(job["id"] for job in jobs if isinstance(job, dict)))
    dtk.run("queue", "retry", "--json")
    dtk.run("queue", "priority", "10", "--kind", "tag", "--json")
    dtk.run("queue", "priority", "10", "--job", first, "--json")
    dtk.run("status", "--json")
    dtk.run("queue", "remove", first, "--json")
    dtk.run("queue", "clear", "--kind", "embed", "--json")
    dtk.run("queue", "clear", "--json")
    dtk.run("log", "--kind", "tag", "--json")
    dtk.run("log", "--outcome", "removed", "--since", "1h", "--limit", "1", "--json")
    dtk.run("log", "--outcome", "eaten")
    dtk.run("log", "--since", "yesterday or so")
    dtk.run("log", "--since", "2025-13")
    dtk.run("log", "--outcome", "removed", "--since", "9000", "--json")
    dtk.run("log", "--outcome", "removed", "--since", "2000-01", "--limit", "1", "--json")
    dtk.run("log", "--days", "--json")
    dtk.run("log", "--gpus", "--json")
    dtk.run("log", "--gpus")
    with db.connection() as conn:
        conn.execute(_GPU_DAYS)
    dtk.run("log", "--gpus", "--json")
    dtk.run("log", "--gpus")
    dtk.run("log", "--gpus", "--days")
    dtk.run("queue", "runs")
    together = ("queue", "add", "--folder", str(pictures), "-r", "--kind", "tag,caption")
    dtk.run(*together, "--dry-run", "--json")
    dtk.run(*together, "--json")
    dtk.run(*together)
    dtk.run("queue", "clear", "--kind", "tag", "--json")
    dtk.run("queue", "runs", "--json")
    dtk.run("queue", "runs", "--run", "1")
    dtk.run("queue", "runs", "--run", "4711")
    check(SNAPSHOTS / "json-queue.txt", dtk.text())


def test_worker_commands(dtk: Transcript, db: Database, config: Config) -> None:
    for word in ("start", "pause", "stop"):
        dtk.run("worker", word)
    engine = Engine(db, config)
    engine.open()
    try:
        while not (workers := snapshot(db).workers) or not workers[0].stats:
            time.sleep(0.02)
        dtk.run("worker", "stop")
        dtk.run("worker", "stop", "--worker", "4711")
        dtk.run("status", "--json")
        dtk.run("status")
    finally:
        engine.close()
    check(SNAPSHOTS / "json-worker.txt", dtk.text())


def test_other_commands(dtk: Transcript, pictures: Path, tmp_path: Path) -> None:
    dtk.run()
    dtk.run("--version")
    dtk.run("nonsense")
    dtk.run("config", "show", "--json")
    dtk.run("config", "path")
    dtk.run("models", "list", "--json")
    dtk.run("models", "verify", "--json")
    dtk.run("models", "verify", "nosuch", "--json")
    dtk.run("scan", str(pictures), "--json")
    dtk.run("db", "start")
    dtk.run("db", "stop")
    dtk.run("db", "reindex")
    dtk.run("db", "backup", str(tmp_path / "library.dump"))
    dtk.run("db", "backup", str(tmp_path / "library.dump"))
    dtk.run("db", "restore", str(tmp_path / "no.dump"), "--yes")
    dtk.run("db", "restore", str(tmp_path / "library.dump"), "--yes")
    dtk.run("db", "restore", str(tmp_path / "library.dump"), "--yes", "--json")
    dtk.run("db", "backup", str(tmp_path / "json.dump"), "--json")
    dtk.run("db", "move", "--to", "nonsense")
    dtk.run("db", "vacuum")
    dtk.run("export", "--diffusion-toolkit", str(tmp_path / "export.db"), "--json")
    dtk.run("export", "--diffusion-toolkit", str(tmp_path / "export.db"))
    dtk.run("export")
    check(SNAPSHOTS / "json-other.txt", dtk.text())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database of Diffusion Toolkit with ten images, one of them without a path."""
    path = tmp_path / "diffusion-toolkit.db"
    conn = sqlite3.connect(path)
    for statement in schema.TABLES:
        conn.execute(statement)
    row = "INSERT INTO Image (Path, FileName, Prompt, CreatedDate, Rating, FileSize) VALUES (?, ?, ?, ?, ?, 9)"
    for n in range(10):
        name = f"D:\\AI\\outputs\\{n % 3}\\{n}.png" if n else None
        conn.execute(row, (name, f"{n}.png", SUBJECTS[n % 3], 638_400_000_000_000_000, n))
    conn.commit()
    conn.close()
    return path


def test_migrate(dtk: Transcript, source: Path, tmp_path: Path) -> None:
    steps = frozenset({"seconds", *_steps()})
    common = ("--source", str(source), "--time-zone", "Europe/Berlin", "--map", f"D:\\AI={tmp_path}/here")
    dtk.run("migrate", *common, "--resume")
    dtk.run("migrate", *common, "--dry-run", "--json", varying=steps)
    dtk.run("migrate", *common, "--json", varying=steps)
    dtk.run("library", "roots", "--json")
    dtk.run("search", "fox", "--json")
    dtk.run("migrate", *common, "--policy", "newest", "--json", varying=steps)
    dtk.run("migrate", *common, "--policy", "oldest")
    dtk.run("migrate", "--undo", "--json")
    dtk.run("migrate", "--source", str(tmp_path / "none.db"), "--json")
    check(SNAPSHOTS / "json-migrate.txt", dtk.text())


def _steps() -> Iterator[str]:
    from dtk_tui.domain.imports import STEPS

    yield from STEPS


@pytest.mark.usefixtures("starter_models")
def test_commands_with_models(dtk: Transcript, pictures: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTK_MODELS", str(config.paths.models))
    measured = VARYING | {"provider", "cache_hits", "cache_misses", "confidence"}
    dtk.run("scan", str(pictures), "--json")
    dtk.run("queue", "add", "--all", "--json")
    dtk.run("worker", "run", "--until-empty", "--json", varying=measured)
    dtk.run(
        "similar", str(pictures / "a" / "0.png"), "--limit", "1", "--json", varying=measured | {"id", "path", "prompt"}
    )
    dtk.run("search", "about: a castle", "--limit", "1", "--json", varying=measured)
    dtk.run("show", str(pictures / "a" / "0.png"), "--json", varying=measured)
    which = {"worker", "path", "job_id", "image_id"}
    dtk.run("log", "--kind", "embed", "--limit", "1", "--json", varying=measured | which)
    dtk.run("status", "--json")
    check(SNAPSHOTS / "json-models.txt", dtk.text())

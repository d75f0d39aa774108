"""Workers of two versions on one queue: the program of an older commit beside this one, and a kind that one knows."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import psycopg
import pytest

from dtk_tui.config import Config, load
from dtk_tui.domain.job import Kind
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.paths import REPOSITORY
from tests.helpers.pictures import write_many
from tests.helpers.processes import wait_until
from tests.helpers.running_worker import EVERYTHING, logged_jobs, one_value, worker

pytestmark = pytest.mark.usefixtures("quick_models")

#: The older program is of the commit before this came.
_SINCE = "migrations/V040__columns.sql"
_KINDS = [Kind.TAG, Kind.EMBED]


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The code of an older commit; the test is skipped where there is no history."""
    log = ["git", "log", "--diff-filter=A", "--format=%H", "--", _SINCE]
    found = subprocess.run(log, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if found.returncode or not found.stdout.split():
        pytest.skip("the history of the repository is not here")
    parts = ["dtk_tui", "migrations", "models/manifest.toml", "models/data", "config.toml", "pyproject.toml"]
    archive = ["git", "archive", f"{found.stdout.split()[-1]}^", *parts]
    packed = subprocess.run(archive, cwd=REPOSITORY, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip("the history of the repository is not here")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as files:
        files.extractall(tmp_path / "older", filter="data")
    return tmp_path / "older"


@pytest.fixture
def empty_url(server: EmbeddedServer) -> Iterator[str]:
    """Connection string of a database without a schema."""
    with database(server, template="template1") as conninfo:
        yield conninfo


@pytest.mark.slow
def test_an_older_worker_goes_on_beside_a_newer_one(older: Path, empty_url: str, tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DTK_")}
    environ |= {
        "HOME": str(tmp_path), "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": empty_url,
        "DTK_MODELS": os.environ["DTK_MODELS"], "PYTHONPATH": str(older),
    }  # fmt: skip
    command = [sys.executable, "-m", "dtk_tui"]
    with psycopg.connect(empty_url, autocommit=True) as conn:
        with subprocess.Popen([*command, "worker", "run"], cwd=older, env=environ, stderr=subprocess.PIPE) as old:
            try:
                has_schema = "SELECT to_regclass('worker') IS NOT NULL"
                wait_until(lambda: old.poll() is not None or _value(conn, has_schema), "a schema")
                wait_until(lambda: old.poll() is not None or _value(conn, "SELECT count(*) FROM worker"), "a worker")
                assert old.poll() is None, old.stderr and old.stderr.read()
                assert not _value(conn, "SELECT count(*) FROM _yoyo_migration WHERE migration_id >= 'V040'")
                config = load({**environ, "PYTHONPATH": ""})
                db = Database.open(config)  # brings the library to the schema of now
                try:
                    write_many(tmp_path / "library", 60)
                    scan(db, config, [str(tmp_path / "library")])
                    enqueue(db, config, EVERYTHING, _KINDS)
                    wait_until(lambda: old.poll() is not None or bool(logged_jobs(db)), "work of the older one")
                    assert old.poll() is None, old.stderr and old.stderr.read()
                    with worker(db, config) as (engine, _):
                        engine.wait_until_empty()
                    assert sorted(logged_jobs(db)) == sorted(set(logged_jobs(db))) and len(logged_jobs(db)) == 120
                    assert one_value(db, "SELECT count(*) FROM job") == 0
                    assert one_value(db, "SELECT count(*) FROM image_vector") == 60
                    assert one_value(db, "SELECT count(*) FROM tag_prediction") == 60
                finally:
                    db.close()
            finally:
                old.terminate()
                old.communicate(timeout=120)
        late = subprocess.run(
            [*command, "worker", "run", "--until-empty"],
            cwd=older,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
    assert late.returncode == 1 and "newer dtk-tui" in late.stderr and "Traceback" not in late.stderr


def _value(conn: psycopg.Connection[tuple[object, ...]], sql: str) -> bool:
    row = conn.execute(sql.encode()).fetchone()
    return bool(row and row[0])


def test_work_of_a_kind_that_is_not_known_here_is_left_alone(db: Database, config: Config, tmp_path: Path) -> None:
    write_many(tmp_path / "library", 3)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.TAG])
    with db.connection() as conn:
        conn.execute("ALTER TABLE job DROP CONSTRAINT job_kind_check")  # as a newer schema would
        conn.execute("INSERT INTO job (kind, image_id, priority) SELECT 9, id, 50 FROM image")
        conn.execute(
            "INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)"
            " SELECT 100 + id, id, 9, 0, 1, 'done', now() FROM image"
        )
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        now = snapshot(db)
    assert one_value(db, "SELECT count(*) FROM tag_prediction") == 3
    assert one_value(db, "SELECT count(*) FROM job WHERE kind = 9 AND state = 'pending' AND attempts = 0") == 3
    assert now.queue.by_kind == {"kind_9": 3}
    assert now.trouble[0].startswith("3 jobs are of a kind of work that this dtk-tui does not know;")
    with db.connection() as conn:
        assert {row.kind.label for row in jobs.rows(conn, jobs.page_ids(conn).tolist())} == {"kind_9"}

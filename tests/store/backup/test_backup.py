"""Backup and restore: what they leave, what they follow, what they say."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import WorkerState
from dtk_tui.errors import DtkError
from dtk_tui.services.database import backups as service
from dtk_tui.store.backup.digests import manifest_of
from dtk_tui.store.backup.dump import backup
from dtk_tui.store.backup.restore import restore, understood_by, verify
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.embedded import EmbeddedServer
from dtk_tui.store.server.programs import failure
from tests.helpers.cluster import Clusters, database
from tests.helpers.running_worker import one_value

_RESTORE = """
import sys
from pathlib import Path
from dtk_tui.store.database import Database
from dtk_tui.store.backup.restore import restore
restore(Database(sys.argv[1], None), Path(sys.argv[2]))
"""

_KILLED = """
import os, signal, sys
from pathlib import Path
from dtk_tui.store.backup.dump import backup
from dtk_tui.store.database import Database

def end(done, total):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

backup(Database(sys.argv[1], None), Path(sys.argv[2]), end)
"""


@pytest.fixture
def other(server: EmbeddedServer) -> Iterator[Database]:
    """Another library, to back up."""
    with database(server) as conninfo:
        db = Database(conninfo, None)
        yield db
        db.close()


def test_a_backup_is_private_and_follows_no_link(db: Database, tmp_path: Path) -> None:
    victim, target = tmp_path / "victim", tmp_path / "library.dump"
    victim.write_text("precious")
    victim.chmod(0o644)
    (tmp_path / "library.dump.part").symlink_to(victim)
    size = backup(db, target)
    assert (target.stat().st_size, stat.S_IMODE(target.stat().st_mode)) == (size, 0o600)
    assert (victim.read_text(), stat.S_IMODE(victim.stat().st_mode)) == ("precious", 0o644)
    assert sorted(os.listdir(tmp_path)) == ["library.dump", "library.dump.json", "victim"]

    dangling = tmp_path / "dangling.dump"
    dangling.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DtkError, match="exists already"):
        backup(db, dangling)
    with pytest.raises(DtkError, match="cannot be written") as caught:
        backup(db, tmp_path / "no folder" / "library.dump")
    assert caught.value.detail == "No such file or directory."
    with pytest.raises(DtkError, match="cannot be reached"):
        backup(Database("host=/nowhere dbname=none", None), tmp_path / "none.dump")
    assert sorted(os.listdir(tmp_path)) == ["dangling.dump", "library.dump", "library.dump.json", "victim"]


def test_a_failed_restore_says_its_reason_first_and_changes_nothing(
    db: Database, other: Database, tmp_path: Path
) -> None:
    good, refused, short = (tmp_path / f"{name}.dump" for name in ("good", "refused", "short"))
    with db.connection() as conn:
        conn.execute("INSERT INTO prompt (text) VALUES ('kept')")
    with other.connection() as conn:
        conn.execute("INSERT INTO prompt (text) SELECT md5(n::text) FROM generate_series(1, 5000) n")
    backup(other, good)
    short.write_bytes(good.read_bytes()[:-20_000])
    shutil.copy(manifest_of(good), manifest_of(short))
    with other.connection() as conn:
        conn.execute("CREATE FUNCTION fits(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'")
        conn.execute("CREATE TABLE checked (number integer CHECK (fits(number)))")
        conn.execute("INSERT INTO checked VALUES (1)")
        conn.execute(
            "CREATE OR REPLACE FUNCTION fits(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'"
        )
    backup(other, refused)

    with pytest.raises(DtkError, match="the library is unchanged") as caught:
        restore(db, refused)
    assert caught.value.detail.startswith('ERROR:  new row for relation "checked" violates check constraint')
    with pytest.raises(DtkError, match="the library is unchanged") as caught:
        restore(db, short)
    assert caught.value.detail.startswith("pg_restore: error: ")
    assert one_value(db, "SELECT count(*) FROM prompt WHERE text = 'kept'") == 1
    restore(db, good)
    assert one_value(db, "SELECT count(*) FROM prompt") == 5000


def test_a_backup_is_of_one_moment_and_another_is_refused(db: Database, other: Database, tmp_path: Path) -> None:
    source = tmp_path / "library.dump"
    with other.connection() as conn:
        conn.execute("INSERT INTO prompt (text) VALUES ('before')")

    def write_meanwhile(done: int, total: int) -> None:
        with other.connection() as conn:
            conn.execute("INSERT INTO prompt (text) VALUES (%s) ON CONFLICT DO NOTHING", (f"meanwhile {done}",))

    backup(other, source, write_meanwhile)
    assert restore(db, source) > 40
    assert one_value(db, "SELECT count(*) FROM prompt") == 1
    file = manifest_of(source)
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"tables": told["tables"] | {"prompt": {"rows": 1, "digest": "o'1"}}}))
    with pytest.raises(DtkError, match="the library is unchanged") as caught:
        restore(db, source)
    assert caught.value.detail.startswith("ERROR:  the table prompt is not what was backed up")
    for damaged in ("{", "[]", '{"format": 2, "schema": "", "made_at": "", "tables": {}}', '{"tables": {"a": 1}}'):
        file.write_text(damaged)
        with pytest.raises(DtkError, match="is not the list of digests"):
            restore(db, source)
    file.unlink()
    assert restore(db, source) == 0
    assert one_value(db, "SELECT count(*) FROM prompt") == 1


def test_a_killed_backup_leaves_no_backup(db: Database, tmp_path: Path) -> None:
    source = tmp_path / "library.dump"
    child = subprocess.run([sys.executable, "-c", _KILLED, db.conninfo(), str(source)], check=False)
    assert child.returncode == -signal.SIGKILL
    assert not source.exists() and not manifest_of(source).exists()
    backup(db, source)
    assert sorted(os.listdir(tmp_path)) == ["library.dump", "library.dump.json"]


def test_a_backup_is_verified_without_the_library(
    db: Database, new_home: Path, clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtk_tui.store.server.cluster._create", lambda data, account: clusters.copy(data.parent))
    source = new_home / "library.dump"
    with db.connection() as conn:
        conn.execute("INSERT INTO prompt (text) VALUES ('a'), ('b')")
    backup(db, source)
    found = verify(source, new_home / "cache")
    assert found.is_compared and found.tables["prompt"].rows == 2
    assert os.listdir(new_home / "cache") == ["verify.lock"]
    source.write_bytes(source.read_bytes()[:-2000])
    with pytest.raises(DtkError, match="is no good backup"):
        verify(source, new_home / "cache")


def test_who_is_in_the_way_of_a_restore_is_told(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtk_tui.store.backup.restore._LOCK_TIMEOUT_S", 0.05)
    backup(db, tmp_path / "library.dump")
    with psycopg.connect(db.conninfo()) as conn:
        conn.execute("LOCK TABLE image IN ROW EXCLUSIVE MODE")
        with pytest.raises(DtkError, match="the library is unchanged") as caught:
            restore(db, tmp_path / "library.dump")
    assert caught.value.detail.startswith("ERROR:  canceling statement due to lock timeout. Another program works in")


def test_only_the_error_of_an_output_is_shown() -> None:
    noisy = "NOTICE:  drop cascades to 70 other objects\nDETAIL:  drop cascades to table folder\n"
    told = "psql:<stdin>:98: ERROR:  no space left\nDETAIL:  at block 7"
    assert failure(noisy + told) == "ERROR:  no space left\nDETAIL:  at block 7"
    assert failure("something else\n") == "something else"


def test_rights_of_users_of_another_server_do_not_stop_a_restore(db: Database, other: Database, tmp_path: Path) -> None:
    role = f"reader_{os.getpid()}"
    with other.connection() as conn:
        conn.execute(f"CREATE ROLE {role}".encode())
        conn.execute(f"GRANT SELECT ON prompt TO {role}".encode())
        conn.execute("INSERT INTO prompt (text) VALUES ('kept')")
    backup(other, tmp_path / "library.dump")
    with other.connection() as conn:
        conn.execute(f"DROP OWNED BY {role}".encode())
        conn.execute(f"DROP ROLE {role}".encode())
    restore(db, tmp_path / "library.dump")
    assert one_value(db, "SELECT count(*) FROM prompt") == 1


def test_an_older_server_is_not_told_what_it_does_not_know(other: Database, tmp_path: Path) -> None:
    backup(other, tmp_path / "library.dump")
    command = [str(program("pg_restore")), "--file=-", str(tmp_path / "library.dump")]
    head = subprocess.run(command, capture_output=True, check=True).stdout[:8192]
    assert b"transaction_timeout" in head, "the dump of this version says it"
    assert b"transaction_timeout" not in understood_by(160_004, head)
    assert understood_by(180_000, head) == head


def test_a_killed_restore_leaves_no_file_and_changes_nothing(db: Database, other: Database, tmp_path: Path) -> None:
    source, scratch = tmp_path / "library.dump", tmp_path / "scratch"
    scratch.mkdir()
    with other.connection() as conn:
        conn.execute("INSERT INTO prompt (text) SELECT md5(n::text) FROM generate_series(1, 5000) n")
    backup(other, source)
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'image'::regclass"
    programs = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'psql'"
    with psycopg.connect(db.conninfo()) as conn:
        conn.execute("LOCK TABLE image IN ACCESS SHARE MODE")  # the restore has to wait in its middle
        child = subprocess.Popen(
            [sys.executable, "-c", _RESTORE, db.conninfo(), str(source)], env={**os.environ, "TMPDIR": str(scratch)}
        )
        _until(db, waits, 1)
        child.kill()
        child.wait()
        assert not list(scratch.iterdir())
        conn.commit()
    _until(db, programs, 0)
    assert one_value(db, "SELECT count(*) FROM prompt") == 0


def _until(db: Database, sql: str, number: int) -> None:
    deadline = time.monotonic() + 60
    while one_value(db, sql) != number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_workers_of_a_backup_are_gone_and_blamed_for_nothing(db: Database, config: Config, tmp_path: Path) -> None:
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/a', 'a')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at) VALUES (1, 'a.png', 1, 0, now())"
        )
        number = workers.register(conn, "host", 1, WorkerState.RUNNING, 60.0)
        conn.execute("INSERT INTO job (kind, image_id, state, worker_id) VALUES (1, 1, 'running', %s)", (number,))
    with pytest.raises(DtkError, match="A worker uses this library"):
        service.require_no_workers(db)
    backup(db, tmp_path / "library.dump")
    for _ in range(2):
        service.restore(db, config, tmp_path / "library.dump")
        assert service.require_no_workers(db) == 1
    with db.connection() as conn:
        assert conn.execute("SELECT state, worker_id, deaths, attempts FROM job").fetchall() == [
            ("pending", None, 0, 0)
        ]


def test_what_an_old_version_left_goes_with_the_next_upgrade(
    db: Database, config: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, linked, kept = tmp_path / "dtk-restore-abc", tmp_path / "dtk-restore-link", tmp_path / "kept"
    for folder in (left, kept):
        folder.mkdir()
        (folder / "restore.sql").write_text("INSERT")
    linked.symlink_to(kept)
    with db.connection() as conn:
        conn.execute("DELETE FROM _yoyo_migration WHERE migration_id = (SELECT max(migration_id) FROM _yoyo_migration)")
    monkeypatch.setattr("dtk_tui.store.schema.upgrade", lambda conninfo: [])
    db._prepare()
    assert sorted(os.listdir(tmp_path)) == ["dtk-restore-link", "kept"]
    assert (kept / "restore.sql").exists()


def test_a_folder_keeps_a_number_of_backups_and_what_is_not_ours(db: Database, tmp_path: Path) -> None:
    old = [tmp_path / f"library-2020010{day}T000000Z.dump" for day in range(1, 5)]
    others = [tmp_path / name for name in ("library-mine.dump", "before-upgrade-20200101T000000Z.dump", "notes.txt")]
    for path in [*old, *map(manifest_of, old), *others]:
        path.touch()
    made = service.backup(db, tmp_path, 2, lambda *_: None)
    assert made.removed == tuple(old[:3])
    assert {path.name for path in tmp_path.iterdir()} == {
        made.file.name, manifest_of(made.file).name, old[3].name, manifest_of(old[3]).name, *(o.name for o in others)
    }  # fmt: skip
    with pytest.raises(DtkError, match="cannot be written"):
        service.backup(db, tmp_path / "nowhere", 2, lambda *_: None)

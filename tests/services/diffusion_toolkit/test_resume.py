"""A migration that is interrupted, anywhere and by anything, goes on to the very same result; and the way back."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dtk_tui.config import Config
from dtk_tui.domain.imports import ImportOptions, ImportProgressed
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.diffusion_toolkit.errors import StoppedError
from dtk_tui.services.diffusion_toolkit.export import export
from dtk_tui.services.diffusion_toolkit.importer import import_database
from dtk_tui.store.database import Database, row_of
from dtk_tui.store.diffusion_toolkit import staging
from tests.helpers.imports.content import content, digest
from tests.helpers.imports.kills import Killer
from tests.helpers.imports.runs import ZONE, Make, fetch_one, rows, run_import


def command(source: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "dtk_tui", "migrate", "--source", str(source), "--time-zone", ZONE,
        "--batch-size", "50", *more,
    ]  # fmt: skip


def environment(config: Config) -> dict[str, str]:
    assert config.database_url and config.paths.home
    return {**os.environ, "DTK_DATABASE_URL": config.database_url, "DTK_HOME": str(config.paths.home)}


def forget(db: Database) -> None:
    with db.connection() as conn:
        conn.execute("TRUNCATE image, folder, prompt, migration, album, tag, saved_query RESTART IDENTITY CASCADE")


def has_begun(db: Database, chunks: int) -> bool:
    """Whether so many batches have their checkpoint, or the migration is over."""
    with db.connection() as conn:
        row = conn.execute("SELECT to_regclass('migration_stage_chunk')").fetchone()
        if row == (None,):
            done = conn.execute("SELECT count(*) FROM migration WHERE state = 'done'").fetchone()
            return done != (0,)
        found = conn.execute("SELECT count(*) FROM migration_stage_chunk WHERE table_name <> ''").fetchone()
    return found is not None and found[0] >= chunks


@pytest.mark.parametrize("schema", ["current", "v1.0"])
def test_killed_anywhere_and_resumed_it_ends_the_same(db: Database, config: Config, make: Make, schema: str) -> None:
    source, _ = make("--schema", schema, "--n", "1500")
    killer = Killer(config.database_url or "", source, environment(config))
    course = killer.finish()
    with db.connection() as conn:
        expected = digest(conn)
    forget(db)
    dice = random.Random(int(os.environ.get("DTK_KILL_SEED", "4")))
    for place in course.places(dice, 4):
        killer.kill_at(place, course)
        assert fetch_one(db, "SELECT count(*) FROM image") == fetch_one(
            db, "SELECT count(*) FROM dtk_migrated_images()"
        )
    killer.finish(*(["--resume"] if killer.state() != "nothing" else []))
    assert killer.done.total() > 1
    with db.connection() as conn:
        assert digest(conn) == expected


def test_killed_after_its_last_transaction_a_resume_writes_the_notes(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "50")
    report = run_import(db, config, source)
    notes = Path(report.notes_file or "")
    expected = notes.read_text()
    notes.unlink()
    again = run_import(db, config, source, resume=True)
    assert notes.read_text() == expected
    assert (again.tables, again.reasons, again.verification) == (report.tables, report.reasons, report.verification)
    assert fetch_one(db, "SELECT count(*) FROM migration") == 1
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Rating = 3 WHERE Id = 1")
    conn.commit()
    conn.close()
    with pytest.raises(DtkError, match="no unfinished"):
        run_import(db, config, source, resume=True)


def test_killed_while_it_writes_the_library_stays_empty(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "800")
    with psycopg.connect(config.database_url or "") as blocker:
        # Somebody writes to one of its tables: the migration stands still in its last transaction.
        blocker.execute("LOCK TABLE image_raw IN ROW EXCLUSIVE MODE")
        with subprocess.Popen(command(source), env=environment(config)) as process:
            waiting = """
                SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                 WHERE NOT granted AND relation = 'image_raw'::regclass AND datname = current_database()"""
            with psycopg.connect(config.database_url or "", autocommit=True) as watch:
                while watch.execute(waiting).fetchone() == (0,) and process.poll() is None:
                    time.sleep(0.01)
                process.send_signal(signal.SIGKILL)
                process.wait()
    assert fetch_one(db, "SELECT (SELECT count(*) FROM image) + (SELECT count(*) FROM folder)") == 0
    assert fetch_one(db, "SELECT count(*) FROM pg_indexes WHERE tablename = 'image'") >= 8
    report = run_import(db, config, source, resume=True)
    assert report.verification.is_good


def test_a_crash_of_the_server_shuts_out_whoever_was_reading(
    db: Database, config: Config, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = make("--n", "1500")
    write, batches, alone = staging.write_chunk, iter(range(10**6)), threading.Lock()

    def crash_once(*arguments: Any) -> None:
        with alone:
            if next(batches) == 8:
                # What a crash does to unlogged tables, between two batches of a process that does not notice.
                with db.connection() as conn:
                    names = "SELECT string_agg(relname, ', ') FROM pg_class WHERE relname ~ '^migration_stage_[a-z]+$'"
                    conn.execute(f"TRUNCATE {row_of(conn, names)[0]}".encode())
            write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(staging, "write_chunk", crash_once)
        with pytest.raises(DatabaseLostError, match="started anew"):
            run_import(db, config, source, batch_size=50)
    report = run_import(db, config, source, resume=True)
    assert report.verification.is_good
    assert report.tables["Image"].written == fetch_one(db, "SELECT count(*) FROM image")


def test_a_source_that_changed_is_noticed(
    db: Database, config: Config, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = make("--n", "300")

    def fail(*arguments: Any) -> None:
        raise DatabaseLostError("The database cannot be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(staging, "write_chunk", fail)
        with pytest.raises(DatabaseLostError):
            run_import(db, config, source)
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Image SET Rating = 3 WHERE Id = 1")
    conn.commit()
    conn.close()
    with pytest.raises(DtkError, match="changed since"):
        run_import(db, config, source, resume=True)
    assert run_import(db, config, source).verification.is_good


@pytest.mark.parametrize("step", ["reading", "indexing", "comparing and writing"])
def test_stopped_by_a_person_it_goes_on_to_the_same(db: Database, config: Config, make: Make, step: str) -> None:
    source, _ = make("--n", "1500")
    stop = threading.Event()

    def follow(news: ImportProgressed) -> None:
        if news.step == step and (news.done or step != "reading"):
            stop.set()

    with pytest.raises(StoppedError):
        import_database(db, config, ImportOptions(str(source), zone=ZONE, batch_size=10), follow, stop)
    assert fetch_one(db, "SELECT count(*) FROM image") == 0
    with pytest.raises(DtkError, match="would throw away"):
        run_import(db, config, source, dry_run=True)
    assert run_import(db, config, source, resume=True).verification.is_good


def test_a_stopped_dry_run_leaves_nothing(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "300")
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        import_database(db, config, ImportOptions(str(source), dry_run=True), lambda news: None, stop)
    assert fetch_one(db, "SELECT to_regclass('migration_stage_image') IS NULL AND NOT EXISTS (SELECT 1 FROM migration)")


def test_nothing_to_resume_and_another_file_are_said(db: Database, config: Config, make: Make) -> None:
    source, _ = make("--n", "10")
    with pytest.raises(DtkError, match="no unfinished"):
        run_import(db, config, source, resume=True)


def test_the_destination_lost_in_the_middle_is_one_sentence_and_resumes(
    db: Database, config: Config, make: Make
) -> None:
    source, _ = make("--n", "1500")
    name = psycopg.conninfo.conninfo_to_dict(config.database_url or "")["dbname"]
    with subprocess.Popen(
        command(source), env=environment(config), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        while not has_begun(db, 5) and process.poll() is None:
            time.sleep(0.005)
        elsewhere = psycopg.conninfo.make_conninfo(config.database_url, dbname="postgres")
        with psycopg.connect(elsewhere, autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                (name,),
            )
        _, told = process.communicate(timeout=600)
    with psycopg.connect(elsewhere, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert process.returncode == 1
    assert re.match(r"dtk: The database .*\n", told), told
    assert "Traceback" not in told
    assert run_import(db, config, source, resume=True).verification.is_good


def test_a_wrong_password_is_one_sentence(config: Config, make: Make) -> None:
    source, _ = make("--n", "5")
    done = subprocess.run(
        command(source, "--dest", "postgresql://nobody:wrong@127.0.0.1:1/none"), capture_output=True, text=True,
        check=False, env=environment(config),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("dtk: The database cannot be reached.")
    assert "wrong" not in done.stderr


@pytest.mark.parametrize("schema", ["current", "upgraded", "v1.0"])
def test_there_and_back_and_there_again_is_equal(
    db: Database, config: Config, make: Make, tmp_path: Path, schema: str
) -> None:
    source, _ = make("--schema", schema, "--n", "500")
    run_import(db, config, source)
    with db.connection() as conn:
        first = content(conn)
    back = tmp_path / "back.db"
    export(db, back)
    forget(db)
    report = run_import(db, config, back)
    assert report.verification.is_good
    assert not any(count.refused for count in report.tables.values())
    with db.connection() as conn:
        second = content(conn)
    for subject, expected in first.items():
        assert second[subject] == expected, subject


def test_the_export_keeps_ids_ticks_and_windows_paths(db: Database, config: Config, make: Make, tmp_path: Path) -> None:
    source, _ = make("--n", "200", "--no-nasty")
    conn = sqlite3.connect(source)
    conn.execute("UPDATE Folder SET ParentId = 0 WHERE ParentId = 9999")
    conn.execute("UPDATE Tag SET Name = 'second' WHERE Id = (SELECT max(Id) FROM Tag)")
    conn.commit()
    conn.close()
    run_import(db, config, source, maps=(("D:\\AI", "/mnt/ai"), ("\\\\NAS-01\\share", "/nas")))
    back = tmp_path / "back.db"
    export(db, back)
    for table in ("Image", "Folder", "Album", "AlbumImage", "ImageTag", "Node", "Query", "Migration"):
        columns = [row[1] for row in rows(source, f"PRAGMA table_info({table})")]
        assert [row[1] for row in rows(back, f"PRAGMA table_info({table})")] == columns
        names = ", ".join(f'"{c}"' for c in columns if (table, c) not in {("Node", "Id")})
        assert rows(back, f"SELECT {names} FROM {table} ORDER BY {names}") == rows(
            source, f"SELECT {names} FROM {table} ORDER BY {names}"
        ), table
    assert rows(back, "PRAGMA integrity_check") == [("ok",)]
    assert rows(back, "PRAGMA journal_mode") == [("wal",)]
    with pytest.raises(DtkError, match="exists already"):
        export(db, back)

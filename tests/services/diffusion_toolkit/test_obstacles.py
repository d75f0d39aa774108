"""What is in the way of a migration is said in a sentence, nothing is lost, and a resume goes on when it is gone."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.store.database import Database
from dtk_tui.store.schema import upgrade
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.imports.content import digest
from tests.helpers.imports.kills import Killer
from tests.helpers.imports.runs import Make, fetch_one, run_import


def said(process: subprocess.Popen[str]) -> str:
    """Return what a command that failed told."""
    _, told = process.communicate(timeout=600)
    assert process.returncode == 1, told
    assert "Traceback" not in told
    return told


def test_the_embedded_server_is_killed_in_the_middle(dtk_home: Path, make: Make) -> None:
    source, _ = make("--n", "1500")
    home = dtk_home
    environ = {"DTK_HOME": str(home), "DTK_DATABASE_URL": ""}
    server = EmbeddedServer(home / "postgres")
    try:
        upgrade(server.join())
        killer = Killer(server.join(), source, environ)
        with subprocess.Popen(
            killer.command(),
            env={**os.environ, **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            with psycopg.connect(server.join(), autocommit=True) as watch:
                assert next(staged for staged in killer.looks(watch, process) if staged > 4) < 10**9
            pid = server.pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            told = said(process)
        assert re.match(r"dtk: The database .*\n", told), told
        assert "--resume goes on" in told
        with psycopg.connect(server.join()) as conn:
            assert conn.execute("SELECT count(*) FROM image").fetchone() == (0,)
        killer.finish("--resume")
        with psycopg.connect(server.join()) as conn:
            resumed = digest(conn)
            conn.execute("TRUNCATE image, folder, prompt, migration, album, tag, saved_query CASCADE")
        killer.finish()
        with psycopg.connect(server.join()) as conn:
            assert digest(conn) == resumed
    finally:
        server.leave()


@contextmanager
def stranger(server: EmbeddedServer, database_url: str) -> Iterator[str]:
    """Give the connection string of a user whom the server asks for a password."""
    hba = Path(psycopg.conninfo.conninfo_to_dict(server.join())["host"]) / "pg_hba.conf"
    rules = hba.read_text()
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("CREATE ROLE stranger LOGIN SUPERUSER PASSWORD 'right'")
        try:
            hba.write_text("local all stranger scram-sha-256\n" + rules)
            conn.execute("SELECT pg_reload_conf()")
            yield make_conninfo(database_url, user="stranger")
        finally:
            hba.write_text(rules)
            conn.execute("SELECT pg_reload_conf()")
            conn.execute("REASSIGN OWNED BY stranger TO CURRENT_USER")
            conn.execute("DROP OWNED BY stranger")
            conn.execute("DROP ROLE stranger")


def test_a_wrong_password_of_the_destination(
    db: Database, server: EmbeddedServer, config: Config, database_url: str, make: Make
) -> None:
    source, _ = make("--n", "20")
    with stranger(server, database_url) as url:
        killer = Killer(url, source, {"DTK_HOME": str(config.paths.home), "DTK_DATABASE_URL": "postgresql:///nowhere"})
        for password, status in (("wr0ng", 1), ("right", 0)):
            done = subprocess.run(
                killer.command("--dest", make_conninfo(url, password=password)), capture_output=True, text=True,
                check=False, env={**os.environ, **killer.environ},
            )  # fmt: skip
            assert done.returncode == status, done.stderr
            assert password not in done.stdout + done.stderr
            if status:
                assert done.stderr.startswith("dtk: PostgreSQL refused the user or the password.")
                assert fetch_one(db, "SELECT count(*) FROM migration") == 0
    assert fetch_one(db, "SELECT count(*) FROM migration WHERE state = 'done'") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_disk_of_the_list_of_notes_is_full(
    db: Database, config: Config, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = make("--n", "50")
    notes = config.paths.state / "migrations" / "migration-1.jsonl"

    def full(*values: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dtk_tui.services.diffusion_toolkit.report.notes.notes", full)
        with pytest.raises(DtkError, match=r"list of notes could not be written.*No space left") as caught:
            run_import(db, config, source)
    assert "--resume" in caught.value.detail
    assert fetch_one(db, "SELECT count(*) FROM migration WHERE state = 'done'") == 1
    report = run_import(db, config, source, resume=True)
    assert report.verification.is_good
    assert len(notes.read_text().splitlines()) == fetch_one(db, "SELECT count(*) FROM migration_note")


def test_the_disk_of_the_copy_of_a_hot_source_is_full(
    db: Database, config: Config, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, summary = make("--n", "50", "--wal", "hot")

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dtk_tui.services.diffusion_toolkit.source.file.shutil.copyfile", full)
        with pytest.raises(DtkError, match=r"has to be copied first and cannot be.*No space left"):
            run_import(db, config, source)
    assert not list((config.paths.cache / "migration").iterdir())
    assert run_import(db, config, source).tables["Image"].read == summary["tables"]["Image"]["rows"]


def test_what_another_program_is_writing_is_left_out_or_refused(db: Database, config: Config, make: Make) -> None:
    source, summary = make("--n", "50")
    writer = sqlite3.connect(source, isolation_level=None)
    try:
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE Image SET Rating = 3")
        report = run_import(db, config, source)
        assert report.tables["Image"].read == summary["tables"]["Image"]["rows"]
        assert fetch_one(db, "SELECT count(DISTINCT rating) FROM image") != 1
        writer.execute("ROLLBACK")
        writer.execute("PRAGMA journal_mode = delete")
        writer.execute("BEGIN EXCLUSIVE")
        # A program of its own: the locks of one process do not stand in its own way.
        killer = Killer(config.database_url or "", source, {"DTK_HOME": str(config.paths.home)})
        done = subprocess.run(
            killer.command("--dest", killer.url), capture_output=True, text=True, check=False,
            env={**os.environ, **killer.environ},
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.endswith("is locked by another program.\n     Close Diffusion Toolkit and try again.\n")
    finally:
        writer.close()

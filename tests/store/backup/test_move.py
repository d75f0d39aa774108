"""Moving a library to another server: identical by digest, going on after a kill, refused where it would do harm."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dtk_tui.config import load
from dtk_tui.errors import DtkError
from dtk_tui.store.backup.digests import Digests, digests
from dtk_tui.store.backup.dump import backup, ignore
from dtk_tui.store.backup.move import move
from dtk_tui.store.backup.restore import restore
from dtk_tui.store.database import Database
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.full_library import fill
from tests.helpers.processes import wait_until
from tests.helpers.schema_dump import dump_schema

_KILLED = """
import os, signal, sys
from dtk_tui.store.backup.move import move
from dtk_tui.store.database import Database

def end(done, total):
    if done == total // 2:
        os.kill(os.getpid(), signal.SIGKILL)

move(Database(sys.argv[1], None), Database(sys.argv[2], None), end)
"""


@pytest.fixture
def target(server: EmbeddedServer) -> Iterator[Database]:
    """An empty database on the same server, without a library."""
    with database(server, template="template1") as conninfo:
        db = Database(conninfo, None)
        yield db
        db.close()


def _digests(db: Database) -> Digests:
    with db.connection() as conn:
        return digests(conn, ignore)


def _statements(db: Database) -> str:
    """Return what makes the schema; the schema public itself is the server's own in one of two."""
    return "".join(re.findall(r"^(?:CREATE (?!SCHEMA)|ALTER).*?;$", dump_schema(db.conninfo()), re.M | re.S))


def test_a_move_goes_on_after_a_kill_and_both_are_the_same(db: Database, target: Database, tmp_path: Path) -> None:
    with db.connection() as conn:
        fill(conn)
    before = _digests(db)
    child = subprocess.run([sys.executable, "-c", _KILLED, db.conninfo(), target.conninfo()], check=False)
    assert child.returncode == -signal.SIGKILL
    assert _digests(db) == before
    half = load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": target.conninfo()})
    with pytest.raises(DtkError, match="on its way into this database"):
        Database.open(half)

    with db.connection() as conn:  # what was copied already changes, and so it is copied once more
        conn.execute("UPDATE album SET name = 'another'")
    now = _digests(db)
    moved = move(db, target, ignore)
    assert moved.found == len(now) // 2 - 1 and moved.copied == len(now) - moved.found
    assert _digests(target) == now == _digests(db) != before
    assert _statements(target) == _statements(db)
    with target.connection() as conn:  # sequences go on, keys and triggers are there
        assert conn.execute("INSERT INTO tag (name) VALUES ('third') RETURNING id").fetchone() == (3,)
    with pytest.raises(DtkError, match="another library, with 400 images"):
        move(db, target, ignore)
    with target.connection() as conn:
        conn.execute("DELETE FROM tag WHERE id = 3")
    assert move(db, target, ignore).copied == 0, "it is there"
    Database.open(half).close()


def test_a_restored_backup_has_the_same_digests(db: Database, target: Database, tmp_path: Path) -> None:
    with db.connection() as conn:
        fill(conn)
    backup(db, tmp_path / "library.dump")
    restore(target, tmp_path / "library.dump")
    assert _digests(target) == _digests(db)


def test_a_move_overwrites_nothing_and_lets_nobody_write(
    db: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtk_tui.store.backup.move._LOCK_TIMEOUT", "50ms")
    with psycopg.connect(db.conninfo()) as conn:
        conn.execute("INSERT INTO prompt (text) VALUES ('not yet')")
        with pytest.raises(DtkError, match="Another program writes"):
            move(db, target, ignore)
        conn.rollback()
    with target.connection() as conn:
        conn.execute("CREATE TABLE precious (number integer)")
    with pytest.raises(DtkError, match="tables of another program"):
        move(db, target, ignore)
    with target.connection() as conn:
        conn.execute("DROP TABLE precious")

    def write(done: int, total: int) -> None:
        with psycopg.connect(db.conninfo(), autocommit=True) as writer:
            writer.execute("SET lock_timeout = '10ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                writer.execute("INSERT INTO prompt (text) VALUES ('too late')")

    move(db, target, write)
    assert _digests(target) == _digests(db)


def test_a_move_waits_for_what_a_killed_one_has_sent(db: Database, target: Database) -> None:
    moved: list[int] = []
    with db.connection() as watching, psycopg.connect(target.conninfo()) as sent:
        sent.execute("SELECT pg_advisory_xact_lock(6583659)")
        moving = threading.Thread(target=lambda: moved.append(move(db, target, ignore).copied))
        moving.start()
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 6583659"
        wait_until(lambda: watching.execute(waits).fetchone() == (1,), "the move waits")
        assert moved == []
        sent.rollback()
        moving.join()
    assert moved and moved[0] > 10

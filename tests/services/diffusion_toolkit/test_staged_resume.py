"""An import that ends between staging and taking over: the next one sees it, and gives the same."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from dtk_tui.config import Config
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.diffusion_toolkit.importer import Importer
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import swap
from tests.helpers.imports.content import everything
from tests.helpers.imports.runs import Make, fetch_one, run_import


def _crash(db: Database) -> None:
    """Let the server start anew, as after a fault of its own: what is unlogged is empty then."""
    with psycopg.connect(db.conninfo(), autocommit=True) as conn:
        os.kill(conn.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    _wait_for_server(db)


def _wait_for_server(db: Database) -> None:
    """Wait until the pool has connections again: on a busy machine that takes longer than it waits by itself."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(DatabaseLostError):
            fetch_one(db, "SELECT 1")
            return


@pytest.mark.own_server
@pytest.mark.parametrize("place", ["before index", "after index", "take over"])
def test_a_crash_between_the_parts_is_noticed_and_a_resume_gives_the_same(
    db: Database, config: Config, make: Make, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    source, _ = make("--n", "400")
    with sqlite3.connect(source) as conn:
        conn.execute("CREATE TABLE Later (What varchar)")
        conn.execute("INSERT INTO Later VALUES ('x')")
    conn.close()
    run_import(db, config, source, batch_size=50)
    with db.connection() as conn:
        expected = everything(conn)
        conn.execute("TRUNCATE image, folder, prompt, migration, album, tag, saved_query RESTART IDENTITY CASCADE")
    index, take_over = Importer.index, swap.swap_tables

    def crashing(self: Importer) -> None:
        if place == "before index":
            _crash(db)
        index(self)
        if place == "after index":
            _crash(db)

    def crashing_late(*arguments: Any) -> None:
        if place == "take over":
            _crash(db)
        take_over(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Importer, "index", crashing)
        patched.setattr(swap, "swap_tables", crashing_late)
        with pytest.raises(DatabaseLostError):
            run_import(db, config, source, batch_size=50)
    _wait_for_server(db)
    assert fetch_one(db, "SELECT count(*) FROM image") == 0
    assert run_import(db, config, source, batch_size=50, resume=True).verification.is_good
    with db.connection() as conn:
        assert everything(conn) == expected


def test_an_unfinished_import_with_other_columns_is_read_anew(
    db: Database, config: Config, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = make("--n", "100")
    with monkeypatch.context() as patched:
        patched.setattr(Importer, "index", lambda *_: (_ for _ in ()).throw(DtkError("stopped here")))
        with pytest.raises(DtkError, match="stopped here"):
            run_import(db, config, source, batch_size=20)
    with db.connection() as conn:
        conn.execute("ALTER TABLE migration_stage_digest DROP COLUMN unsaid")
    report = run_import(db, config, source, batch_size=20, resume=True)
    assert report.verification.is_good and report.tables["Image"].read > 100

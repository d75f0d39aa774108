"""A scan that is killed goes on where it stopped; the library is then as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.events import Event, ProblemReported
from dtk_tui.services.scan import walk
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.scan import listings
from tests.helpers import small_pngs
from tests.helpers.library_state import state

psutil = pytest.importorskip("psutil")

FILES = 1500
# Small batches, so that there are many places to be killed at; processes although the library is small.
_PROGRAM = """
import sys
from dtk_tui.config import load
from dtk_tui.services.scan import deep_phase, read, scanner, walk
from dtk_tui.store.database import Database
if __name__ == "__main__":
    walk._FLUSH_FILES, deep_phase._WRITE_ROWS, read._CHUNK, read.PROCESSES_FROM = 100, 40, 10, 10
    config = load()
    scanner.scan(Database.open(config), config, sys.argv[1:])
"""


def _library(root: Path) -> Path:
    numbers = random.Random(5).sample(range(FILES), FILES)
    for start in range(0, FILES, 50):
        small_pngs.write(root / f"{start % 7}" / f"{start:05d}", numbers[start : start + 50])
    for number in range(20):
        small_pngs.write(root / "copies", [number])
    (root / "empty.png").write_bytes(b"")
    return root


@pytest.mark.slow
@pytest.mark.parametrize("kill", range(3))
def test_a_killed_scan_ends_as_an_undisturbed_one(
    db: Database, config: Config, database_url: str, tmp_path: Path, kill: int
) -> None:
    share = random.Random(time.time_ns() + kill).uniform(0.0, 0.95)
    root = _library(tmp_path / "library")
    program = tmp_path / "scan.py"
    program.write_text(_PROGRAM)
    environ = {**os.environ, "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": database_url}
    process = subprocess.Popen([sys.executable, str(program), str(root)], env=environ, cwd=Path.cwd())
    children = []
    while process.poll() is None:
        with db.connection() as conn:
            row = conn.execute("SELECT count(*) FROM image WHERE scan_phase = 1").fetchone()
        assert row is not None
        if row[0] > share * FILES:
            children = psutil.Process(process.pid).children()
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() in (-signal.SIGKILL, 0)
    psutil.wait_procs(children, timeout=120)
    assert not any(child.is_running() for child in children), "no reader outlives the scan"

    scan(db, config, [str(root)])
    with db.connection() as conn:
        resumed = state(conn)
        conn.execute("TRUNCATE image, folder, prompt CASCADE")
    scan(db, config, [str(root)])
    with db.connection() as conn:
        assert resumed == state(conn), f"killed at {share} of the files"
    assert len(resumed["images"]) == FILES + 21


@pytest.mark.parametrize("forgets", [False, True])
def test_a_listing_goes_on_when_the_database_was_away(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    """A server that crashed may have forgotten what it had confirmed: a scan does not wait for the disk."""
    root = tmp_path / "library"
    for number in range(30):
        small_pngs.write(root / f"{number % 3}" / f"{number:02d}" / "deep", [number])
    monkeypatch.setattr(walk, "_FLUSH_FILES", 32)
    add_quick, calls = listings.add_files, 0

    def broken(conn: Connection, *arguments: Any) -> int:
        nonlocal calls
        added = add_quick(conn, *arguments)
        calls += 1
        if calls == 3:
            conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return added

    def forget(event: Event) -> None:
        if forgets and isinstance(event, ProblemReported):
            with db.connection() as conn:
                conn.execute("TRUNCATE image, folder CASCADE")

    monkeypatch.setattr(listings, "add_files", broken)
    counts = scan(db, config, [str(root)], forget)
    assert calls > 5 and counts["seen"] == 30
    with db.connection() as conn:
        assert conn.execute("SELECT count(*), min(scan_phase) FROM image").fetchone() == (30, 1)
        lost = "SELECT FROM image WHERE NOT EXISTS (SELECT 1 FROM folder WHERE id = folder_id)"
        assert conn.execute(lost).fetchall() == []
        assert conn.execute("SELECT count(*) FROM folder").fetchone() == (64,)

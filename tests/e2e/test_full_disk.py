"""A disk that gets full in the middle: what was there is whole, and the sentence says what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dtk_tui.store.backup.digests import digests
from dtk_tui.store.backup.dump import ignore
from dtk_tui.store.database import Database
from tests.helpers.small_disk import run_on_small_disk

DTK = str(Path(sys.executable).parent / "dtk")


def _environ(home: Path, database_url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DTK_")}
    return kept | {"DTK_HOME": str(home), "DTK_DATABASE_URL": database_url, "COLUMNS": "200"}


def test_a_backup_that_does_not_fit_leaves_nothing(db: Database, database_url: str, tmp_path: Path) -> None:
    with db.connection() as conn:
        conn.execute(
            "INSERT INTO prompt (text) SELECT md5(n || 'a') || md5(n || 'b') || md5(n || 'c')"
            " FROM generate_series(1, 6000) n"
        )
        before = digests(conn, ignore)
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "older.dump").write_bytes(b"older")
    command = [DTK, "db", "backup", str(disk / "library.dump")]
    ended = run_on_small_disk(disk, 128, command, _environ(tmp_path / "home", database_url))
    assert ended.status == 1
    assert "No space left on device" in ended.error and "Make room" in ended.error and "Traceback" not in ended.error
    assert {path.name: path.read_bytes() for path in ended.after.iterdir()} == {"older.dump": b"older"}
    with db.connection() as conn:
        assert digests(conn, ignore) == before


@pytest.mark.parametrize("arguments", [("set", "worker.batch_size", "8"), ("set", "worker.batch_size", "--unset")])
def test_settings_that_do_not_fit_stay_what_they_were(
    arguments: tuple[str, ...], database_url: str, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    text = "# mine\n[worker]\nbatch_size = 4\n"
    (disk / "config.toml").write_text(text)
    (disk / "rest").write_bytes(b"x" * 4096)
    ended = run_on_small_disk(disk, 8, [DTK, "config", *arguments], _environ(disk, database_url))
    assert ended.status == 1
    assert "config.toml cannot be written." in ended.error and "Make room there" in ended.error
    assert sorted(path.name for path in ended.after.iterdir()) == ["config.toml", "rest"]
    assert (ended.after / "config.toml").read_text() == text


def test_parts_of_a_backup_that_do_not_fit_are_no_backup(db: Database, database_url: str, tmp_path: Path) -> None:
    with db.connection() as conn:
        conn.execute(
            "INSERT INTO prompt (text) SELECT md5(n || 'a') || md5(n || 'b') || md5(n || 'c')"
            " FROM generate_series(1, 9000) n"
        )
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [DTK, "db", "backup", "--incremental", "--keep", "2", str(disk)]
    ended = run_on_small_disk(disk, 256, command, _environ(tmp_path / "home", database_url))
    assert ended.status == 1
    assert "The backup cannot be written" in ended.error and "Make room there" in ended.error
    assert list(ended.after.glob("*.parts")) == [] and list(ended.after.glob("parts/*/*.new")) == []

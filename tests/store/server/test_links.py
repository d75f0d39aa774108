"""Links and modes: what is written beside and in the data folder is written nowhere else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dtk_tui.errors import DtkError
from dtk_tui.store.server import cluster, files, locks
from dtk_tui.store.server.account import Account
from dtk_tui.store.server.embedded import EmbeddedServer
from dtk_tui.store.server.process import ServerProcess


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "victim"
    file.write_text("precious")
    file.chmod(0o644)
    return file


def test_a_new_file_takes_the_place_of_a_link(victim: Path, tmp_path: Path) -> None:
    path = tmp_path / "new"
    path.symlink_to(victim)
    with os.fdopen(files.create(path), "w") as file:
        file.write("mine")
    assert (victim.read_text(), path.read_text(), path.is_symlink()) == ("precious", "mine", False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_settings_are_never_written_through_a_link(victim: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "dtk.conf.new").symlink_to(victim)
    cluster._write_settings(data, Account(os.geteuid(), os.getegid(), switch=False))
    assert victim.read_text() == "precious"
    assert "listen_addresses = ''" in (data / "dtk.conf").read_text()
    assert sorted(file.name for file in data.iterdir()) == ["dtk.conf"]


@pytest.mark.parametrize("name", ["users", "lock", "server", "keep", "log"])
def test_no_file_beside_the_data_folder_is_a_link(victim: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "postgres").mkdir()
    link = tmp_path / f"postgres.{name}"
    link.symlink_to(victim if name != "keep" else tmp_path / "not there")
    before = victim.stat()
    server = EmbeddedServer(tmp_path / "postgres")
    with pytest.raises(DtkError, match="cannot be used") as caught:
        server.keep(True)
        server.join()
    assert "remove it" in caught.value.detail
    assert (victim.read_text(), victim.stat().st_uid) == ("precious", before.st_uid)
    assert not (tmp_path / "not there").exists()


def test_the_old_log_is_kept_under_a_new_file(victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtk_tui.store.server.process._LOG_BYTES", 10)
    log, older = tmp_path / "postgres.log", tmp_path / "postgres.log.1"
    log.write_text("a long enough log")
    older.symlink_to(victim)
    ServerProcess(tmp_path / "postgres", tmp_path / "postgres.server", log).shorten_log()
    assert (victim.read_text(), older.read_text(), log.read_text()) == ("precious", "a long enough log", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_several_names_is_not_given_away(victim: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    (theirs / "postgres.lock").hardlink_to(victim)
    fd = locks.try_lock(theirs / "postgres.lock", exclusive=True)
    assert fd is not None
    locks.unlock(fd)
    assert victim.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server has another account")
def test_folders_that_are_opened_to_everybody_are_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    inner = closed / "inner"
    inner.mkdir(parents=True)
    tmp_path.chmod(0o755)
    closed.chmod(0o700)
    account = Account(65534, 65534, switch=True)
    assert account.allow_traversal(inner / "postgres") == [closed]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701
    assert account.allow_traversal(inner / "postgres") == []

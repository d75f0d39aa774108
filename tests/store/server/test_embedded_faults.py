"""The embedded PostgreSQL, as it is killed, found again, refused or in the way."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.store.server import locks
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.frozen import frozen
from tests.helpers.processes import wait_for_end, wait_until
from tests.helpers.server_users import User, ask, until


def test_a_killed_user_leaves_the_server_to_the_next(server: EmbeddedServer, user: Callable[..., User]) -> None:
    owner = user()
    owner.begin()
    owner.joined()
    pid = server.pid()
    owner.kill()
    assert server.pid() == pid
    server.join()
    assert server.pid() == pid
    server.leave()
    assert not server.is_running()


def test_a_killed_server_is_started_again_with_what_was_committed(server: EmbeddedServer) -> None:
    conninfo = server.join()
    with psycopg.connect(conninfo) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not server.is_running())
    assert ask(server.join(), "SELECT answer FROM kept") == 42
    assert server.pid() != pid


def test_join_waits_for_the_recovery_after_a_killed_backend(server: EmbeddedServer) -> None:
    conninfo = server.join()
    with psycopg.connect(conninfo) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    # As long as the server has not noticed, it answers, and ends everybody a moment later.
    until(lambda: not Path(f"/proc/{backend}").exists())
    assert ask(server.join(), "SELECT 1") == 1


def test_the_last_leave_ends_a_server_that_recovers_from_a_crash(server: EmbeddedServer) -> None:
    with psycopg.connect(server.join(), autocommit=True) as connection:
        connection.execute("CREATE TABLE much AS SELECT repeat('x', 500) FROM generate_series(1, 100000)")
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    begin = time.monotonic()
    server.leave()
    assert time.monotonic() - begin < 50, "less than what a server that does not end is given"
    assert server.pid() is None
    assert ask(server.join(), "SELECT count(*) FROM much") == 100000


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
def test_who_waits_for_a_frozen_server_does_not_keep_the_process_from_leaving(
    data: Path, server: EmbeddedServer
) -> None:
    server.join()
    pid = server.pid()
    assert pid is not None
    with frozen(pid), ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(server.join)
        wait_until(lambda: locks.is_locked(data.with_name("postgres.lock")), "it waits for the server")
        server.leave()
        with pytest.raises(DatabaseLostError, match="was closed"):
            waiting.result(timeout=60)
        assert server.pid() == pid, "a frozen one is told to end, and does when it goes on"
    wait_for_end(pid)


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
def test_a_backend_that_outlives_a_killed_server_is_ended(server: EmbeddedServer) -> None:
    connection = psycopg.connect(server.join())
    pid = server.pid()
    assert pid is not None
    os.kill(connection.info.backend_pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    assert ask(server.join(), "SELECT 1") == 1
    assert server.pid() != pid
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_a_process_id_that_is_used_again_deceives_nobody(server: EmbeddedServer, data: Path) -> None:
    server.join()
    pid = server.pid()
    text = (data / "postmaster.pid").read_text()
    server.leave()
    stranger = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=data.stat().st_uid)
    try:
        (data / "postmaster.pid").write_text(text.replace(str(pid), str(stranger.pid), 1))
        assert not server.is_running()
        assert server.pid() is None
        assert ask(server.join(), "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.communicate()


def test_a_server_whose_socket_was_removed_is_replaced(server: EmbeddedServer, data: Path) -> None:
    server.join()
    (data / ".s.PGSQL.5432").unlink()
    assert ask(server.join(), "SELECT 1") == 1


def test_a_server_that_cannot_be_seen_is_not_started_twice(server: EmbeddedServer, data: Path) -> None:
    server.join()
    server.leave()
    with data.with_name("postgres.server").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(DtkError, match="another machine"):
            server.join()
    assert ask(server.join(), "SELECT 1") == 1


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / ("x" * 120) / "postgres")
    conninfo = server.join()
    folder = Path(conninfo.split("'")[1])
    server.leave()
    assert not folder.exists()
    folder.mkdir(mode=0o755)
    try:
        with pytest.raises(DtkError, match="belongs to somebody else"):
            server.join()
    finally:
        folder.rmdir()


def test_an_interrupted_first_start_leaves_no_trace(new: Path) -> None:
    server = EmbeddedServer(new)
    half = new.with_name("postgres.new.abc")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    new.mkdir()
    assert ask(server.join(), "SELECT 1") == 1
    assert not half.exists()


def test_a_database_of_another_version_is_left_alone(new: Path) -> None:
    new.mkdir()
    (new / "PG_VERSION").write_text("17\n")
    with pytest.raises(DtkError, match="PostgreSQL 17") as caught:
        EmbeddedServer(new).join()
    assert "restore" in caught.value.detail
    assert [path.name for path in new.iterdir()] == ["PG_VERSION"]


def test_a_folder_or_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"cat")
    (tmp_path / "file").write_text("text")
    with pytest.raises(DtkError, match="not a database folder"):
        EmbeddedServer(tmp_path / "photos").join()
    with pytest.raises(DtkError, match="not a folder"):
        EmbeddedServer(tmp_path / "file").join()
    with pytest.raises(DtkError, match="is a file"):
        EmbeddedServer(tmp_path / "file" / "postgres").join()
    assert (tmp_path / "photos" / "cat.png").read_bytes() == b"cat"
    assert (tmp_path / "file").read_text() == "text"


def test_a_folder_that_may_not_be_written_to_is_named() -> None:
    code = (
        "import os, sys; from pathlib import Path; from dtk_tui.store.server.embedded import EmbeddedServer\n"
        "from dtk_tui.errors import DtkError\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: EmbeddedServer(Path(sys.argv[1])).join()\n"
        "except DtkError as error: print(error)"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        data = Path(folder) / "library" / "postgres"
        done = subprocess.run([sys.executable, "-c", code, str(data)], capture_output=True, text=True, check=True)
    assert str(data) in done.stdout
    assert "may not write" in done.stdout


def test_a_server_that_cannot_start_says_why(data: Path, server: EmbeddedServer) -> None:
    server.join()
    server.leave()
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("shared_buffers = 'much'\n")
    with pytest.raises(DtkError, match="could not be started") as caught:
        server.join()
    (data / "postgresql.auto.conf").write_text("")
    assert "much" in caught.value.detail
    assert str(server.log_file) in caught.value.detail

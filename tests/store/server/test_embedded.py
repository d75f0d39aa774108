"""The embedded PostgreSQL, as its users share it."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from dtk_tui.errors import DtkError
from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.embedded import EmbeddedServer
from dtk_tui.store.server.settings import GIB, MIB, settings_text
from tests.helpers.processes import wait_until
from tests.helpers.server_users import User, ask


def test_first_join_makes_a_private_database_and_the_last_leave_stops_it(new: Path) -> None:
    server, data = EmbeddedServer(new), new
    conninfo = server.join()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert data.stat().st_uid != 0
    with psycopg.connect(conninfo) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("server_version_num", "server_encoding", "timezone", "log_timezone", "listen_addresses", "jit",
                         "fsync", "lc_messages", "max_locks_per_transaction", "unix_socket_permissions")
        }  # fmt: skip
        connection.execute("CREATE EXTENSION vector")
        assert connection.execute("SELECT lower('ÄÖÜ') || '[1,2]'::vector::text").fetchone() == ("äöü[1,2]",)
        assert connection.execute("SELECT current_user || current_database()").fetchone() == ("dtkdtk",)
    assert shown.pop("server_version_num").startswith("18")
    assert shown == {
        "server_encoding": "UTF8", "timezone": "UTC", "log_timezone": "UTC", "listen_addresses": "", "jit": "off",
        "fsync": "on", "lc_messages": "C", "max_locks_per_transaction": "128", "unix_socket_permissions": "0700",
    }  # fmt: skip
    assert server.is_running()
    assert server.pid() is not None
    server.leave()
    assert not server.is_running()
    assert server.pid() is None
    with pytest.raises(psycopg.OperationalError):
        ask(conninfo, "SELECT 1")
    server.leave()


def test_joining_a_running_server_takes_milliseconds(server: EmbeddedServer) -> None:
    first = server.join()
    times = []
    while len(times) < 10 or (min(times) >= 0.02 and len(times) < 500):  # the quickest, on a busy machine
        begin = time.perf_counter()
        assert server.join() == first
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.02


def test_the_server_is_out_of_reach_of_the_terminal(server: EmbeddedServer) -> None:
    server.join()
    pid = server.pid()
    assert pid is not None
    assert os.getsid(pid) not in (os.getsid(0), 0)
    assert os.getpgid(pid) != os.getpgrp()
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        assert f"\nPPid:\t{os.getpid()}\n" not in status.read_text()
        assert {str(Path(f"/proc/{pid}/fd/{fd}").readlink()) for fd in (0, 1)} == {"/dev/null"}


def test_processes_share_one_server(server: EmbeddedServer, user: Callable[..., User]) -> None:
    server.join()
    pid = server.pid()
    other = user()
    other.begin()
    assert ask(other.joined(), "SELECT 1") == 1
    server.leave()
    assert server.pid() == pid
    other.leave()
    assert not server.is_running()


def test_four_processes_start_at_the_same_instant(new: Path, user: Callable[..., User]) -> None:
    users = [user(new) for _ in range(4)]
    for one in users:
        one.begin()
    starts = {ask(one.joined(), "SELECT pg_postmaster_start_time()") for one in users}
    assert len(starts) == 1
    for one in users:
        one.leave()
    assert not EmbeddedServer(new).is_running()
    assert sorted(path.name for path in new.parent.iterdir()) == [
        "postgres", "postgres.lock", "postgres.log", "postgres.server", "postgres.users"
    ]  # fmt: skip


def test_threads_with_their_own_objects_share_one_server(data: Path) -> None:
    barrier = threading.Barrier(6)
    starts: list[object] = []

    def use() -> None:
        server = EmbeddedServer(data)
        starts.append(ask(server.join(), "SELECT pg_postmaster_start_time()"))
        barrier.wait()
        server.leave()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts) == 6
    assert len(set(starts)) == 1
    assert not EmbeddedServer(data).is_running()


def test_a_forked_child_neither_leaves_nor_stays_for_its_parent(server: EmbeddedServer) -> None:
    server.join()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        server.leave()
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    try:
        assert ask(server.join(), "SELECT 1") == 1
        server.leave()
        assert not server.is_running()
    finally:
        os.close(writing)
        os.waitpid(child, 0)


def test_keep_lets_it_run_on_until_told_otherwise(server: EmbeddedServer) -> None:
    server.join()
    server.keep(True)
    server.leave()
    assert server.is_running()
    server.keep(False)
    assert not server.is_running()
    server.keep(True)
    server.join()
    server.stop()
    server.leave()
    server.join()
    server.leave()
    assert not server.is_running()


def test_stop_ends_it_for_everybody_and_join_brings_it_back(server: EmbeddedServer, user: Callable[..., User]) -> None:
    server.join()
    other = user()
    other.begin()
    other.joined()
    EmbeddedServer(server.log_file.with_name("postgres")).stop()
    assert not server.is_running()
    assert ask(server.join(), "SELECT 1") == 1
    server.leave()
    assert server.is_running()
    other.leave()
    assert not server.is_running()


@pytest.mark.parametrize(
    "name",
    [
        'it\'s "a" `touch no` $(touch no) \\ ü 日本 %d 100%',
        "a,b",
        "deep/" * 30 + "er",
        os.fsdecode(b"latin-\xe9"),
        "[x]*",
    ],
)
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    server = EmbeddedServer(tmp_path / name / "postgres")
    try:
        assert ask(server.join(), "SELECT 1") == 1
    finally:
        server.leave()
    assert not server.is_running()


def test_two_names_of_one_folder_are_one_server(tmp_path: Path, data: Path, server: EmbeddedServer) -> None:
    server.join()
    (tmp_path / "link").symlink_to(data)
    other = EmbeddedServer(tmp_path / "link")
    other.join()
    assert other.pid() == server.pid()
    server.leave()
    assert other.is_running()
    other.leave()
    assert not other.is_running()


def test_the_log_is_bounded(server: EmbeddedServer) -> None:
    server.join()
    with server.log_file.open("ab") as file:
        file.write(b"x" * (9 * MIB))
    server.join()
    assert server.log_file.stat().st_size < MIB
    server.leave()
    assert "shut down" in server.log_file.read_text()


def test_what_was_in_memory_is_read_again_at_the_next_start(data: Path, server: EmbeddedServer) -> None:
    file, count = "pg_relation_filenode('asked')", "SELECT count(*) FROM pg_buffercache WHERE relfilenode = {}"
    with psycopg.connect(server.join(), autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_buffercache")
        conn.execute("CREATE TABLE asked AS SELECT n FROM generate_series(1, 100000) n")
        conn.execute("SELECT count(*) FROM asked")
        held = conn.execute(count.format(file)).fetchone()
    assert held is not None
    assert held[0] > 400
    server.leave()
    assert (data / "autoprewarm.blocks").stat().st_mode & 0o777 == 0o600
    with psycopg.connect(server.join(), autocommit=True) as conn:
        wait_until(lambda: conn.execute(count.format(file)).fetchone() == held, "the table is in memory again")
    server.leave()


def test_programs_are_found() -> None:
    assert subprocess.check_output([program("pg_dump"), "--version"], text=True).startswith("pg_dump (PostgreSQL) 18")
    with pytest.raises(DtkError, match="missing"):
        program("no_such_program")


def test_settings_fit_the_machine() -> None:
    small = settings_text(memory=512 * MIB, cpus=1, shared_memory=64 * MIB, prewarms=False)
    large = settings_text(memory=128 * GIB, cpus=64, shared_memory=64 * GIB, prewarms=True)
    assert "\nshared_buffers = 128MB\n" in small
    assert "\nmaintenance_work_mem = 64MB\n" in small
    assert "\ndynamic_shared_memory_type = mmap\n" in small
    assert "\nshared_buffers = 4096MB\n" in large
    assert "pg_prewarm" in large
    assert "pg_prewarm" not in small, "a server without the module would not start"
    assert "\nmaintenance_work_mem = 1024MB\n" in large
    assert "\ndynamic_shared_memory_type = posix\n" in large

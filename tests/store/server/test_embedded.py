"""The embedded PostgreSQL, as its users share it, kill it and find it again."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from dtk_tui.errors import DtkError
from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.embedded import EmbeddedServer
from dtk_tui.store.server.settings import GIB, MIB, settings_text

# A process that joins, says so, and leaves when its standard input ends.
_USER = """
import sys
from pathlib import Path
from dtk_tui.store.server.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
sys.stdin.readline()
print(server.join(), flush=True)
sys.stdin.read()
server.leave()
"""


class User:
    """Another process that uses the server."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _USER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def joined(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate(timeout=300)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=300)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    # Every run of pytest closes its own folder of temporary folders again, which root's server has to pass through.
    with tempfile.TemporaryDirectory(prefix="dtk-test-") as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="module")
def library() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dtk-test-") as folder:
        yield Path(folder).resolve()


@pytest.fixture
def data(library: Path) -> Iterator[Path]:
    """A data folder with a database, once the first test has made it."""
    yield library / "postgres"
    EmbeddedServer(library / "postgres").stop()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Path]:
    """A data folder that does not exist yet."""
    yield tmp_path / "postgres"
    EmbeddedServer(tmp_path / "postgres").stop()


@pytest.fixture
def server(data: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(data)
    yield server
    server.leave()


@pytest.fixture
def user(data: Path) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def start(folder: Path = data) -> User:
        users.append(User(folder))
        return users[-1]

    yield start
    for one in users:
        if one.process.poll() is None:
            one.kill()


def ask(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query).fetchone()
        return None if row is None else row[0]


def until(condition: Callable[[], object], timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.01)


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
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
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


def test_the_log_is_bounded(server: EmbeddedServer) -> None:
    server.join()
    with server.log_file.open("ab") as file:
        file.write(b"x" * (9 * MIB))
    server.join()
    assert server.log_file.stat().st_size < MIB
    server.leave()
    assert "shut down" in server.log_file.read_text()


def test_programs_are_found() -> None:
    assert subprocess.check_output([program("pg_dump"), "--version"], text=True).startswith("pg_dump (PostgreSQL) 18")
    with pytest.raises(DtkError, match="missing"):
        program("no_such_program")


def test_settings_fit_the_machine() -> None:
    small = settings_text(memory=512 * MIB, cpus=1, shared_memory=64 * MIB)
    large = settings_text(memory=128 * GIB, cpus=64, shared_memory=64 * GIB)
    assert "\nshared_buffers = 128MB\n" in small
    assert "\nmaintenance_work_mem = 64MB\n" in small
    assert "\ndynamic_shared_memory_type = mmap\n" in small
    assert "\nshared_buffers = 4096MB\n" in large
    assert "\nmaintenance_work_mem = 1024MB\n" in large
    assert "\ndynamic_shared_memory_type = posix\n" in large

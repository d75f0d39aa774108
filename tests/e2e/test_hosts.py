"""Two hosts, each with its own home and its own view of the files, drain one queue over TCP; one is cut off."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.e2e.conftest import Dtk
from tests.helpers.forking import Forking
from tests.helpers.pictures import write_many

pytestmark = pytest.mark.usefixtures("quick_models")

IMAGES = 80


class Line:
    """A TCP port of this machine that leads to a server's socket, until it is cut."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._cut:
                    near.close()
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Break every connection and accept no other."""
        self._cut = True
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Accept connections again."""
        self._cut = False

    def close(self) -> None:
        """Cut for good."""
        self.cut()
        self._listener.close()


@contextmanager
def _host(forking: Forking, database_url: str, home: Path, library: Path, sees: Path) -> Iterator[tuple[Dtk, Line]]:
    parts = conninfo_to_dict(database_url)
    line = Line(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}")
    shutil.copytree(library, sees)
    home.mkdir()
    (home / "config.toml").write_text(f'[worker]\nlease_s = 2.0\n\n[paths]\nmap = {{ "{library}" = "{sees}" }}\n')
    dtk = Dtk(home, forking)
    dtk.environ["DTK_DATABASE_URL"] = make_conninfo(database_url, host="127.0.0.1", port=line.port)
    try:
        yield dtk, line
    finally:
        line.close()


def _wait(condition: Callable[[], bool], what: str, timeout_s: float = 300) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.05)


def test_two_hosts_drain_one_queue_and_one_is_cut_off(database_url: str, tmp_path: Path, forking: Forking) -> None:
    library = tmp_path / "library"
    write_many(library, IMAGES)
    with (
        _host(forking, database_url, tmp_path / "home-a", library, tmp_path / "a") as (one, _),
        _host(forking, database_url, tmp_path / "home-b", library, tmp_path / "b") as (other, line),
        psycopg.connect(database_url, autocommit=True) as conn,
    ):
        one.run("scan", str(library))
        shutil.rmtree(library)  # neither host sees the files where the scan found them

        def ask(sql: str) -> list[tuple[Any, ...]]:
            return conn.execute(sql.encode()).fetchall()

        def done_by(pid: int) -> int:
            return int(
                ask(f"SELECT count(*) FROM job_log JOIN worker ON worker.id = worker_id WHERE pid = {pid}")[0][0]
            )

        cut_off, stays = other.start("worker", "run"), one.start("worker", "run")
        try:
            _wait(lambda: len(ask("SELECT FROM worker WHERE lease_until > clock_timestamp()")) == 2, "both are there")
            one.run("queue", "add", "--all", "--kind", "tag,embed")
            _wait(lambda: done_by(cut_off.pid) > 0 and done_by(stays.pid) > 0, "both work")
            line.cut()
            left = ask("SELECT count(*) FROM job")[0][0]
            assert 0 < left < 2 * IMAGES, "in the middle"

            _wait(lambda: not ask("SELECT 1 FROM job LIMIT 1"), "the other one finishes")

            assert cut_off.poll() is None, "it waits for its line"
            line.mend()
            again = f"SELECT 1 FROM worker WHERE pid = {cut_off.pid} AND lease_until > clock_timestamp()"
            _wait(lambda: bool(ask(again)), "it comes back")
        finally:
            for worker in (cut_off, stays):
                worker.terminate()
                worker.communicate(timeout=300)
        outcomes = ask("SELECT outcome, count(*), count(DISTINCT (kind, image_id)) FROM job_log GROUP BY 1")
        assert outcomes == [("done", 2 * IMAGES, 2 * IMAGES)], "nothing failed, nothing twice"
        assert len(ask("SELECT DISTINCT worker_id FROM job_log")) >= 2
        assert ask("SELECT count(*) FROM image_vector") == [(IMAGES,)]
        assert json.loads(one.run("status", "--json"))["queue"]["pending"] == 0
        assert not os.path.lexists(library)

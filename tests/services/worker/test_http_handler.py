"""A kind of work that waits for a server instead of a device: one handler, and no stage knows of it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import ClaimedJob, Kind, WorkerState
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import control
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.base import JobHandler, Lane, Loaded, Resources
from dtk_tui.services.worker.handlers.tag import TagHandler
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import jobs
from tests.helpers.pictures import write_many
from tests.helpers.running_worker import EVERYTHING, logged_jobs, one_value, wait_for_jobs, worker

pytestmark = pytest.mark.usefixtures("quick_models")

AT_ONCE = 3


class Server(ThreadingHTTPServer):
    """Answers with the size of the picture that it is sent, but not before ``gate`` is open."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.gate = threading.Event()
        self.failures_left = 0
        self.waiting = self.most = 0
        self.changed = threading.Condition()

    def count(self, step: int) -> None:
        """Count a request that came or went."""
        with self.changed:
            self.waiting += step
            self.most = max(self.most, self.waiting)
            self.changed.notify_all()

    def take_failure(self) -> bool:
        """Say whether this request is to fail."""
        with self.changed:
            self.failures_left -= 1
            return self.failures_left >= 0


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_POST(self) -> None:
        """Read a picture, wait, answer."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.count(+1)
        self.server.gate.wait(120)
        self.server.count(-1)
        self.send_response(503 if self.server.take_failure() else 200)
        self.end_headers()
        self.wfile.write(f"a picture of {len(data)} bytes".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class RemoteHandler(JobHandler):
    """Sends a picture to a server and keeps what it says."""

    kind = Kind.CAPTION
    lane: Lane = Lane("http", threads=AT_ONCE)
    port: ClassVar[int]

    def __init__(self) -> None:
        self.model = "remote"
        self.batch_size = 1

    @classmethod
    def open(cls, resources: Resources) -> Self:
        with resources.db.connection() as conn:
            conn.execute("CREATE TABLE IF NOT EXISTS said (image_id bigint PRIMARY KEY, words text)")
        return cls()

    def load(self, job: ClaimedJob) -> Loaded:
        return Loaded(job, (np.frombuffer(Path(job.path).read_bytes(), np.uint8),))

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        return [self._ask(item.arrays[0].tobytes()) for item in batch]

    def _ask(self, data: bytes) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/", data)
            answer = connection.getresponse()
            words = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise OSError(f"the server answers {answer.status}")
        return words

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        for image_id, words in rows:
            conn.execute("INSERT INTO said VALUES (%s, %s)", (image_id, words))

    def close(self) -> None:
        pass


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on the loopback, and a worker that knows its handler."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setattr(registry, "HANDLERS", (TagHandler, RemoteHandler))
    monkeypatch.setattr(RemoteHandler, "port", server.server_port, raising=False)
    yield server
    server.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()


def _queue(db: Database) -> None:
    with db.connection() as conn:
        conn.execute("INSERT INTO job (kind, image_id) SELECT %s, id FROM image ORDER BY id", (Kind.CAPTION,))
        jobs.wake_workers(conn)


def test_what_waits_for_a_server_does_not_hold_up_the_device(
    db: Database, config: Config, tmp_path: Path, remote: Server
) -> None:
    library = tmp_path / "library"
    paths = write_many(library, 60)
    scan(db, config, [str(library)])
    _queue(db)
    with db.connection() as conn:  # one may have killed a worker: it is tried alone
        conn.execute("UPDATE job SET deaths = 1 WHERE id = (SELECT max(id) FROM job)")
    with worker(db, config) as (engine, _):
        with remote.changed:
            assert remote.changed.wait_for(lambda: remote.waiting == AT_ONCE, 120), "each thread of the lane asks"
        enqueue(db, config, EVERYTHING, [Kind.TAG])
        wait_for_jobs(engine, above=59)
        assert one_value(db, "SELECT count(*) FROM tag_prediction") == 60
        assert one_value(db, "SELECT count(*) FROM said") == 0 and remote.waiting == AT_ONCE
        remote.gate.set()
        engine.wait_until_empty()
        assert set(engine.throughput.pace()) == {"tag", "caption"}
    assert remote.most == AT_ONCE
    assert one_value(db, "SELECT count(*) FROM said") == 60
    sizes = sum(path.stat().st_size for path in paths)
    assert one_value(db, "SELECT sum(substring(words FROM '[0-9]+')::int) FROM said") == sizes
    assert sorted(logged_jobs(db)) == sorted(set(logged_jobs(db))), "no job was done twice"


def test_a_server_that_refuses_is_asked_again_later(
    db: Database, config: Config, tmp_path: Path, remote: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_RETRY_LATER", jobs._RETRY_LATER.replace("5 seconds", "50 milliseconds"))
    write_many(tmp_path / "library", 4)
    scan(db, config, [str(tmp_path / "library")])
    _queue(db)
    remote.failures_left = 4
    remote.gate.set()
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        assert (engine.throughput.processed, engine.throughput.failed) == (4, 0)
    assert one_value(db, "SELECT count(*) FROM said") == 4


def test_pause_gives_back_what_no_server_was_asked_for(
    db: Database, config: Config, tmp_path: Path, remote: Server
) -> None:
    write_many(tmp_path / "library", 30)
    scan(db, config, [str(tmp_path / "library")])
    _queue(db)
    with worker(db, config) as (engine, news):
        with remote.changed:
            assert remote.changed.wait_for(lambda: remote.waiting == AT_ONCE, 120)
        control.pause(db)
        threading.Timer(0.5, remote.gate.set).start()
        news.wait_for_state(WorkerState.PAUSED)
        assert one_value(db, "SELECT count(*) FROM said") == AT_ONCE, "what was asked for is saved"
        assert one_value(db, "SELECT count(*) FROM job WHERE state = 'pending'") == 30 - AT_ONCE
        control.start(db)
        engine.wait_until_empty()
    assert one_value(db, "SELECT count(*) FROM said") == 30

"""Reads that never return: the file is set aside, its share waited for, and everything else goes on, and ends.

A file hangs here where its name says so: the handler opens a FIFO that nobody writes to, which blocks like a share
whose server is gone.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.domain.job import ClaimedJob, JobState, Kind, WorkerState
from dtk_tui.errors import MissingFileError, UnreadableFileError
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker import control, heartbeat, load, pipeline
from dtk_tui.services.worker.files import away, reading
from dtk_tui.services.worker.handlers import registry
from dtk_tui.services.worker.handlers.base import Loaded
from dtk_tui.services.worker.sandbox import IsolatedLoader
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs
from tests.helpers.pictures import write_many, write_png
from tests.helpers.plain_handler import DigestHandler
from tests.helpers.running_worker import EVERYTHING, one_value, wait_for_jobs, worker

SEEN = "SELECT count(*) FROM seen"


@pytest.fixture(autouse=True)
def fifo(monkeypatch: pytest.MonkeyPatch, db: Database, tmp_path: Path) -> Iterator[Path]:
    """What hangs; the threads that wait for it end with the test."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    waiting: list[str] = []
    real = DigestHandler.load

    def hang(self: DigestHandler, job: ClaimedJob) -> Loaded:
        if "hang" in job.path.removeprefix(str(tmp_path)) and path.exists():
            waiting.append(job.path)
            path.open("rb").close()
        return real(self, job)

    DigestHandler.make_table(db)
    monkeypatch.setattr(DigestHandler, "load", hang)
    monkeypatch.setattr(registry, "HANDLERS", (DigestHandler,))
    monkeypatch.setattr(reading, "_LOOK_S", 0.05)
    monkeypatch.setattr(away, "_LOOK_S", 0.05)
    monkeypatch.setattr(away, "_COUNT_S", 0.1)
    monkeypatch.setattr(away, "_ANSWER_S", 0.3)
    monkeypatch.setattr(heartbeat, "_HEARTBEAT_S", 0.1)
    monkeypatch.setattr(load, "_PATIENCE", 1)
    monkeypatch.setattr(pipeline, "_READ_S", 0.3)
    monkeypatch.setattr(pipeline, "_JOIN_S", 0.1)
    yield path
    path.rename(tmp_path / "nobody waits any more")
    while waiting:  # each open is answered by one
        try:
            os.close(os.open(tmp_path / "nobody waits any more", os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            break
        waiting.pop()


@pytest.fixture
def quick(config: Config) -> Config:
    """Two loading threads, and a second for each read."""
    settings = structs.replace(config.settings.worker, decode_threads=2, read_s=1.0)
    return Config(config.paths, structs.replace(config.settings, worker=settings))


def _queue(db: Database, config: Config, *libraries: Path) -> None:
    scan(db, config, [str(library) for library in libraries])
    enqueue(db, config, EVERYTHING, [Kind.TAG])


def test_a_file_that_hangs_is_tried_alone_and_set_aside_and_the_rest_goes_on(
    db: Database, quick: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    hanging = {str(write_png(library / f"hang{number}.png", "hang", number)) for number in range(2)}
    write_many(library, 40)
    _queue(db, quick, library)
    with worker(db, quick) as (engine, _):
        engine.wait_until_empty()
        assert (engine.throughput.processed, engine.throughput.failed) == (40, 2)
    with db.connection() as conn:
        failed = jobs.rows(conn, jobs.page_ids(conn, JobState.FAILED).tolist())
    assert {job.path for job in failed} == hanging
    assert all("took longer than" in (job.error or "") for job in failed), failed


def test_a_pipe_in_the_place_of_a_picture_fails_at_once(db: Database, config: Config, tmp_path: Path) -> None:
    picture, _ = write_many(tmp_path / "library", 2)
    _queue(db, config, tmp_path / "library")
    picture.unlink()
    os.mkfifo(picture)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    with db.connection() as conn:
        (failed,) = jobs.rows(conn, jobs.page_ids(conn).tolist())
    assert failed.error == f"{picture} is not a file."


@pytest.mark.parametrize("how", ["close", "stop"])
def test_a_read_that_hangs_holds_up_no_end(db: Database, config: Config, tmp_path: Path, how: str) -> None:
    library = tmp_path / "library"
    write_png(library / "hang.png", "hang", 1)
    write_many(library, 5)
    _queue(db, config, library)
    with worker(db, config) as (engine, news):
        wait_for_jobs(engine, above=4)
        asked = time.monotonic()
        if how == "stop":
            control.stop(db)
            news.wait_for_state(WorkerState.STOPPED)
        else:
            engine.close()
        assert time.monotonic() < asked + 30, "the bound of a read is a minute"
        assert one_value(db, "SELECT count(*) FROM job WHERE state = 'pending' AND deaths = 0") == 1


def test_a_share_that_hangs_is_away_until_it_answers(
    db: Database, quick: Config, tmp_path: Path, fifo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, other = tmp_path / "hanging", tmp_path / "other"
    write_many(share, 30)
    write_many(other, 20, first=5000)
    _queue(db, quick, share, other)
    answers, real = threading.Event(), away.why_away
    monkeypatch.setattr(
        away, "why_away", lambda path: real(path) if path != str(share) or answers.wait(60) else "never"
    )
    with worker(db, quick) as (engine, news):
        news.wait_for(lambda _: one_value(db, SEEN) == 20 and [one.jobs for one in snapshot(db).away] == [30])
        assert [(one.path, one.reason) for one in snapshot(db).away] == [(str(share), "does not answer")]
        fifo.rename(tmp_path / "aside")
        answers.set()
        engine.wait_until_empty()
        assert engine.throughput.failed == 0
        (tmp_path / "aside").rename(fifo)
    assert one_value(db, SEEN) == 50


@pytest.mark.usefixtures("starter_models")
def test_the_process_of_a_suspect_ends_when_it_reads_too_long(tmp_path: Path) -> None:
    picture = str(write_png(tmp_path / "good.png", "a thing"))
    isolated = IsolatedLoader(60.0)
    assert isolated.load(picture, ["dinov2-small"])[0][0].shape == (224, 224, 3)
    with pytest.raises(MissingFileError):
        isolated.load(str(tmp_path / "none.png"), ["dinov2-small"])
    process = isolated._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)  # it reads for ever
    isolated._longest_s = 0.3
    with pytest.raises(UnreadableFileError, match="takes longer than 0s; it is set aside"):
        isolated.load(picture, ["dinov2-small"])
    assert process.returncode == -signal.SIGKILL
    isolated.end()

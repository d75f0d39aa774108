"""The worker and what goes wrong: files that kill, too little memory, hours of rest, paths of other hosts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.atomic_file import write_whole
from dtk_tui.config import Config, load
from dtk_tui.domain.events import ProblemReported
from dtk_tui.domain.hours import Hours
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.inference.devices.session import DeviceMemoryError
from dtk_tui.inference.image_decoder import decode_picture
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker import control
from dtk_tui.services.worker.batch_size import AdaptiveBatchSize
from dtk_tui.services.worker.handlers.base import Loaded
from dtk_tui.services.worker.handlers.embed import EmbedHandler
from dtk_tui.services.worker.sandbox import IsolatedLoader, LoadingCancelledError
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs, workers
from tests.helpers.pictures import write_many, write_png
from tests.helpers.running_worker import EVERYTHING, logged_jobs, one_value, wait_for_jobs, worker

pytestmark = pytest.mark.usefixtures("quick_models")

# Every process started with this on its path dies of a file of that name: a decoder with a fault, so to speak.
_DEADLY = """
import builtins, os, signal
real = open
def deadly(path, *arguments, **options):
    if os.path.basename(os.fspath(path) if isinstance(path, (str, os.PathLike)) else "") == "poison.png":
        os.kill(os.getpid(), signal.SIGSEGV)
    return real(path, *arguments, **options)
builtins.open = deadly
"""


def _poisoned(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "faults"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_DEADLY)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def _configured(config: Config, tmp_path: Path, text: str) -> Config:
    home = tmp_path / "configured"
    home.mkdir()
    (home / "config.toml").write_text(text)
    environ = {"HOME": str(tmp_path), "DTK_HOME": str(home), "DTK_DATABASE_URL": config.database_url or ""}
    return load(environ | {"DTK_MODELS": str(config.paths.models)})


def _prepare(db: Database, config: Config, library: Path, count: int, kinds: Sequence[Kind] = (Kind.EMBED,)) -> None:
    write_many(library, count)
    scan(db, config, [str(library)])
    enqueue(db, config, EVERYTHING, kinds)


def test_a_file_that_kills_the_process_is_set_aside_and_nothing_else(
    db: Database, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    write_png(library / "poison.png", "poison", seed=9)
    _prepare(db, config, library, 30)
    settings = _configured(config, tmp_path, "[worker]\nlease_s = 1.0\n")
    environ = (
        os.environ
        | _poisoned(tmp_path)
        | {
            "DTK_DATABASE_URL": config.database_url or "",
            "DTK_MODELS": str(config.paths.models),
            "DTK_HOME": str(settings.paths.home),
        }
    )
    command = [str(Path(sys.executable).parent / "dtk"), "worker", "run", "--until-empty"]

    first = subprocess.run(command, env=environ, capture_output=True, timeout=600, check=False)
    second = subprocess.run(command, env=environ, capture_output=True, timeout=600, check=False)

    assert first.returncode == -signal.SIGSEGV, "the first one dies of it"
    assert second.returncode == 0, second.stderr.decode()
    assert one_value(db, "SELECT count(*) FROM image_vector") == 30
    with db.connection() as conn:
        (failed,) = jobs.rows(conn, jobs.page_ids(conn))
    assert failed.path.endswith("poison.png") and "SIGSEGV" in (failed.error or ""), failed


def test_cancelling_an_isolated_loader_blames_nobody(tmp_path: Path) -> None:
    fifo = tmp_path / "never.png"
    os.mkfifo(fifo)
    picture = write_png(tmp_path / "good.png", "a thing")
    isolated = IsolatedLoader()
    (array,), look = isolated.load(str(picture), ["dinov2-small"])
    assert look == decode_picture(str(picture)).look, "what it looks like comes along"
    assert array.shape == (224, 224, 3)
    process = isolated._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)  # it reads for ever
    ended = threading.Timer(0.2, isolated.end)
    ended.start()
    with pytest.raises(LoadingCancelledError):
        isolated.load(str(picture), ["dinov2-small"])
    assert isolated.load(str(picture), ["dinov2-small"])[0][0].shape == (224, 224, 3), "another process goes on"
    isolated.end()


def test_out_of_memory_halves_the_batch_and_fails_nothing(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sizes = EmbedHandler.infer, []

    def short(self: EmbedHandler, batch: Sequence[Loaded]) -> list[Any]:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise DeviceMemoryError("out of memory")
        return real(self, batch)

    monkeypatch.setattr(EmbedHandler, "infer", short)
    _prepare(db, config, tmp_path / "library", 40)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        assert engine.throughput.failed == 0
    assert one_value(db, "SELECT count(*) FROM image_vector") == 40
    assert sizes[0] == 8 and sum(1 for size in sizes if size > 3) <= 4, f"it remembers: {sizes}"


def test_batches_grow_back_and_doubt_grows_with_each_relapse() -> None:
    sizes = AdaptiveBatchSize({Kind.EMBED: 32})
    sizes.shrink(Kind.EMBED, 32)
    sizes.shrink(Kind.EMBED, 16)
    assert sizes.of(Kind.EMBED) == 8

    def until_larger() -> int:
        before, count = sizes.of(Kind.EMBED), 0
        while sizes.of(Kind.EMBED) == before:
            sizes.grow(Kind.EMBED)
            count += 1
        return count

    first = until_larger()
    assert sizes.of(Kind.EMBED) == 16
    sizes.shrink(Kind.EMBED, 16)
    assert sizes.of(Kind.EMBED) == 8 and until_larger() > first
    until_larger()
    assert sizes.of(Kind.EMBED) == 32, "all of it again"


def test_a_passing_fault_is_tried_again_and_gives_up_in_the_end(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = EmbedHandler.load

    def flaky(self: EmbedHandler, job: Any) -> Loaded:
        if job.path.endswith("00003.png") or (job.path.endswith("00001.png") and job.attempts == 0):
            raise OSError(5, "the disk is away")
        return real(self, job)

    monkeypatch.setattr(EmbedHandler, "load", flaky)
    monkeypatch.setattr(jobs, "_RETRY_LATER", jobs._RETRY_LATER.replace("5 seconds", "50 milliseconds"))
    _prepare(db, config, tmp_path / "library", 6)
    settings = _configured(config, tmp_path, "[worker]\nmax_retries = 2\n")
    with worker(db, settings) as (engine, _):
        engine.wait_until_empty()
    with db.connection() as conn:
        (failed,) = jobs.rows(conn, jobs.page_ids(conn))
    assert failed.path.endswith("00003.png") and failed.attempts == 3 and "the disk is away" in (failed.error or "")
    assert one_value(db, "SELECT count(*) FROM image_vector") == 5


def test_two_workers_in_one_process_share_a_queue_and_one_is_stopped_alone(
    db: Database, config: Config, tmp_path: Path
) -> None:
    _prepare(db, config, tmp_path / "library", 72)
    control.start(db)
    with (
        worker(db, config, initial_state=None) as (one, news),
        worker(db, config, initial_state=None) as (other, other_news),
    ):
        for engine in (one, other):
            wait_for_jobs(engine)
        with db.connection() as conn:
            assert workers.set_desired_state(conn, WorkerState.STOPPED, one.worker_id) == 1
        news.wait_for_state(WorkerState.STOPPED)
        states = {info.id: info.state for info in snapshot(db).workers}
        assert states.pop(one.worker_id) == WorkerState.STOPPED and set(states.values()) == {WorkerState.RUNNING}
        done = one.throughput.processed
        other_news.wait_for(lambda _: one_value(db, "SELECT count(*) FROM image_vector") == 72)
        assert 0 < done == one.throughput.processed
    assert sorted(logged_jobs(db)) == sorted(set(logged_jobs(db)))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


@pytest.mark.parametrize(
    ("hours", "now", "edge", "rests"),
    [
        ("09:00-17:00", "2026-03-10 08:59", "2026-03-09 17:00", False),
        ("09:00-17:00", "2026-03-10 09:00", "2026-03-10 09:00", True),
        ("09:00-17:00", "2026-03-10 17:00", "2026-03-10 17:00", False),
        ("22:00-06:00", "2026-03-10 23:00", "2026-03-10 22:00", True),
        ("22:00-06:00", "2026-03-11 05:59", "2026-03-10 22:00", True),
        ("22:00-06:00", "2026-03-11 06:00", "2026-03-11 06:00", False),
        ("00:00-08:00", "2026-01-01 00:00", "2026-01-01 00:00", True),
    ],
)
def test_the_last_edge_of_the_hours(hours: str, now: str, edge: str, rests: bool) -> None:
    assert Hours.parse(hours).last_edge(_at(now)) == (_at(edge), rests)


def test_in_the_hours_of_rest_nothing_runs_until_someone_says_start(
    db: Database, config: Config, tmp_path: Path
) -> None:
    _prepare(db, config, tmp_path / "library", 20)
    control.start(db)
    with db.connection() as conn:  # asked for yesterday
        conn.execute("UPDATE worker_control SET changed_at = changed_at - interval '1 day'")
    now = datetime.now()
    hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"
    settings = _configured(config, tmp_path, f'[worker]\nauto_pause = "{hours}"\n')
    with worker(db, settings, initial_state=None) as (engine, news):
        news.wait_for(lambda _: engine._control.has_followed.is_set())
        assert engine.state == WorkerState.STOPPED and engine.provider is None
        control.start(db)
        news.wait_for_state(WorkerState.RUNNING)
        engine.wait_until_empty()
    assert one_value(db, "SELECT count(*) FROM image_vector") == 20


def test_hours_that_are_written_into_the_config_hold_at_once(db: Database, config: Config, tmp_path: Path) -> None:
    _prepare(db, config, tmp_path / "library", 1)
    control.start(db)
    with db.connection() as conn:  # asked for yesterday
        conn.execute("UPDATE worker_control SET changed_at = changed_at - interval '1 day'")
    settings = _configured(config, tmp_path, "")
    file, now = settings.paths.config_file, datetime.now()
    with worker(db, settings, initial_state=None) as (_, news):
        news.wait_for_state(WorkerState.RUNNING)
        write_whole(file, b'[worker]\nauto_pause = "often"\n')
        news.wait_for(
            lambda events: any("auto_pause" in one.detail for one in events if isinstance(one, ProblemReported))
        )
        hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"
        write_whole(file, f'[worker]\nauto_pause = "{hours}"\n'.encode())
        news.wait_for_state(WorkerState.PAUSED)


def test_a_host_finds_the_files_of_another_where_its_config_says(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    _prepare(db, config, library, 10)
    library.rename(tmp_path / "mounted")
    settings = _configured(config, tmp_path, f'[paths]\nmap = {{ "{library}" = "{tmp_path}/mounted" }}\n')
    assert settings.local_path(f"{library}x/1.png") == f"{library}x/1.png", "a folder, not a beginning"
    with worker(db, settings) as (engine, _):
        engine.wait_until_empty()
        assert (engine.throughput.processed, engine.throughput.failed) == (10, 0)


def test_the_first_claim_after_a_pause_comes_within_a_tenth_of_a_second_and_stop_within_three(
    db: Database, config: Config, tmp_path: Path
) -> None:
    _prepare(db, config, tmp_path / "library", 200, [Kind.TAG, Kind.EMBED])
    with worker(db, config) as (engine, news):
        wait_for_jobs(engine)
        control.pause(db)
        news.wait_for_state(WorkerState.PAUSED)
        control.start(db)
        news.wait_for(lambda _: one_value(db, "SELECT count(*) FROM job WHERE state = 'running'") > 0)
        first = one_value(
            db,
            "SELECT extract(epoch FROM (SELECT min(started_at) FROM job WHERE state = 'running') - changed_at) * 1000"
            " FROM worker_control",
        )
        asked = time.monotonic()
        control.stop(db)
        news.wait_for_state(WorkerState.STOPPED)
        took_s = time.monotonic() - asked
        assert snapshot(db).queue.running == 0
    # Generous, for a busy machine: the goals are 100 ms and 3 s, see the benchmark.
    assert first < 5000 and took_s < 30, (first, took_s)


def test_a_dry_run_says_how_long_it_will_take(db: Database, config: Config, tmp_path: Path) -> None:
    _prepare(db, config, tmp_path / "library", 32)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    ask = enqueue(db, config, Target(everything=True), [Kind.EMBED], dry_run=True, again=True)
    assert ask.queued == 32 and ask.expected_s is not None and 0 < ask.expected_s < 300
    assert snapshot(db).queue.pending == 0


def test_a_bulk_run_builds_its_index_once_in_the_end(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtk_tui.services.worker.bulk_index.LEAST", 20)
    exists = "SELECT count(*) FROM pg_indexes WHERE indexname ~ '^image_vector_[0-9]+_hnsw$'"
    _prepare(db, config, tmp_path / "library", 60)
    with worker(db, config) as (engine, _):
        wait_for_jobs(engine)
        assert one_value(db, exists) == 0 or one_value(db, "SELECT count(*) FROM job") == 0
        engine.wait_until_empty()
    assert one_value(db, exists) == 1
    assert one_value(db, "SELECT count(*) FROM image_vector") == 60
    with worker(db, config) as (engine, _):  # a few more are no bulk run
        write_many(tmp_path / "more", 3, first=9000)
        scan(db, config, [str(tmp_path / "more")])
        enqueue(db, config, EVERYTHING, [Kind.EMBED])
        engine.wait_until_empty()
    assert one_value(db, exists) == 1

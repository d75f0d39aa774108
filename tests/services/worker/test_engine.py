"""The worker on a real queue, with real files and sessions."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import NOW, JobState, Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker import control
from dtk_tui.services.worker.handlers.embed import EmbedHandler
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import images
from dtk_tui.store.queue import claims, jobs
from tests.helpers.pictures import write_many, write_png
from tests.helpers.running_worker import EVERYTHING, logged_jobs, one_value, wait_for_jobs, worker

pytestmark = pytest.mark.usefixtures("quick_models")


def test_each_group_and_each_prompt_is_embedded_once(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    write_many(library, 12, prompts=3)
    write_png(library / "final.png", "a thing of kind 0, painted", seed=1000, size=(128, 128))  # of 00000.png
    scan(db, config, [str(library)])
    done = enqueue(db, config, EVERYTHING, [Kind.TAG, Kind.EMBED])
    assert (done.queued, done.spared) == (13 + 12, 1)

    with worker(db, config) as (engine, _):
        engine.wait_until_empty()

    assert one_value(db, "SELECT count(*) FROM image_vector") == 12
    assert one_value(db, "SELECT count(*) FROM prompt_vector") == 3
    assert one_value(db, "SELECT count(*) FROM tag_prediction") == 13
    assert one_value(db, "SELECT count(*) FROM job") == 0
    assert sorted(logged_jobs(db)) == sorted(set(logged_jobs(db))), "no job was done twice"
    again = enqueue(db, config, EVERYTHING, [Kind.TAG, Kind.EMBED])
    assert (again.queued, again.already_done) == (0, 25)


def test_a_crash_cannot_forget_the_result_of_a_prompt_that_later_jobs_rely_on(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def save_prompts(self: EmbedHandler, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        seen.append(conn.execute("SHOW synchronous_commit").fetchone())
        real(self, conn, rows)

    real = EmbedHandler.save_prompts
    monkeypatch.setattr(EmbedHandler, "save_prompts", save_prompts)
    write_many(tmp_path / "library", 6, prompts=3)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.EMBED])
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    assert seen and set(seen) == {("on",)}


def test_now_goes_before_everything_else(db: Database, config: Config, tmp_path: Path) -> None:
    write_many(tmp_path / "library", 60)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.TAG])
    with db.connection() as conn:
        chosen = images.newest_ids(conn)[-5:].tolist()
    enqueue(db, config, Target(image_ids=tuple(chosen)), [Kind.EMBED], priority=NOW)

    with worker(db, config) as (engine, _):
        engine.wait_until_empty()

    assert {image for kind, image in logged_jobs(db)[:5]} == set(chosen)
    assert {kind for kind, _ in logged_jobs(db)[:5]} == {Kind.EMBED}


def test_now_overtakes_what_is_already_claimed(db: Database, config: Config, tmp_path: Path) -> None:
    write_many(tmp_path / "library", 80)
    write_many(tmp_path / "urgent", 4, prompts=1, first=5000)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.EMBED])
    scan(db, config, [str(tmp_path / "urgent")])
    with db.connection() as conn:
        urgent = [n for n, path in images.paths_of(conn, images.newest_ids(conn).tolist()).items() if "urgent" in path]

    with worker(db, config) as (engine, _):
        wait_for_jobs(engine)
        before = len(logged_jobs(db))
        enqueue(db, config, Target(image_ids=tuple(urgent)), [Kind.EMBED], priority=NOW)
        engine.wait_until_empty()

    log = logged_jobs(db)
    last_urgent = max(place for place, (_, image) in enumerate(log) if image in urgent)
    # What a device has begun is finished, and a batch that waits for its commit; nothing else goes first.
    assert last_urgent - before < 8 * 4, f"urgent work ended at place {last_urgent}, asked for at {before}"
    assert len(log) == 84


def test_pause_keeps_the_models_and_stop_unloads_them(db: Database, config: Config, tmp_path: Path) -> None:
    write_many(tmp_path / "library", 64)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.EMBED])
    with worker(db, config, initial_state=None) as (engine, news):
        control.start(db)
        news.wait_for_state(WorkerState.RUNNING)
        wait_for_jobs(engine)
        control.pause(db)
        news.wait_for_state(WorkerState.PAUSED)
        stats = snapshot(db)
        assert stats.state == WorkerState.PAUSED and stats.queue.running == 0, "claimed jobs are given back"
        assert engine.provider is not None, "models stay in memory"
        done = len(logged_jobs(db))
        assert 0 < done < 64
        control.start(db)
        wait_for_jobs(engine, above=done)
        control.stop(db)
        news.wait_for_state(WorkerState.STOPPED)
        assert engine.provider is None
        assert snapshot(db).queue.running == 0
        control.start(db)
        news.wait_for_state(WorkerState.RUNNING)
        engine.wait_until_empty()
    assert one_value(db, "SELECT count(*) FROM image_vector") == 64


def test_the_desired_state_is_restored_by_the_next_worker(db: Database, config: Config) -> None:
    control.start(db)
    with worker(db, config, initial_state=None) as (_, news):
        news.wait_for_state(WorkerState.RUNNING)
    with worker(db, config, initial_state=None) as (_, news):
        news.wait_for_state(WorkerState.RUNNING)


def test_a_bad_image_fails_alone_with_its_reason(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    paths = write_many(library, 10)
    data = paths[4].read_bytes()
    paths[4].write_bytes(data[: len(data) // 2])
    scan(db, config, [str(library)])
    enqueue(db, config, EVERYTHING, [Kind.EMBED])
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        assert engine.throughput.processed == 9 and engine.throughput.failed == 1
    with db.connection() as conn:
        (failed,) = jobs.rows(conn, jobs.page_ids(conn))
        assert failed.state == JobState.FAILED and failed.path == str(paths[4]) and failed.error
        assert jobs.retry(conn) == 1


def test_a_worker_that_vanished_loses_its_jobs_to_another(db: Database, config: Config, tmp_path: Path) -> None:
    from dtk_tui.store.queue import workers

    write_many(tmp_path / "library", 6)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.EMBED])
    with db.connection() as conn:
        vanished = workers.register(conn, "elsewhere", 1, WorkerState.RUNNING, lease_s=0.0)
        taken, _ = claims.claim(conn, vanished, list(Kind), 4)
    assert len(taken) == 4
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    assert one_value(db, "SELECT count(*) FROM image_vector") == 6
    with db.connection() as conn:
        assert jobs.finish(conn, vanished, [job.id for job in taken], "late") == 0, "what comes late counts for nothing"


def test_missing_models_are_named_with_what_to_do(db: Database, config: Config, tmp_path: Path) -> None:
    from dtk_tui.config import load
    from dtk_tui.errors import DtkError

    empty = load({"HOME": str(tmp_path), "DTK_HOME": str(tmp_path / "home"), "DTK_MODELS": str(tmp_path / "none")})
    with worker(db, empty) as (engine, _), pytest.raises(DtkError, match="dtk models pull") as caught:
        engine.wait_until_empty()
    said = re.findall(
        r"The model (\S+) is not on this machine\. Get it with: dtk models pull \1\.", caught.value.detail
    )
    assert len(said) == 2, "each is a sentence of its own"
    assert "captioner" not in caught.value.detail, "nobody asked for a caption"


def test_what_is_processed_is_told_with_the_queue(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_many(tmp_path, 4)
    scan(db, config, [str(tmp_path)])
    # Only progress makes the heart beat within this test.
    monkeypatch.setattr("dtk_tui.services.worker.heartbeat._HEARTBEAT_S", 3600.0)
    with worker(db, config):
        for _ in range(2):
            before = snapshot(db).processed
            enqueue(db, config, EVERYTHING, [Kind.TAG], again=True)
            end = time.monotonic() + 300
            while snapshot(db).queue.pending or snapshot(db).queue.running or snapshot(db).processed != before + 4:
                assert time.monotonic() < end, snapshot(db)


def test_a_worker_hears_and_ends_between_two_looks(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_LOOK_S", 3600.0)
    with worker(db, config) as (engine, news):
        news.wait_for_state(WorkerState.RUNNING)
        control.pause(db)
        news.wait_for_state(WorkerState.PAUSED)
    assert engine.state == WorkerState.STOPPED

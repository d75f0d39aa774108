"""Killed in the middle: nothing is lost, nothing is done twice in effect, nothing fails by it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.e2e.conftest import Dtk
from tests.helpers.frozen import frozen
from tests.helpers.pictures import write_many

pytestmark = pytest.mark.usefixtures("quick_models")

IMAGES = 40


def _prepare(dtk: Dtk, images: int = IMAGES) -> None:
    (dtk.home / "config.toml").write_text("[worker]\nlease_s = 2.0\n")
    library = dtk.home.parent / "library"
    write_many(library, images)
    dtk.run("db", "start")
    dtk.run("scan", str(library))
    dtk.run("queue", "add", "--all", "--kind", "tag,embed")


def _wait(condition: Callable[[], bool], what: str, timeout_s: float = 300) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.05)


def _left(dtk: Dtk) -> int:
    return int(dtk.ask("SELECT count(*) FROM job WHERE state <> 'failed'")[0][0])


def _has_begun(dtk: Dtk, jobs: int) -> bool:
    try:
        return _left(dtk) < jobs
    except psycopg.OperationalError:  # the server starts
        return False


def _check_complete(dtk: Dtk) -> None:
    status = dtk.look("status")
    assert status["queue"]["pending"] == status["queue"]["running"] == status["queue"]["failed"] == 0
    vectors = status["library"]["vectors"]
    assert vectors == {"dinov2-small": IMAGES, "minilm-l6-v2": 7}
    for hit in dtk.looks("search", "thing", "--limit", "1000")[:: IMAGES // 6]:
        shown = dtk.look("show", str(hit["id"]))
        assert shown["embedded"] == ["dinov2-small", "minilm-l6-v2"]
        assert [tag["source"] for tag in shown["tags"]] == ["open-nsfw"]


def test_a_killed_worker_loses_nothing(dtk: Dtk) -> None:
    _prepare(dtk)
    worker = dtk.start("worker", "run", "--until-empty")
    _wait(lambda: _left(dtk) < 2 * IMAGES - 20, "the worker began")
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    left = _left(dtk)
    assert 0 < left < 2 * IMAGES, "it was killed in the middle"

    dtk.run("worker", "run", "--until-empty")

    _check_complete(dtk)


def test_a_killed_postgres_comes_back_and_the_worker_goes_on(dtk: Dtk) -> None:
    _prepare(dtk)
    worker = dtk.start("worker", "run", "--until-empty")
    _wait(lambda: _left(dtk) < 2 * IMAGES - 10, "the worker began")
    killed = dtk.server_pid()
    os.kill(killed, signal.SIGKILL)

    assert worker.wait(timeout=600) == 0, worker.stderr.read().decode() if worker.stderr else ""

    assert dtk.server_pid() != killed, "the server was started again"
    _check_complete(dtk)


def test_a_worker_that_is_asked_to_end_gives_its_jobs_back(dtk: Dtk) -> None:
    images = 800  # so many that a quick worker is not done before it is asked
    _prepare(dtk, images)
    worker = dtk.start("worker", "run")
    _wait(lambda: _left(dtk) < 2 * images, "the worker began")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=300) == 0
    queue = dtk.look("status")["queue"]
    assert queue["running"] == 0 and queue["pending"] > 0 and queue["failed"] == 0
    assert Path(dtk.home / "postgres").stat().st_mode & 0o777 == 0o700


def test_one_interrupt_ends_a_worker_beside_a_frozen_database(dtk: Dtk) -> None:
    images = 800
    _prepare(dtk, images)
    dtk.run("db", "stop")  # and none that goes on without users: the worker starts it, and would end it
    worker = dtk.start("worker", "run")
    _wait(lambda: worker.poll() is None and _has_begun(dtk, 2 * images), "the worker began")
    with frozen(dtk.server_pid()):
        worker.send_signal(signal.SIGINT)
        _, said = worker.communicate(timeout=120)
    assert worker.returncode == 1
    assert "took nothing back" in said.decode()

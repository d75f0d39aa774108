"""When the commands of ``[hooks]`` run, and what they are told."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config, load
from dtk_tui.domain.events import ProblemReported
from dtk_tui.domain.job import Kind
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker.hooks.watch import Hooks
from dtk_tui.services.worker.throughput import Throughput
from dtk_tui.store.database import Database
from tests.helpers.pictures import write_many
from tests.helpers.running_worker import EVERYTHING, News, worker

_WRITES = 'cat >> "$0"; echo >> "$0"; echo written'


def _command(script: str, file: Path) -> str:
    return json.dumps(["/bin/sh", "-c", script, str(file)])


class _Watched:
    """Hooks of a worker that is made up, with a clock that is set."""

    def __init__(self, folder: Path, is_done: Callable[[], bool] = lambda: True, script: str = _WRITES) -> None:
        self.file, self.now = folder / "told", 1000.0
        command = _command(script, self.file)
        environ = {"DTK_HOOKS__WORK_ENDED": command, "DTK_HOOKS__OFTEN_FAILED": command, "DTK_HOOKS__FAILURES": "20"}
        self.config = load({"HOME": str(folder), "DTK_HOME": str(folder), **environ})
        self.done = Throughput()
        self.news = News()
        self.hooks = Hooks(
            self.config, self.done, self.news, is_done=is_done, worker_id=lambda: 7, clock=lambda: self.now
        )

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.config.paths.hooks_log.read_text().splitlines()]


def test_the_end_of_the_work_is_told_once_with_what_was_done(tmp_path: Path) -> None:
    left = [True]
    watched = _Watched(tmp_path, lambda: not left[0])
    watched.hooks.look()
    watched.done.count_jobs([Kind.TAG] * 3, 1)
    watched.hooks.look()
    assert watched.told() == [], "something is left"
    left[0] = False
    watched.now += 30
    watched.hooks.look()
    watched.hooks.look()
    (told,) = watched.told()
    assert {name: told[name] for name in ("event", "worker", "processed", "failed", "seconds")} == {
        "event": "work_ended", "worker": 7, "processed": 3, "failed": 1, "seconds": 30.0,
    }  # fmt: skip
    (line,) = watched.log()
    assert line["message"] == "hooks.work_ended: It ended with status 0. written" and line["level"] == "info"
    assert stat.S_IMODE(watched.config.paths.hooks_log.stat().st_mode) == 0o600


def test_pictures_that_trickle_in_do_not_run_it_more_than_once_a_minute(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    for _ in range(3):
        watched.done.count_jobs([Kind.TAG], 0)
        watched.now += 25
        watched.hooks.look()
    assert [one["processed"] for one in watched.told()] == [1]
    watched.hooks.end()
    watched.hooks.look(at_once=True)
    assert [one["processed"] for one in watched.told()] == [1, 2], "who closes tells what was not told yet"


def test_failures_are_too_many_by_their_share_of_the_last_hundred(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, lambda: False)
    for _ in range(20):
        watched.done.count_jobs([Kind.TAG] * 9, 1)  # one in ten: as it is with some files in every library
        watched.hooks.look()
    assert watched.told() == []
    watched.done.count_jobs([], 15)
    watched.hooks.look()
    assert [(one["event"], one["failed"]) for one in watched.told()] == [("often_failed", 24)]
    watched.done.count_jobs([], 500)
    watched.hooks.look()
    assert len(watched.told()) == 1, "once an hour"
    watched.now += 3601
    watched.hooks.look()
    assert [one["failed"] for one in watched.told()] == [24, 500]


def test_a_few_failures_are_few_while_hardly_anything_was_done(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, lambda: False)
    watched.done.count_jobs([], 19)
    watched.hooks.look()
    assert watched.told() == []
    watched.done.count_jobs([], 1)
    watched.hooks.look()
    assert [one["failed"] for one in watched.told()] == [20]


def test_one_that_fails_is_reported_and_work_goes_on(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, script="printf 'no \\033[31m mail'; exit 4")
    watched.done.count_jobs([Kind.TAG], 0)
    watched.hooks.look()
    (problem,) = watched.news.events
    assert isinstance(problem, ProblemReported)
    assert problem.title == "The command hooks.work_ended failed. It ended with status 4."
    assert problem.detail == f"It printed: no \u241b[31m mail See {watched.config.paths.hooks_log}."


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    (tmp_path / "logs").write_text("in the way")
    watched.done.count_jobs([Kind.TAG], 0)
    watched.hooks.look()
    assert len(watched.told()) == 1 and watched.news.events == []


@pytest.mark.usefixtures("quick_models")
def test_a_worker_runs_it_before_it_says_that_all_is_done(db: Database, config: Config, tmp_path: Path) -> None:
    file = tmp_path / "told"
    config = load({**config.paths.environ, "DTK_HOOKS__WORK_ENDED": _command(_WRITES, file)})
    write_many(tmp_path / "library", 3)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.TAG])
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        told = [json.loads(line) for line in file.read_text().splitlines()]
        assert sum(one["processed"] for one in told) == 3
        assert {(one["event"], one["worker"], one["failed"]) for one in told} == {("work_ended", engine.worker_id, 0)}
    assert file.read_text().count("\n") == len(told), "once"

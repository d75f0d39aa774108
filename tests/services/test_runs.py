"""A run from the action that queues it to its summary, with what it takes yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import AwayFolder, WorkerStats
from dtk_tui.services import runs
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from tests.helpers.pictures import write_many
from tests.helpers.running_worker import EVERYTHING, one_value


@pytest.fixture
def library(db: Database, config: Config, tmp_path: Path) -> Config:
    """Twelve pictures."""
    write_many(tmp_path / "library", 12)
    scan(db, config, [str(tmp_path / "library")])
    return config


def test_only_tags_and_captions_together_are_a_run(db: Database, library: Config) -> None:
    assert enqueue(db, library, EVERYTHING, [Kind.TAG, Kind.CAPTION], dry_run=True).run is None
    assert enqueue(db, library, EVERYTHING, [Kind.EMBED, Kind.TAG]).run is None
    assert runs.recent(db) == []
    run = enqueue(db, library, EVERYTHING, [Kind.CAPTION, Kind.EMBED, Kind.TAG], title="all").run
    assert run is not None and runs.open_ids(db) == [run]
    assert one_value(db, "SELECT count(*) FROM job WHERE kind <> 2 AND run_id IS NOT NULL") == 24
    assert one_value(db, "SELECT count(*) FROM job WHERE kind = 2 AND run_id IS NOT NULL") == 0
    assert enqueue(db, library, EVERYTHING, [Kind.TAG, Kind.CAPTION]).run is None, "there is nothing to do"
    assert len(runs.recent(db)) == 1


def test_the_time_expected_is_that_of_the_kind_that_takes_longest(db: Database, library: Config) -> None:
    run = enqueue(db, library, EVERYTHING, [Kind.TAG, Kind.CAPTION]).run
    assert run is not None
    before = runs.report(db, run)
    assert before is not None and before.eta_s is None, "nobody works"
    assert before.trouble == ("24 jobs wait, and no worker is connected: dtk worker run starts one.",)
    with db.connection() as conn:
        worker = workers.register(conn, "here", 1, WorkerState.RUNNING, 60)
        stats = WorkerStats(kinds=("tag", "caption"), pace={"tag": 6.0, "caption": 0.5}, speed={"caption": 0.4})
        workers.heartbeat(conn, worker, lease_s=60, state=WorkerState.RUNNING, devices=(), stats=stats)
    report = runs.report(db, run)
    assert report is not None
    assert [(part.rate, part.eta_s) for part in report.parts] == [(0.0, 2.0), (0.4, 24.0)]
    assert report.eta_s == 24.0 and report.trouble == ()
    assert runs.report(db, run + 1) is None


def test_a_run_whose_only_tagger_does_not_see_the_folder_says_so(db: Database, library: Config) -> None:
    run = enqueue(db, library, EVERYTHING, [Kind.TAG, Kind.CAPTION]).run
    assert run is not None
    with db.connection() as conn:
        for host, kind, away in (("a", "tag", (AwayFolder("/nas", "is not there", 12),)), ("b", "caption", ())):
            worker = workers.register(conn, host, 1, WorkerState.RUNNING, 60)
            stats = WorkerStats(kinds=(kind,), away=away)
            workers.heartbeat(conn, worker, lease_s=60, state=WorkerState.RUNNING, devices=(), stats=stats)
    report = runs.report(db, run)
    assert report is not None and len(report.trouble) == 1
    assert "(a) sees /nas" in report.trouble[0] and "with_tags" in report.trouble[0]

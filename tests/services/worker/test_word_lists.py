"""The lists of words that searches read: written whether or not the worker has anything to do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import word_lists
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database
from tests.helpers.pictures import write_many
from tests.helpers.processes import wait_until
from tests.helpers.running_worker import EVERYTHING, one_value, worker

_LISTED = "SELECT up_to = (SELECT max(id) FROM prompt) FROM posting_state"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """One prompt is enough for a list, and it is soon looked for more."""
    monkeypatch.setattr("dtk_tui.store.library.postings._LEAST", 1)
    monkeypatch.setattr("dtk_tui.store.library.postings._SOME", 3)
    monkeypatch.setattr(word_lists, "_LOOK_S", 0.1)
    monkeypatch.setattr(word_lists, "_LEAST_REST_S", 0.1)


@pytest.fixture
def scanned(db: Database, config: Config, tmp_path: Path) -> None:
    write_many(tmp_path / "library", 30, prompts=9)
    scan(db, config, [str(tmp_path / "library")])
    assert not one_value(db, _LISTED)


def until_listed(db: Database) -> None:
    wait_until(lambda: bool(one_value(db, _LISTED)), "the words are listed")


@pytest.mark.usefixtures("scanned")
@pytest.mark.parametrize("state", [WorkerState.STOPPED, WorkerState.PAUSED])
def test_a_worker_that_was_not_started_lists_words(db: Database, config: Config, state: WorkerState) -> None:
    engine = Engine(db, config, initial_state=state)
    engine.open()
    try:
        until_listed(db)
    finally:
        engine.close()


@pytest.mark.usefixtures("scanned", "quick_models")
def test_a_worker_that_has_work_lists_words_beside_it(db: Database, config: Config) -> None:
    enqueue(db, config, EVERYTHING, [Kind.TAG])
    with worker(db, config) as (engine, _):
        until_listed(db)
        engine.wait_until_empty()


@pytest.mark.usefixtures("scanned")
def test_a_list_that_is_being_written_holds_up_no_end(db: Database, config: Config) -> None:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%token_posting%'"
    with db.connection() as conn:
        conn.execute("LOCK TABLE token_posting IN ACCESS EXCLUSIVE MODE")
        engine = Engine(db, config, initial_state=WorkerState.STOPPED)
        engine.open()
        wait_until(lambda: one_value(db, waits) == 1, "a list is being written")
        begun = time.monotonic()
        engine.close()
        assert time.monotonic() - begun < 30, "it would have waited for the lock"
    assert one_value(db, "SELECT up_to FROM posting_state") == 0

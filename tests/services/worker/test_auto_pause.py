"""What a worker says in the hours in which it rests."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dtk_tui.config import Config, load
from dtk_tui.domain.job import WorkerState
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker import heartbeat
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers
from tests.helpers.running_worker import worker


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_why_a_worker_rests_is_told_at_once_though_its_state_stays(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "_HEARTBEAT_S", 3600.0)
    monkeypatch.setattr(heartbeat, "_RESTING_S", 7200.0)
    now = datetime.now()
    hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"
    (tmp_path / "config.toml").write_text(f'[worker]\nlease_s = 3600\nauto_pause = "{hours}"\n')
    environ = {"HOME": str(tmp_path), "DTK_HOME": str(tmp_path), "DTK_DATABASE_URL": config.database_url or ""}
    with worker(db, load(environ), initial_state=None) as (engine, _):
        _wait_until(lambda: engine._heartbeat._every_s == 7200.0)
        with db.connection() as conn:
            workers.set_desired_state(conn, WorkerState.RUNNING)
            conn.execute("UPDATE worker_control SET changed_at = changed_at - interval '1 day'")
        _wait_until(lambda: "Auto-pause" in "".join(one.stats.trouble or "" for one in snapshot(db).workers))
        assert engine.state is WorkerState.STOPPED

"""What ``dtk status`` says of workers that are not yet where they shall be."""

from __future__ import annotations

import pytest

from dtk_tui.cli.status import show_status
from dtk_tui.config import Config
from dtk_tui.domain.job import WorkerState
from dtk_tui.services.worker import control
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers


def test_it_advises_to_start_a_worker_where_there_is_none(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DTK_HOME", str(config.paths.config_file.parent))
    monkeypatch.setenv("DTK_DATABASE_URL", config.database_url or "")
    control.pause(db)
    show_status(as_json=False)
    out = capsys.readouterr().out
    assert "asked to be paused\n" in out, "one that is started would pause"
    assert "ETA -" in out, "nothing is left that would take its time"
    control.start(db)
    show_status(as_json=False)
    assert "asked to be running; start one with: dtk worker run" in capsys.readouterr().out
    with db.connection() as conn:
        workers.register(conn, "here", 1, WorkerState.STOPPED, 60)
    show_status(as_json=False)
    assert "         asked to be running\n" in capsys.readouterr().out

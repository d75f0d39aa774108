"""What the control bar says of what keeps the workers from their work."""

from __future__ import annotations

from datetime import UTC, datetime

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import LibraryCounts, QueueCounts, Stats, WorkerInfo
from dtk_tui.ui.widgets.status import trouble_words


def test_a_worker_that_is_not_heard_of_is_named() -> None:
    dead = WorkerInfo(7, "cellar", 1, WorkerState.RUNNING, datetime.now(UTC), alive=True, is_silent=True)
    stats = Stats(WorkerState.RUNNING, WorkerState.RUNNING, (dead,), QueueCounts(), LibraryCounts())
    assert trouble_words(stats) == "cellar: Worker 7 is not heard of; its jobs go to others when its lease ends."

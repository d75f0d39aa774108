"""The end of long work is told as the settings say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import convert

from dtk_tui.config import Config
from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import QueueCounts
from dtk_tui.settings import DisplaySettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui import attention
from tests.helpers.running_app import NARROW, library_app


@pytest.mark.parametrize(
    ("how", "heard"),
    [
        ("off", []),
        ("bell", ["bell", "bell"]),
        ("osc9", ["\x1b]9;dtk empty library: The queue is done; 2 failed.\x07", "\x1b]9;dtk empty library: Scan: it"]),
    ],
)
async def test_the_end_of_long_work_is_told(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch, how: str, heard: list[str]
) -> None:
    monkeypatch.setattr(attention, "LONG_S", 0.0)
    monkeypatch.delenv("TMUX", raising=False)
    settings = Settings(display=convert({"notify": how}, DisplaySettings))
    async with library_app(db, Config(config.paths, settings), NARROW) as run:
        await run.shows("empty library")
        told: list[str] = []
        monkeypatch.setattr(run.dtk, "bell", lambda: told.append("bell"))
        monkeypatch.setattr(run.dtk, "tell_terminal", told.append)
        context, idle = run.dtk.context, run.stats
        works = replace(idle, state=WorkerState.RUNNING, queue=replace(idle.queue, pending=5))
        context.stats.changed.publish(works)
        context.stats.changed.publish(replace(works, queue=replace(QueueCounts(), failed=2)))
        context.stats.changed.publish(works)
        context.stats.changed.publish(replace(works, state=WorkerState.PAUSED))
        context.stats.changed.publish(replace(idle, queue=QueueCounts()))
        context.tasks.activity.publish("Scan: 1 of 2")
        context.tasks.activity.publish("Scan: 2 of 2")
        context.tasks.activity.publish("")
        context.tasks.activity.publish("")
        await run.until(lambda: len(told) >= len(heard))
        assert [one[: len(words)] for one, words in zip(told, heard, strict=True)] == heard

"""Failures: shown once, and a lost database comes back by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.errors import DatabaseLostError, DtkError
from dtk_tui.services.library.browse import LibraryBrowser
from dtk_tui.store.database import Connection, Database
from dtk_tui.ui.dialogs import ErrorDialog
from dtk_tui.ui.messages import ErrorReported
from dtk_tui.ui.screens.queue import QueueScreen
from dtk_tui.ui.widgets.tables.job_table import JobTable
from tests.helpers.running_app import NARROW, library_app


class FaultyDatabase(Database):
    """The real database, whose connections can be made to fail."""

    fault: DtkError | None = None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        if self.fault is not None:
            raise self.fault
        with super().connection() as conn:
            yield conn


async def test_a_lost_database_is_told_and_forgotten_when_it_is_back(config: Config, library: Path) -> None:
    db = FaultyDatabase.open(config)
    assert isinstance(db, FaultyDatabase)
    try:
        async with library_app(db, config, NARROW) as run:
            await run.shows("029.png")
            db.fault = DatabaseLostError("The database cannot be reached.", "It is tried again.")
            run.dtk.context.stats.poll_now()
            await run.shows("db lost, retrying")
            await run.press("r", "end", "tab", "down")
            assert run.app.screen is run.main
            db.fault = None
            run.dtk.context.stats.poll_now()
            await run.shows("db ok")
            await run.shows("29.png")
    finally:
        db.close()


async def test_what_was_asked_for_while_the_database_is_away_is_told_and_shown_when_it_is_back(
    config: Config, library: Path
) -> None:
    db = FaultyDatabase.open(config)
    assert isinstance(db, FaultyDatabase)
    try:
        async with library_app(db, config, NARROW) as run:
            await run.shows("029.png")
            db.fault = DatabaseLostError("The database cannot be reached.", "It is tried again.")
            await run.press("shift+tab", "home", "down", "down", "down")
            await run.shows("not answered")
            await run.press("x")
            await run.shows("The database is away: this was not done.")
            db.fault = None
            run.dtk.context.stats.poll_now()
            await run.shows("final  10  newest first")
            await run.press("x")
            await run.shows("excluded")
    finally:
        db.close()


async def test_an_app_that_starts_without_its_database_fills_when_it_comes(config: Config, library: Path) -> None:
    db = FaultyDatabase.open(config)
    assert isinstance(db, FaultyDatabase)
    db.fault = DatabaseLostError("The database cannot be reached.")
    try:
        async with library_app_without_wait(db, config) as run:
            await run.shows("db lost, retrying")
            db.fault = None
            run.dtk.context.stats.poll_now()
            await run.shows("029.png")
            await run.shows("outputs")
    finally:
        db.close()


def library_app_without_wait(db: Database, config: Config):
    from dtk_tui.ui.app import DtkApp
    from tests.helpers.running_app import running

    return running(DtkApp(LibraryBrowser(db, config), None), NARROW)


async def test_the_same_failure_is_shown_once(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        for _ in range(5):
            run.main.table.post_message(ErrorReported(DtkError("The model is missing.", "dtk models pull starter")))
        await run.shows("dtk models pull starter")
        await run.until(lambda: sum(isinstance(screen, ErrorDialog) for screen in run.app.screen_stack) == 1)
        await run.press("enter")
        await run.until(lambda: run.app.screen is run.main)


async def test_an_unexpected_failure_of_a_background_task_does_not_end_the_app(config: Config, library: Path) -> None:
    db = FaultyDatabase.open(config)
    assert isinstance(db, FaultyDatabase)
    try:
        async with library_app(db, config, NARROW) as run:
            await run.shows("029.png")
            db.fault = ZeroDivisionError("[/boom]")  # type: ignore[assignment]
            await run.press("r")
            await run.shows("ZeroDivisionError: [/boom]")
            db.fault = None
            await run.press("escape")
            assert run.app.is_running
    finally:
        db.close()


async def test_an_answer_that_comes_when_its_screen_is_left_is_no_trouble(
    db: Database, config: Config, library: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = threading.Event()
    monkeypatch.setattr(JobTable, "on_unmount", lambda table: gone.set(), raising=False)
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        answer = run.dtk.context.library.jobs
        for _ in range(10):
            gone.clear()
            monkeypatch.setattr(run.dtk.context.library, "jobs", lambda *of: (gone.wait(10), answer(*of))[1])
            await run.press("q")
            await run.until(lambda: isinstance(run.app.screen, QueueScreen))
            await run.press("escape")
            await run.until(lambda: run.app.screen is run.main and gone.is_set())
    assert not caplog.records


async def test_a_caption_that_could_not_be_read_is_not_called_too_long(config: Config, library: Path) -> None:
    db = FaultyDatabase.open(config)
    assert isinstance(db, FaultyDatabase)
    try:
        async with library_app(db, config, NARROW) as run:
            await run.shows("029.png")
            await run.press("d")
            await run.shows("no caption yet")
            db.fault = DatabaseLostError("The database cannot be reached.")
            await run.press("ctrl+n")
            await run.shows("this caption cannot be read")
            await run.press("ctrl+g")
            await run.shows("No caption is shown here.")
    finally:
        db.close()

"""Tag & caption in one action: queued with one key, followed, and summed up, also after the app was started again."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import WorkerStats
from dtk_tui.store.database import Database
from dtk_tui.store.queue import claims, jobs, runs, workers
from dtk_tui.store.text_codec import to_db
from dtk_tui.ui.screens.runs import RunsScreen
from dtk_tui.ui.widgets.folder_tree import FolderTree
from tests.helpers.running_app import NARROW, WIDE, Running, library_app
from tests.ui.test_hostile import HOSTILE, assert_clean


def _work(db: Database, kind: Kind, count: int, *, failed: int = 0) -> None:
    """Do some jobs as a worker does, and fail others."""
    with db.connection() as conn:
        worker = workers.register(conn, "studio", 1, WorkerState.RUNNING, 600)
        claimed, _ = claims.claim(conn, worker, [kind], count + failed)
        jobs.finish(conn, worker, [job.id for job in claimed[failed:]], "model")
        jobs.fail(conn, worker, [(job.id, "[/x] too \x1b[31m dark") for job in claimed[:failed]])
        workers.unregister(conn, worker)


async def _queue_all(run: Running) -> None:
    await run.shows("029.png")
    run.main.query_one(FolderTree).focus()
    await run.press("home", "down", "W")
    await run.shows("60 queued")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_run_is_followed_and_its_summary_outlives_the_app(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await _queue_all(run)
        await run.press("P")
        await run.until(lambda: isinstance(run.app.screen, RunsScreen))
        await run.shows("outputs with subfolders")
        await run.shows("The worker is stopped")
        _work(db, Kind.TAG, 28, failed=2)
        await run.shows("28        2        0         0")
        await run.shows("2 \u00d7 [/x] too \u241b[31m dark")
        _work(db, Kind.CAPTION, 29)
        await run.shows("29        0        0         1")
        assert_clean(run)
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await run.until(lambda: run.dtk._runs._open)
        _work(db, Kind.CAPTION, 1)
        await run.shows("Tag & caption done: 28 tagged images, 30 captioned images, 2 failed, 0 skipped in")
        await run.press("P")
        await run.shows("Tag & caption done: 28 tagged images")
        await run.press("escape")
        await run.until(lambda: run.app.screen is run.main)


async def test_what_is_done_is_skipped_and_counted(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await _queue_all(run)
        with db.connection() as conn:
            conn.execute("INSERT INTO tagger (name, model_sha256) VALUES ('open-nsfw', 'x')")
            conn.execute(
                "INSERT INTO tag_prediction (image_id, tagger_id, ids, scores) SELECT id, 1, '{}', '{}' FROM image"
            )
        _work(db, Kind.TAG, 30)
        with db.connection() as conn:
            conn.execute("DELETE FROM job")
        run.main.query_one(FolderTree).focus()
        await run.press("W")
        await run.shows("30 queued, 30 are done already")
        await run.press("P")
        await run.shows("0        0       30         0")
        await run.shows("2 runs")


async def test_no_run_yet(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("P")
        await run.shows("Nothing was tagged and captioned in one action yet")
        await run.press("r", "down", "enter", "escape")
        await run.until(lambda: run.app.screen is run.main)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_titles_reasons_and_troubles(
    db: Database, config: Config, library: Path, size: tuple[int, int]
) -> None:
    with db.connection() as conn:
        worker = workers.register(conn, "studio", 1, WorkerState.RUNNING, 600)
        for text in (*HOSTILE, "[/b] \x1b[2J" + "word " * 200_000):
            number = runs.begin(conn, text, 0)
            conn.execute("INSERT INTO work_run_kind VALUES (%s, 1, 0, 0, 0, 1)", (number,))
            sql = "INSERT INTO job (kind, image_id, state, error, run_id) SELECT 1, id, 'failed', %s, %s FROM image"
            conn.execute(sql + " WHERE id = %s", (to_db(text)[:2000], number, number))
    async with library_app(db, config, size) as run:
        await run.shows("029.png")
        await run.press("P")
        await run.shows("15 runs")
        for text in HOSTILE:
            with db.connection() as conn:
                stats = WorkerStats(trouble=text.replace("\x00", "").encode("utf-8", "ignore").decode())
                workers.heartbeat(conn, worker, lease_s=600, state=WorkerState.RUNNING, devices=(), stats=stats)
            await run.shows("1 \u00d7 ")
            assert_clean(run)
            await run.press("down")
            await run.pilot.pause()
            assert_clean(run)
        assert run.app.is_running

"""Putting work into the queue and changing the queue, as it ends up in the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import NORMAL, NOW, JobState, Kind
from dtk_tui.domain.queue import JobRow
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs
from dtk_tui.ui.screens.browser import BrowserScreen
from dtk_tui.ui.screens.queue import QueueScreen
from dtk_tui.ui.widgets.folder_tree import FolderTree
from tests.helpers.running_app import NARROW, WIDE, Running, library_app


def all_jobs(db: Database) -> list[JobRow]:
    with db.connection() as conn:
        return jobs.rows(conn, jobs.page_ids(conn).tolist())


def fail_some(db: Database, count: int, error: str) -> None:
    with db.connection() as conn:
        conn.execute(
            "UPDATE job SET state = 'failed', attempts = 3, error = %s "
            "WHERE id IN (SELECT id FROM job ORDER BY id LIMIT %s)",
            (error, count),
        )


async def queue_everything(run: Running) -> None:
    await run.shows("029.png")
    run.main.query_one(FolderTree).focus()
    await run.press("home", "u")
    await run.shows("30 queued.")


async def test_embed_now_on_a_selection(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await run.shows("029.png")
        await run.press("space", "space", "e")
        await run.shows("2 queued.")
        await run.shows("F5 starts it")
        await run.shows("Queue: 2 (2 priority)")
        found = all_jobs(db)
        assert [(job.kind, job.priority) for job in found] == [(Kind.EMBED, NOW)] * 2
        assert sorted(Path(job.path).name for job in found) == ["028.png", "029.png"]
        await run.until(lambda: "! 029.png" in run.text())
        await run.press("e")
        await run.shows("Nothing to queue: all 2 wait in the queue already.")
        await run.press("c")
        await run.shows("No captioner is set up")
        assert not [words for words in run.told if ".." in words]


async def test_folders_queue_themselves_or_all_below(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await run.shows("final")
        run.main.query_one(FolderTree).focus()
        await run.press("down", "u")
        await run.shows("Nothing to queue: ")
        await run.press("end", "t")
        await run.shows("10 queued")
        await run.until(lambda: len(all_jobs(db)) == 10)
        assert {job.kind for job in all_jobs(db)} == {Kind.TAG}
        await run.press("home", "down", "E")
        await run.shows("30 queued")
        assert sum(job.kind is Kind.EMBED and job.priority == NOW for job in all_jobs(db)) == 30


async def test_badges_show_what_waits_and_where_it_is_urgent(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await queue_everything(run)
        lines = lambda: {line.split("\u2595")[0].strip() for line in run.text().splitlines()}  # noqa: E731
        await run.until(lambda: any(line.startswith("final") and line.endswith("10") for line in lines()))
        await run.press("end", "e")
        await run.until(lambda: any(line.startswith("final") and line.endswith("!10") for line in lines()))
        await run.until(lambda: any(line.startswith("2025-11") and line.endswith("20") for line in lines()))
        # The mark is for some of the jobs, the number for all of them, as in the control bar.
        await run.until(lambda: any(line.startswith("All images") and line.endswith("!30") for line in lines()))


async def test_the_menus(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("m")
        await run.shows("Find similar")
        await run.shows("029.png")
        await run.press("escape")
        run.main.query_one(FolderTree).focus()
        await run.press("end", "m")
        await run.shows("Embed now with subfolders")
        for words in ("Queue", "Queue with subfolders", "Embed now", "Tag", "Tag with subfolders", "Scan again"):
            await run.shows(words)
        await run.press("down", "down", "enter")
        await run.shows("10 queued")
        assert {job.priority for job in all_jobs(db)} == {NOW}
        await run.press("m")
        await run.shows("Embed now with subfolders")
        await run.press("t")
        await run.until(lambda: sum(job.kind is Kind.TAG for job in all_jobs(db)) == 10)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_queue_screen(db: Database, config: Config, library: Path, size: tuple[int, int]) -> None:
    async with library_app(db, config, size) as run:
        await queue_everything(run)
        fail_some(db, 3, "the file is damaged")
        await run.press("q")
        await run.shows("All 30   Waiting 27   Running 0   Failed 3")
        await run.shows("waiting")
        await run.press("tab", "tab", "tab")
        await run.shows("the file is dam")
        await run.press("enter")
        await run.shows("the file is damaged")
        await run.press("escape", "space", "y")
        await run.shows("Failed 2")
        await run.press("Y")
        await run.shows("Failed 0")
        assert {job.state for job in all_jobs(db)} == {JobState.PENDING}


async def test_the_reason_of_a_failure_is_seen_beside_its_image(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await queue_everything(run)
        with db.connection() as conn:
            first = conn.execute(
                "SELECT folder.path || '/' || file_name FROM job JOIN image ON image.id = image_id "
                "JOIN folder ON folder.id = folder_id ORDER BY job.id LIMIT 1"
            ).fetchone()
        assert first is not None
        fail_some(db, 1, f"{first[0]} is not a picture that can be decoded.")
        await run.press("q")
        await run.shows("Failed 1")
        await run.press("tab", "tab", "tab")
        await run.shows(Path(first[0]).name)
        await run.shows("is not a pict")


async def test_hurry_and_remove(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await queue_everything(run)
        await run.press("q")
        await run.shows("All 30")
        await run.press("end", "n")
        await run.shows("1 job moved to the front")
        assert [job.priority for job in all_jobs(db)] == [NOW] + [NORMAL] * 29
        await run.press("a", "d")
        await run.shows("Remove 30 jobs from the queue?")
        await run.press("n")
        assert len(all_jobs(db)) == 30
        await run.press("d")
        await run.shows("Remove 30 jobs from the queue?")
        await run.press("y")
        await run.shows("30 jobs removed")
        assert all_jobs(db) == []
        await run.shows("No job is waiting")  # until then Esc unmarks what was removed
        await run.press("escape")
        await run.until(lambda: isinstance(run.app.screen, BrowserScreen))


async def test_clear_asks_with_the_count(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await run.press("f8")
        await run.shows("No jobs are waiting")
        await queue_everything(run)
        await run.shows("Queue: 30")
        await run.press("f8")
        await run.shows("Remove all 30 waiting jobs?")
        await run.press("escape")
        assert len(all_jobs(db)) == 30
        await run.press("f8")
        await run.shows("Remove all 30 waiting jobs?")
        await run.press("y")
        await run.until(lambda: all_jobs(db) == [])


async def test_the_queue_list_keeps_still_while_jobs_end(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config) as run:
        await queue_everything(run)
        await run.press("q")
        await run.shows("All 30")
        assert isinstance(run.app.screen, QueueScreen)
        table = run.app.screen.table
        await run.press("down", "down", "space")
        ids = table.ids.copy()
        with db.connection() as conn:
            conn.execute("DELETE FROM job WHERE id = ANY (%s)", (ids[:2].tolist(),))
        run.dtk.context.stats.poll_now()
        await run.until(lambda: run.text().count("  done") == 2)
        assert (table.ids == ids).all()
        assert table.selected_count == 1

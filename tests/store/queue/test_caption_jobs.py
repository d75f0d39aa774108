"""Caption jobs: types of one image come together in one job, and what is left of it comes again."""

from __future__ import annotations

from typing import Any

import pytest

from dtk_tui.domain.job import NOW, Kind
from dtk_tui.domain.queue import CaptionRequest, Enqueued, Target
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces as spaces
from dtk_tui.store.queue import caption_jobs
from dtk_tui.store.queue.enqueue import enqueue_kind


def _image(conn: Connection) -> int:
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    row = conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
        " VALUES (1, 'a.png', 1, 1, now()) RETURNING id"
    ).fetchone()
    assert row is not None
    return int(row[0])


def _ask(conn: Connection, *types: str, when_there: str = "keep", priority: int = 0, dry_run: bool = False) -> Enqueued:
    spaces.register(conn, "text", "text", "x", 8)
    spaces.register(conn, "image", "image", "x", 8)
    models = spaces.current(conn, ["text"], ["image"], ["tagger"])
    return enqueue_kind(
        conn, Target(everything=True), Kind.CAPTION, priority, models,
        dry_run=dry_run, captions=CaptionRequest(types, when_there),
    )  # fmt: skip


def _jobs(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT state, priority, caption_types, caption_when FROM job").fetchall()


@pytest.mark.parametrize("state", ["pending", "failed", "running"])
def test_a_type_that_is_asked_for_later_joins_the_job(db: Database, state: str) -> None:
    with db.connection() as conn:
        _image(conn)
        assert _ask(conn, "descriptive").queued == 1
        worker = 7 if state == "running" else None
        conn.execute("UPDATE job SET state = %s, worker_id = %s, error = 'no luck', attempts = 2", (state, worker))
        same = _ask(conn, "descriptive", dry_run=True)
        assert (same.queued, same.waiting) == ((1, 0) if state == "failed" else (0, 1))
        more = _ask(conn, "tags", "descriptive", when_there="append", priority=NOW)
        assert (more.queued, more.waiting) == (1, 0)
        left = "running" if state == "running" else "pending"
        assert _jobs(conn) == [(left, NOW, ["descriptive", "tags"], "append")]


def test_work_of_other_kinds_has_no_types(db: Database) -> None:
    with db.connection() as conn:
        _image(conn)
        models = spaces.current(conn, ["text"], ["image"], ["tagger"])
        for _ in range(2):
            enqueue_kind(conn, Target(everything=True), Kind.TAG, 0, models, again=True)
        enqueue_kind(conn, Target(everything=True), Kind.TAG, NOW, models, again=True)
        assert _jobs(conn) == [("pending", NOW, None, None)]


def test_what_is_left_of_a_job_comes_again(db: Database) -> None:
    with db.connection() as conn:
        _image(conn)
        _ask(conn, "a", "b", "c")
        (number,) = conn.execute("SELECT id FROM job").fetchone() or (0,)
        conn.execute("UPDATE job SET state = 'running', worker_id = 7")
        assert caption_jobs.asked(conn, [number]) == {number: (("a", "b", "c"), "keep")}
        assert not caption_jobs.keep_rest(conn, number, ["a", "b", "c"], {"a", "b", "c"})
        assert _jobs(conn)[0][0] == "running"
        assert caption_jobs.keep_rest(conn, number, ["a", "b", "c"], {"a", "c"})
        assert _jobs(conn) == [("pending", 0, ["b"], "keep")]
        conn.execute("UPDATE job SET caption_types = NULL, state = 'running', worker_id = 7")
        assert caption_jobs.keep_rest(conn, number, ["a", "b"], {"a"}), "as the worker's config says"
        assert _jobs(conn)[0][2] == ["b"]

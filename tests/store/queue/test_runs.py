"""Runs: what one action queued for tags and captions, and what came of it, on a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import CaptionRequest, Enqueued, Target
from dtk_tui.domain.runs import RUN_KINDS, RunReport
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces as spaces
from dtk_tui.store.queue import claims, jobs, runs, workers
from dtk_tui.store.queue.enqueue import enqueue_kind

EVERYTHING = Target(everything=True)


def _images(conn: Connection, count: int) -> list[int]:
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    rows = conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
        " SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, %s) n RETURNING id",
        (count,),
    ).fetchall()
    return [row[0] for row in rows]


def _ask(conn: Connection, target: Target, *kinds: Kind, run: int | None = None, again: bool = True) -> list[Enqueued]:
    models = spaces.current(conn, "text", "image", ["tagger"])
    asked = CaptionRequest(("descriptive",), "keep")
    return [
        enqueue_kind(
            conn, target, kind, 0, models,
            again=again, captions=asked if kind is Kind.CAPTION else None, run_id=run,
        )
        for kind in kinds
    ]  # fmt: skip


def _report(conn: Connection, run: int) -> RunReport:
    found = runs.report(conn, run)
    assert found is not None
    return found[0]


def _numbers(report: RunReport) -> dict[Kind, tuple[int, int, int, int]]:
    return {part.kind: (part.done, part.failed, part.removed, part.left) for part in report.parts}


def test_a_run_tells_what_is_done_failed_removed_and_left(db: Database) -> None:
    with db.connection() as conn:
        _images(conn, 6)
        run = runs.begin(conn, "six \x00 [/images]", 0)
        _ask(conn, EVERYTHING, *RUN_KINDS, run=run)
        worker = workers.register(conn, "here", 1, WorkerState.RUNNING, 60)
        tags, _ = claims.claim(conn, worker, [Kind.TAG], 4)
        jobs.finish(conn, worker, [job.id for job in tags[:2]], "tagger")
        jobs.fail(conn, worker, [(job.id, "too \x1b dark") for job in tags[2:]])
        report = _report(conn, run)
        assert report.run.title == "six \x00 [/images]" and report.run.is_open
        assert _numbers(report) == {Kind.TAG: (2, 2, 0, 2), Kind.CAPTION: (0, 0, 0, 6)}
        assert report.failures == (("too \x1b dark", 2),) and report.failed == 2
        assert [part.progress for part in report.parts] == [4 / 6, 0.0]
        jobs.retry(conn, [tags[2].id])
        assert _numbers(_report(conn, run))[Kind.TAG] == (2, 1, 0, 3), "what is tried again has not failed"
        again, _ = claims.claim(conn, worker, [Kind.TAG], 9)
        jobs.finish(conn, worker, [job.id for job in again], "tagger")
        assert runs.open_ids(conn) == [run]
        jobs.remove(conn, kind=Kind.CAPTION)
        report = _report(conn, run)
        assert _numbers(report) == {Kind.TAG: (5, 1, 0, 0), Kind.CAPTION: (0, 0, 6, 0)}
        assert not report.run.is_open and runs.open_ids(conn) == [] and report.eta_s == 0
        assert report.seconds is not None and 0 <= report.seconds < 600
        jobs.remove(conn)
        assert _report(conn, run).failed == 1, "what a person cleared away has failed all the same"


def test_what_waits_already_is_of_the_first_run_that_wants_it(db: Database) -> None:
    with db.connection() as conn:
        ids = _images(conn, 5)
        _ask(conn, Target(image_ids=(ids[0],)), Kind.TAG)
        first, second, third = (runs.begin(conn, name, 0) for name in ("first", "second", "third"))
        _ask(conn, Target(image_ids=tuple(ids[:3])), *RUN_KINDS, run=first)
        _ask(conn, EVERYTHING, *RUN_KINDS, run=second)
        _ask(conn, EVERYTHING, *RUN_KINDS, run=third)
        part, captions = _report(conn, first).parts
        assert (part.queued, part.left, part.skipped) == (3, 3, 0), "also what was queued without a run"
        assert (captions.queued, captions.left) == (3, 3)
        assert [(part.queued, part.left, part.waiting) for part in _report(conn, second).parts] == [(2, 2, 3)] * 2
        assert runs.drop_empty(conn, third) and not runs.drop_empty(conn, second)
        assert [run.id for run in runs.recent(conn, 5)] == [second, first]


def test_the_time_of_a_run_begins_with_its_first_claim_whatever_becomes_of_that(db: Database) -> None:
    with db.connection() as conn:
        ids = _images(conn, 3)
        run, other = runs.begin(conn, "one", 0), runs.begin(conn, "other", 0)
        _ask(conn, Target(image_ids=(ids[0],)), *RUN_KINDS, run=run)
        _ask(conn, Target(image_ids=(ids[1],)), *RUN_KINDS, run=other)
        worker = workers.register(conn, "here", 1, WorkerState.RUNNING, 60)
        assert _report(conn, run).seconds is None
        claimed, _ = claims.claim(conn, worker, [Kind.TAG], 1)
        conn.execute("UPDATE work_run SET begun_at = begun_at - interval '1 hour'")
        jobs.give_back(conn, worker, [job.id for job in claimed])
        seconds = _report(conn, run).seconds
        assert seconds is not None and seconds >= 3600, "what was given back has begun all the same"
        assert _report(conn, other).seconds is None
        again, _ = claims.claim(conn, worker, [Kind.TAG, Kind.CAPTION], 9)
        jobs.finish(conn, worker, [job.id for job in again], "tagger")
        report = _report(conn, run)
        assert not report.run.is_open and report.seconds is not None and report.seconds >= 3600


def test_how_many_come_before_the_last_one_of_a_run(db: Database) -> None:
    with db.connection() as conn:
        ids = _images(conn, 6)
        _ask(conn, Target(image_ids=tuple(ids[:2])), Kind.CAPTION)
        run = runs.begin(conn, "two", 0)
        _ask(conn, Target(image_ids=tuple(ids[2:4])), *RUN_KINDS, run=run)
        _ask(conn, Target(image_ids=tuple(ids[4:])), Kind.CAPTION)
        found = runs.report(conn, run)
        assert found is not None and found[1] == {Kind.TAG: 2, Kind.CAPTION: 4}


def test_runs_are_forgotten_with_the_log(db: Database) -> None:
    with db.connection() as conn:
        ids = _images(conn, 2)
        old, open_one, new = (runs.begin(conn, name, 0) for name in ("old", "open", "new"))
        _ask(conn, Target(image_ids=(ids[0],)), *RUN_KINDS, run=open_one)
        conn.execute("UPDATE work_run SET queued_at = now() - %s WHERE id <> %s", (timedelta(days=40), new))
        runs.forget(conn, 30)
        assert [run.id for run in runs.recent(conn, 5)] == [new, open_one] and runs.report(conn, old) is None


def test_a_run_is_found_by_indexes_among_many_jobs(db: Database) -> None:
    with db.connection() as conn:
        _images(conn, 5_000)
        conn.execute("INSERT INTO job (kind, image_id) SELECT 1, id FROM image")
        conn.execute(
            "INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)"
            " SELECT n, 1, 1, 0, 1, 'done', now() FROM generate_series(1, 20000) n"
        )
        run = runs.begin(conn, "few", 0)
        _ask(conn, Target(image_ids=(1, 2, 3)), Kind.CAPTION, run=run)
        conn.execute("ANALYZE")
        for sql in (runs._PARTS, runs._SECONDS, runs._OPEN, runs._FAILURES):
            values = (run,) if "%s" in sql else {"run": run, "is_open": True}
            rows = conn.execute(f"EXPLAIN {sql}".encode(), values if "%" in sql else None)
            plan = "\n".join(row[0] for row in rows)
            assert "Seq Scan on job" not in plan, plan

"""The durable queue on a real PostgreSQL: order, leases, blame, desired states, and plans that stay cheap."""

from __future__ import annotations

import re

import pytest

from dtk_tui.domain.job import NOW, Kind, WorkerState
from dtk_tui.domain.stats import WorkerStats
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import claims, job_log, jobs, workers

KINDS = list(Kind)


def _images(conn: Connection, count: int) -> list[int]:
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    rows = conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
        " SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, %s) n RETURNING id",
        (count,),
    ).fetchall()
    return [row[0] for row in rows]


def _queue(conn: Connection, count: int, kind: Kind = Kind.EMBED) -> None:
    _images(conn, count)
    conn.execute("INSERT INTO job (kind, image_id) SELECT %s, id FROM image ORDER BY id", (kind,))


def _worker(conn: Connection, lease_s: float = 60) -> int:
    return workers.register(conn, "here", 1, WorkerState.RUNNING, lease_s)


def _state(conn: Connection) -> list[tuple[str, int]]:
    return conn.execute("SELECT state, deaths FROM job ORDER BY id").fetchall()


def _die(conn: Connection, worker: int) -> None:
    conn.execute("UPDATE worker SET lease_until = clock_timestamp() - interval '1 second' WHERE id = %s", (worker,))
    workers.reap(conn)


def test_claims_follow_priority_then_the_fast_kind_then_age(db: Database) -> None:
    with db.connection() as conn:
        ids = _images(conn, 3)
        for kind, image, priority in ((2, ids[0], 0), (1, ids[1], 0), (2, ids[2], NOW), (1, ids[0], 5)):
            conn.execute("INSERT INTO job (kind, image_id, priority) VALUES (%s, %s, %s)", (kind, image, priority))
        claimed, _ = claims.claim(conn, _worker(conn), KINDS, 10)
    assert [(job.priority, job.kind) for job in claimed] == [(NOW, 2), (5, 1), (0, 1), (0, 2)]


def test_two_workers_never_hold_the_same_job(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 40)
        first, second = _worker(conn), _worker(conn)
    with db.connection() as one, db.connection() as two:
        mine, _ = claims.claim(one, first, KINDS, 20)
        theirs, _ = claims.claim(two, second, KINDS, 40)  # while the first claim is not committed
        assert len(mine) == len(theirs) == 20
        assert not {job.id for job in mine} & {job.id for job in theirs}


def test_who_was_merely_claimed_when_a_worker_died_is_tried_alone_and_never_blamed(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 2)
        for _ in range(20):
            worker = _worker(conn)
            claimed, _ = claims.claim(conn, worker, KINDS, 2)
            _die(conn, worker)
        assert _state(conn) == [("pending", 1), ("pending", 1)]
        again, _ = claims.claim(conn, _worker(conn), KINDS, 2)
        assert all(job.isolated for job in again) and not any(job.isolated for job in claimed[:0])


def test_what_kills_worker_after_worker_alone_is_set_aside_with_its_reason(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 2)
        for _ in range(workers.DEADLY):
            worker = _worker(conn)
            claimed, _ = claims.claim(conn, worker, KINDS, 2)
            if claimed[0].isolated:
                jobs.begin_suspect(conn, worker, claimed[0].id)
            _die(conn, worker)
        assert _state(conn) == [("failed", workers.DEADLY), ("pending", 1)]
        (entry,) = job_log.entries(conn, 10)
        assert entry.outcome == "failed" and "died" in (entry.error or "")


def test_a_job_that_was_given_back_alive_is_not_blamed(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 1)
        for _ in range(10):
            worker = _worker(conn)
            (job,), _ = claims.claim(conn, worker, KINDS, 1)
            jobs.begin_suspect(conn, worker, job.id)
            jobs.release(conn, worker)
            _die(conn, worker)
        assert _state(conn) == [("pending", 0)]


def test_a_passing_fault_waits_longer_each_time(db: Database) -> None:
    waits = []
    with db.connection() as conn:
        _queue(conn, 1)
        worker = _worker(conn)
        for _ in range(4):
            (job,), _ = claims.claim(conn, worker, KINDS, 1)
            jobs.retry_later(conn, worker, [job.id], "no memory")
            assert claims.claim(conn, worker, KINDS, 1)[0] == [], "not before its time"
            row = conn.execute("SELECT extract(epoch FROM run_after - clock_timestamp())::float8 FROM job").fetchone()
            waits.append(round(row[0]) if row else 0)
            conn.execute("UPDATE job SET run_after = '-infinity'")
    assert waits == [5, 20, 80, 320]


def test_a_state_desired_of_one_worker_and_then_of_all(db: Database) -> None:
    with db.connection() as conn:
        one, other = _worker(conn), _worker(conn)
        workers.set_desired_state(conn, WorkerState.RUNNING)
        assert workers.set_desired_state(conn, WorkerState.PAUSED, one) == 1
        assert workers.get_wish(conn, one).state == WorkerState.PAUSED
        assert workers.get_wish(conn, other).state == WorkerState.RUNNING
        assert workers.set_desired_state(conn, WorkerState.STOPPED, 999) == 0, "nobody of that id"
        workers.set_desired_state(conn, WorkerState.STOPPED)
        assert {workers.get_wish(conn, worker).state for worker in (one, other)} == {WorkerState.STOPPED}


def test_the_log_forgets_but_the_days_stay(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 6)
        worker = _worker(conn)
        claimed, _ = claims.claim(conn, worker, KINDS, 6)
        jobs.finish(conn, worker, [job.id for job in claimed], "a-model")
        conn.execute("UPDATE job_log SET finished_at = finished_at - interval '100 days' WHERE id % 2 = 0")
        before = job_log.days(conn)
        assert job_log.forget(conn, 30) == 3
        assert job_log.days(conn) == before and sum(day.jobs for day in before) == 6
        kept = list(job_log.entries(conn, 10, kinds=[Kind.EMBED], outcome="done", host="here", worker_id=worker))
        assert len(kept) == 3 and {entry.model for entry in kept} == {"a-model"}
        assert all(entry.seconds is not None and entry.seconds >= 0 for entry in kept)


def test_clear_reprioritise_and_remove(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 4)
        conn.execute("INSERT INTO job (kind, image_id) SELECT 1, id FROM image")
        (running,), _ = claims.claim(conn, _worker(conn), [Kind.EMBED], 1)
        assert jobs.set_priority(conn, None, NOW, Kind.EMBED) == 3, "not what runs"
        assert claims.claim(conn, _worker(conn), KINDS, 1)[0][0].kind == Kind.EMBED
        assert jobs.remove(conn, kind=Kind.TAG) == 4
        assert jobs.remove(conn) == 2
        assert jobs.rows(conn, [running.id])[0].state == "running"
        assert {entry.outcome for entry in job_log.entries(conn, 10)} == {"removed"}


@pytest.fixture
def long_queue(db: Database) -> Database:
    """A queue of 60,000 jobs, half of them claimed and ended, with statistics."""
    with db.connection() as conn:
        _queue(conn, 30_000)
        conn.execute("INSERT INTO job (kind, image_id) SELECT 1, id FROM image")
        conn.execute("UPDATE image SET prompt_id = NULL")
        conn.execute("DELETE FROM job WHERE kind = 1 AND id % 2 = 0")
        conn.execute("ANALYZE")
    return db


def _plan(conn: Connection, sql: str, parameters: object) -> str:
    rows = conn.execute("EXPLAIN " + sql, parameters)  # type: ignore[arg-type,call-overload]
    return "\n".join(row[0] for row in rows)


def _read_whole(plan: str) -> set[str]:
    """Return the tables that a plan reads from end to end; the one of runs is empty here, and never has many rows."""
    return set(re.findall(r"Seq Scan on (\w+)", plan))


def test_a_claim_walks_its_index_from_where_the_last_one_ended(long_queue: Database) -> None:
    parameters = {"worker": 1, "kinds": [1, 2], "count": 32, "rank": 0, "after_kind": 1, "after_id": 40_000, "least": 0}
    with long_queue.connection() as conn:
        plan = _plan(conn, claims._statement(), parameters)
    assert "Index Scan using job_claim on job" in plan and _read_whole(plan) <= {"work_run"}, plan
    assert "Sort Key: ((- job" not in plan.split("Limit")[-1], f"the index gives the order\n{plan}"


def test_two_workers_whose_leases_have_lapsed_do_not_wait_for_each_other(db: Database) -> None:
    stats = WorkerStats()
    with db.connection() as conn:
        _queue(conn, 4)
        first, second, third = (_worker(conn) for _ in range(3))
        for worker in (first, second):
            claims.claim(conn, worker, KINDS, 2)
        assert claims.claim(conn, third, KINDS, 2)[0] == []
        conn.execute("UPDATE worker SET lease_until = clock_timestamp() - interval '1 second'")
    with db.connection() as one, db.connection() as two:
        for conn, worker in ((one, first), (two, second)):
            conn.execute("SET LOCAL lock_timeout = '5s'")
            assert workers.heartbeat(conn, worker, lease_s=60, state=WorkerState.RUNNING, devices=[], stats=stats)
        assert (workers.reap(one), workers.reap(two)) == (0, 0), "nobody's jobs are taken while they renew their leases"
    with db.connection() as conn:
        assert [worker.id for worker in workers.all_workers(conn)] == [first, second], "the third has died"


def test_jobs_that_are_ended_now_are_passed_over_by_the_search_for_dead_workers(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 4)
        late = _worker(conn)
        ids = [job.id for job in claims.claim(conn, late, KINDS, 4)[0]]
        conn.execute("UPDATE worker SET lease_until = clock_timestamp() - interval '1 second'")
    with db.connection() as ending, db.connection() as other:
        ending.execute(jobs._OWNED, (ids[:2], late))
        other.execute("SET LOCAL lock_timeout = '5s'")
        assert workers.reap(other) == 2
        other.commit()
        jobs.finish(ending, late, ids[:2], "m")
    with db.connection() as conn:
        assert workers.reap(conn) == 0
        assert [state for state, _ in _state(conn)] == ["pending"] * 2


def test_a_claim_passes_over_folders_that_are_away_and_still_walks_its_index(long_queue: Database) -> None:
    parameters = {"worker": 1, "kinds": [1, 2], "count": 32, "rank": 0, "after_kind": 1, "after_id": 40_000, "least": 0}
    with long_queue.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/here', 'here')")
        conn.execute("UPDATE image SET folder_id = 2 WHERE id % 100 = 0")
        plan = _plan(conn, claims._statement(elsewhere=True), parameters | {"without": [1]})
        worker = _worker(conn)
        claimed, place = claims.claim(conn, worker, KINDS, 10, without=[1])
        assert [job.path.startswith("/here/") for job in claimed] == [True] * 10 and place.id == claimed[-1].id
        assert jobs.is_left(conn, Kind.EMBED, without=[1]) and not jobs.is_left(conn, Kind.CAPTION, without=[1])
        jobs.give_back(conn, worker, [claimed[0].id])
        jobs.suspect(conn, worker, [claimed[1].id])
        again, _ = claims.claim(conn, worker, KINDS, 2, without=[1])
        assert [(job.id, job.isolated) for job in again] == [(claimed[0].id, False), (claimed[1].id, True)]
    assert "Index Scan using job_claim on job" in plan and _read_whole(plan) <= {"work_run"}, plan
    assert "Sort Key: ((- job" not in plan.split("Limit")[-1], f"the index gives the order\n{plan}"


def test_the_end_of_jobs_and_the_search_for_dead_workers_use_indexes(long_queue: Database) -> None:
    with long_queue.connection() as conn:
        finish = _plan(conn, jobs._FINISH, {"ids": list(range(32)), "worker": 1, "model": "m"})
        owned = _plan(conn, jobs._OWNED, (list(range(32)), 1))
        release = _plan(conn, jobs._RELEASE, (1, []))
        reap = _plan(conn, workers._REAP, {"deadly": 4})
        of_image = _plan(conn, "DELETE FROM job WHERE image_id = 5", ())  # as the end of an image does it
    for plan in (finish, owned, release, reap, of_image):
        assert "Seq Scan on job" not in plan, plan

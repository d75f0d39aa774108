"""A worker that was killed at work: until its lease ends it stands in the list, and does nothing."""

from __future__ import annotations

from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.stats import WorkerStats
from dtk_tui.services.stats import snapshot
from dtk_tui.store.database import Database
from dtk_tui.store.queue import workers

WORKS = WorkerStats(processed=7, speed={"tag": 9.0}, pace={"tag": 9.0}, kinds=("tag",))


def _age(db: Database, seconds: int) -> None:
    with db.connection() as conn:
        sql = "UPDATE worker SET heartbeat_at = heartbeat_at - make_interval(secs => %(s)s),"
        sql += " lease_until = lease_until - make_interval(secs => %(s)s)"
        conn.execute(sql.encode(), {"s": seconds})


def test_who_is_not_heard_of_has_no_speed_and_is_named(db: Database) -> None:
    with db.connection() as conn:
        dead, alive = (workers.register(conn, host, 1, WorkerState.RUNNING, 400) for host in ("cellar", "studio"))
        for worker in (dead, alive):
            workers.heartbeat(conn, worker, lease_s=400, state=WorkerState.RUNNING, devices=(), stats=WORKS)
    assert (snapshot(db).speed, snapshot(db).trouble) == ({"tag": 18.0}, [])
    _age(db, 200)
    with db.connection() as conn:
        workers.heartbeat(conn, alive, lease_s=400, state=WorkerState.RUNNING, devices=(), stats=WORKS)
    stats = snapshot(db)
    assert stats.speed == {"tag": 9.0}
    assert stats.trouble == [f"cellar: Worker {dead} is not heard of; its jobs go to others when its lease ends."]
    assert stats.processed == 14, "what it did is done"


def test_one_that_rests_may_be_silent(db: Database) -> None:
    with db.connection() as conn:
        workers.register(conn, "cellar", 1, WorkerState.STOPPED, 400)
    _age(db, 200)
    assert snapshot(db).trouble == []

"""Jobs that are claimed beside those of the same images."""

from __future__ import annotations

from dtk_tui.domain.job import NOW, Kind, WorkerState
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import beside, claims, workers

BOTH = (Kind.TAG, Kind.EMBED)


def _queue(conn: Connection, count: int) -> int:
    """Queue both kinds for some images; return the number of a worker."""
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
        " SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, %s) n",
        (count,),
    )
    conn.execute(
        "INSERT INTO job (kind, image_id) SELECT kind, id FROM image, unnest(ARRAY[1, 2, 3]) kind ORDER BY 1, 2"
    )
    return workers.register(conn, "here", 1, WorkerState.RUNNING, 60)


def test_only_what_waits_with_the_same_urgency_comes_along(db: Database) -> None:
    with db.connection() as conn:
        worker = _queue(conn, 7)
        conn.execute("UPDATE job SET priority = %s WHERE kind = 2 AND image_id = 2", (NOW,))
        conn.execute("UPDATE job SET deaths = 1 WHERE kind = 2 AND image_id = 3")
        conn.execute("UPDATE job SET run_after = now() + interval '1 hour' WHERE kind = 2 AND image_id = 4")
        conn.execute("UPDATE job SET state = 'failed' WHERE kind = 2 AND image_id = 5")
        claimed, _ = claims.claim(conn, worker, [Kind.TAG], 6)
        mates = beside.claim_beside(conn, worker, claimed, BOTH)
        assert [(job.kind, job.image_id) for job in mates] == [(Kind.EMBED, 1), (Kind.EMBED, 6)]
        assert (mates[0].path, mates[0].isolated) == ("/out/1.png", False)
        assert beside.claim_beside(conn, worker, claimed, BOTH) == [], "they are claimed"
        running = conn.execute("SELECT count(*) FROM job WHERE state = 'running' AND worker_id = %s", (worker,))
        assert running.fetchone() == (8,)


def test_what_another_transaction_holds_is_left_to_it(db: Database) -> None:
    with db.connection() as conn:
        worker = _queue(conn, 3)
    with db.connection() as conn, db.connection() as other:
        other.execute("SELECT FROM job WHERE kind = 2 AND image_id = 1 FOR UPDATE")
        claimed, _ = claims.claim(conn, worker, [Kind.TAG], 3)
        assert [job.image_id for job in beside.claim_beside(conn, worker, claimed, BOTH)] == [2, 3]


def test_jobs_without_another_beside_them_are_counted(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 5)
        assert beside.count_alone(conn, Kind.EMBED, [Kind.TAG]) == 0
        conn.execute("DELETE FROM job WHERE kind = 1 AND image_id < 3")
        conn.execute("UPDATE job SET state = 'failed' WHERE kind = 1 AND image_id = 3")
        assert beside.count_alone(conn, Kind.EMBED, [Kind.TAG]) == 3


def test_a_claim_beside_others_looks_only_at_their_images(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 20_000)
        conn.execute("ANALYZE")
        parameters = {"worker": 1, "images": list(range(32)), "priorities": [0] * 32, "kinds": [1, 2]}
        rows = conn.execute("EXPLAIN " + beside._CLAIM, parameters)
        plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on" not in plan.replace("Seq Scan on work_run ", "") and "job_image" in plan, plan

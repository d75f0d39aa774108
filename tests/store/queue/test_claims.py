"""Captions that wait for the tags of their images: which may be claimed, and how much a claim looks at."""

from __future__ import annotations

import re

import pytest

from dtk_tui.domain.job import NOW, Kind, WorkerState
from dtk_tui.domain.stats import WorkerStats
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import claims, jobs, workers


def _queue(conn: Connection, count: int, *kinds: Kind) -> list[int]:
    """Make images with a job of each kind; return the ids of the images."""
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    rows = conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
        " SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, %s) n RETURNING id",
        (count,),
    ).fetchall()
    for kind in kinds:
        conn.execute("INSERT INTO job (kind, image_id) SELECT %s, id FROM image ORDER BY id", (kind,))
    return [row[0] for row in rows]


def _worker(conn: Connection) -> int:
    return workers.register(conn, "here", 1, WorkerState.RUNNING, 60)


def _captions(conn: Connection, worker: int, count: int = 10) -> list[int]:
    """Claim captions till none is found any more; return the ids of their images."""
    found, place = claims.claim(conn, worker, [Kind.CAPTION], count, tagged=True)
    images = [job.image_id for job in found]
    while True:
        was = place
        found, place = claims.claim(conn, worker, [Kind.CAPTION], count, after=place, tagged=True)
        images += [job.image_id for job in found]
        if not found and place == was:
            return images


def test_a_caption_waits_until_the_tag_job_of_its_image_has_ended(db: Database) -> None:
    with db.connection() as conn:
        done, failed, removed, left = _queue(conn, 4, Kind.TAG, Kind.CAPTION)
        worker = _worker(conn)
        assert _captions(conn, worker) == [], "tags wait"
        tags, _ = claims.claim(conn, worker, [Kind.TAG], 3)
        assert _captions(conn, worker) == [], "tags are under way"
        by_image = {job.image_id: job.id for job in tags}
        jobs.finish(conn, worker, [by_image[done]], "tagger")
        assert _captions(conn, worker) == [done]
        jobs.fail(conn, worker, [(by_image[failed], "broken")])
        assert _captions(conn, worker) == [failed]
        jobs.give_back(conn, worker, [by_image[removed]])
        jobs.remove(conn, [by_image[removed]])
        assert _captions(conn, worker) == [removed]
        assert [job.image_id for job in claims.claim(conn, worker, [Kind.CAPTION], 9)[0]] == [left], "in parallel"


def test_a_caption_that_is_more_urgent_than_its_tags_does_not_wait(db: Database) -> None:
    with db.connection() as conn:
        hurried, together, _ = _queue(conn, 3, Kind.TAG, Kind.CAPTION)
        conn.execute("UPDATE job SET priority = %s WHERE kind = 3 AND image_id = ANY (%s)", (NOW, [hurried, together]))
        conn.execute("UPDATE job SET priority = %s WHERE kind = 1 AND image_id = %s", (NOW, together))
        assert _captions(conn, _worker(conn)) == [hurried]


@pytest.mark.parametrize("count", [1, 3, 50])
def test_what_may_be_claimed_is_found_behind_any_number_that_waits(
    db: Database, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(claims, "_WINDOW", 7)
    with db.connection() as conn:
        ids = _queue(conn, 60, Kind.TAG, Kind.CAPTION)
        free = [ids[0], ids[1], ids[33], ids[59]]
        conn.execute("DELETE FROM job WHERE kind = 1 AND image_id = ANY (%s)", (free,))
        conn.execute("UPDATE job SET priority = 5 WHERE image_id = ANY (%s)", (ids[20:25],))
        assert _captions(conn, _worker(conn), count) == free


def test_who_tags_is_known_from_the_workers_that_live(db: Database) -> None:
    with db.connection() as conn:
        worker = _worker(conn)
        assert not workers.is_done_by_any(conn, Kind.TAG)
        stats = WorkerStats(kinds=("tag", "caption"))
        workers.heartbeat(conn, worker, lease_s=60, state=WorkerState.PAUSED, devices=(), stats=stats)
        assert workers.is_done_by_any(conn, Kind.TAG) and not workers.is_done_by_any(conn, Kind.EMBED)
        conn.execute("UPDATE worker SET lease_until = now() - interval '1 second'")
        assert not workers.is_done_by_any(conn, Kind.TAG)


def test_a_claim_walks_its_index_asks_for_tags_by_theirs_and_looks_at_no_more_than_a_window(db: Database) -> None:
    with db.connection() as conn:
        _queue(conn, 30_000, Kind.TAG, Kind.CAPTION)
        conn.execute("ANALYZE")
        place = {"rank": 0, "after_kind": 3, "after_id": 0, "least": -32768}
        first = conn.execute(claims._NEXT, {**place, "kinds": [3]}).fetchone()
        assert first is not None
        until = {"until_rank": first[0], "until_kind": first[1], "until_id": first[2] + 1_000}
        parameters = {"worker": 1, "kinds": [3], "count": 16, **place, **until}
        sql = "EXPLAIN (ANALYZE, TIMING OFF) " + claims._statement(tagged=True)
        plan = "\n".join(row[0] for row in conn.execute(sql.encode(), parameters))
        following = "\n".join(
            row[0] for row in conn.execute(b"EXPLAIN " + claims._NEXT.encode(), {**place, "kinds": [3]})
        )
    walk = plan.split("Limit")[-1]
    assert "Index Scan using job_claim on job" in walk, plan
    assert "Seq Scan on" not in plan.replace("Seq Scan on work_run ", ""), f"there is no run here\n{plan}"
    assert "Index Scan using job_image_id_kind_key on job tagging" in walk, plan
    assert "Sort Key" not in walk, f"the index gives the order\n{plan}"
    looked_at = [int(number) for number in re.findall(r"Rows Removed by Filter: (\d+)", walk)]
    assert max(looked_at) == 1_001, plan
    assert "Index Scan using job_claim on job" in following and "Sort" not in following, following

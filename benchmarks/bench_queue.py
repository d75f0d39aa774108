"""The queue with DTK_BENCH_JOBS pending jobs (default 1,000,000): claims, enqueueing, sizes.

Workers are processes that claim 32 jobs and end them, again and again, as fast as they can. "move" is the form of the
claim that takes rows out of the queue and writes one lease row for all of them; it is here to be compared with.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psycopg

from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.store.database import Connection
from dtk_tui.store.library.embedding_spaces import CurrentModels
from dtk_tui.store.queue import claims as claiming
from dtk_tui.store.queue import jobs, workers
from dtk_tui.store.queue.enqueue import enqueue_kind
from dtk_tui.store.schema import upgrade
from dtk_tui.store.server.embedded import EmbeddedServer

JOBS = int(os.environ.get("DTK_BENCH_JOBS", "1000000"))
IMAGES = JOBS // 2
IN_TREE = min(125_000, IMAGES)
FOLDERS, BATCH = 250, 32
CLAIMS = min(300, JOBS // 1500)
MODELS = CurrentModels(text_spaces=(1,), image_spaces=(2,), taggers=(1,), tagger_count=1)

_MOVE = """
WITH moved AS (
    DELETE FROM job WHERE id = ANY (ARRAY(
        SELECT id FROM job WHERE state = 'pending' AND (-priority, kind, id) > (%(rank)s, %(kind)s, %(id)s)
         ORDER BY (-priority), kind, id LIMIT %(count)s FOR UPDATE SKIP LOCKED))
    RETURNING id, kind, image_id, priority
), leased AS (
    INSERT INTO bench_lease (worker_id, ids, images, kinds)
    SELECT %(worker)s, array_agg(id), array_agg(image_id), array_agg(kind) FROM moved HAVING count(*) > 0 RETURNING id
)
SELECT (SELECT id FROM leased), moved.id, moved.kind, moved.priority, folder.path, image.file_name, image.prompt_id
  FROM moved JOIN image ON image.id = moved.image_id JOIN folder ON folder.id = image.folder_id
 ORDER BY -moved.priority, moved.kind, moved.id
"""
_MOVED = """
WITH ended AS (DELETE FROM bench_lease WHERE id = %s RETURNING ids, images, kinds)
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)
SELECT a, b, c, 0, 0, 'done', now() FROM ended, unnest(ids, images, kinds) AS rows (a, b, c)
"""


def library(conn: Connection) -> None:
    """Write folders and images; the images of the first folders are those of the tree that is enqueued."""
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out'), ('/more', 'more')")
    conn.execute(
        "INSERT INTO folder (parent_id, path, name) SELECT 1 + n / %(n)s, '/out/' || n, n::text"
        " FROM generate_series(0, 2 * %(n)s - 1) n",
        {"n": FOLDERS},
    )
    conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase)"
        " SELECT 3 + n %% %(n)s + CASE WHEN n < %(tree)s THEN 0 ELSE %(n)s END, n || '.png', 1000, 0,"
        " now() - n * interval '1 minute', 1 FROM generate_series(0, %(images)s - 1) n",
        {"n": FOLDERS, "tree": IN_TREE, "images": IMAGES},
    )
    conn.execute(
        "INSERT INTO embedding_space (name, modality, model, model_sha256, dims)"
        " VALUES ('text', 'text', 'text', 'x', 8), ('image', 'image', 'image', 'x', 8)"
    )
    conn.execute("INSERT INTO tagger (name, model_sha256) VALUES ('tagger', 'x')")
    conn.execute("CREATE TABLE bench_lease (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, worker_id bigint,"
                 " ids bigint[], images bigint[], kinds smallint[])")  # fmt: skip


def drain(conninfo: str, form: str, most: int) -> list[float]:
    """Claim and end jobs, at most ``most`` times; return the milliseconds of every claim."""
    times: list[float] = []
    with psycopg.connect(conninfo, autocommit=True) as conn:
        with conn.transaction():
            worker = workers.register(conn, "bench", os.getpid(), WorkerState.RUNNING, 3600)
        step = _update(conn, worker) if form == "update" else _move(conn, worker)
        while len(times) < most:
            took = step()
            if took is None:
                break
            times.append(took)
    return times


def _update(conn: Connection, worker: int) -> Callable[[], float | None]:
    place = claiming.FIRST

    def step() -> float | None:
        nonlocal place
        begun = time.perf_counter()
        with conn.transaction():
            claimed, place = claiming.claim(conn, worker, [Kind.TAG, Kind.EMBED], BATCH, after=place)
        took = 1000 * (time.perf_counter() - begun)
        if not claimed:
            return None
        with conn.transaction():
            conn.execute("SET LOCAL synchronous_commit = off")
            jobs.finish(conn, worker, [job.id for job in claimed], "bench")
        return took

    return step


def _move(conn: Connection, worker: int) -> Callable[[], float | None]:
    place = claiming.FIRST

    def step() -> float | None:
        nonlocal place
        begun = time.perf_counter()
        with conn.transaction():
            conn.execute("SET LOCAL synchronous_commit = off")
            where = {"rank": place.rank, "kind": place.kind, "id": place.id, "count": BATCH, "worker": worker}
            rows = conn.execute(_MOVE, where).fetchall()
        took = 1000 * (time.perf_counter() - begun)
        if not rows:
            return None
        place = claiming.Place(-rows[-1][3], rows[-1][2], rows[-1][1])
        with conn.transaction():
            conn.execute("SET LOCAL synchronous_commit = off")
            conn.execute(_MOVED, (rows[0][0],))
        return took

    return step


def together(conninfo: str, form: str, number: int, most: int) -> tuple[list[list[float]], float]:
    """Let ``number`` workers drain at once; return the milliseconds of their claims and the seconds in all."""
    begun = time.perf_counter()
    with ProcessPoolExecutor(number) as processes:
        work = [processes.submit(drain, conninfo, form, most) for _ in range(number)]
        times = [one.result() for one in work]
    return times, time.perf_counter() - begun


def line(title: str, times: Sequence[float], seconds: float) -> None:
    """Print percentiles of claims and the rate."""
    p50, p99 = np.percentile(times, [50, 99])
    print(f"  {title:<34}{p50:9.2f}{p99:9.2f}{max(times):9.1f}{len(times) * BATCH / seconds:12,.0f}", flush=True)


def sizes(conn: Connection, when: str) -> None:
    """Print how large the queue's table and its indexes are."""
    table, indexes = conn.execute("SELECT pg_table_size('job'), pg_indexes_size('job')").fetchone() or (0, 0)
    print(f"  {when:<34}{table / 1e6:9.0f}{indexes / 1e6:9.0f}", flush=True)


def fill(conn: Connection) -> None:
    """Queue everything, both kinds, and let the planner know."""
    conn.execute("TRUNCATE job, job_log, bench_lease")
    for kind in (Kind.TAG, Kind.EMBED):
        with conn.transaction():
            enqueue_kind(conn, Target(everything=True), kind, 0, MODELS)
    conn.execute("VACUUM ANALYZE job")


def claims(conn: Connection, conninfo: str, form: str) -> None:
    """Measure claims by 1, 4 and 16 workers, then by 4 until nothing is left, then again on a refilled queue."""
    print(f"\nclaim of {BATCH} ({form}), {JOBS:,} pending       p50 ms   p99 ms   max ms     jobs/s")
    fill(conn)
    for turn in ("", ", after a drain"):
        for number in (1, 4, 16):
            times, seconds = together(conninfo, form, number, CLAIMS)
            line(f"{number} workers{turn}", [ms for one in times for ms in one], seconds)
        if turn:
            break
        times, seconds = together(conninfo, form, 4, JOBS)
        for part in range(5):
            share = [ms for one in times for ms in one[part * len(one) // 5 : (part + 1) * len(one) // 5]]
            line(f"4 workers, {part * 20} to {part * 20 + 20} % of the drain", share, seconds / 5)
        for kind in (Kind.TAG, Kind.EMBED):  # not truncated: the table that a million jobs went through
            with conn.transaction():
                enqueue_kind(conn, Target(everything=True), kind, 0, MODELS)


def enqueueing(conn: Connection) -> None:
    """Measure what a folder tree costs, beside the bare statement."""
    tree = "folder_id IN (WITH RECURSIVE t AS (SELECT 1::bigint AS id UNION ALL"
    tree += " SELECT f.id FROM folder f JOIN t ON f.parent_id = t.id) SELECT id FROM t)"
    bare = f"INSERT INTO job (kind, image_id) SELECT 1, id FROM image WHERE {tree} ON CONFLICT DO NOTHING"
    target = Target(folder_id=1, recursive=True)

    def timed(action: Callable[[], object]) -> float:
        conn.execute("TRUNCATE job")
        conn.execute("CHECKPOINT")
        begun = time.perf_counter()
        with conn.transaction():
            action()
        return time.perf_counter() - begun

    print(f"\nenqueue of {IN_TREE:,} images of a folder tree, seconds, 5 runs      min   median      max")
    runs: dict[str, list[float]] = {"bare INSERT .. SELECT": [], "tag": [], "embed": []}
    for _ in range(5):
        runs["bare INSERT .. SELECT"].append(timed(lambda: conn.execute(bare.encode())))
        for name, kind in (("tag", Kind.TAG), ("embed", Kind.EMBED)):
            runs[name].append(timed(lambda kind=kind: enqueue_kind(conn, target, kind, 0, MODELS)))  # type: ignore[misc]
    floor = np.array(runs["bare INSERT .. SELECT"])
    for name, seconds in runs.items():
        low, middle, high = np.percentile(seconds, [0, 50, 100])
        ratios = np.median(np.array(seconds) / floor)
        print(f"  {name:<54}{low:9.2f}{middle:9.2f}{high:9.2f}   ratio {ratios:.2f}")


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedServer(Path(folder) / "postgres")
        try:
            conninfo = server.join()
            upgrade(conninfo)
            with psycopg.connect(conninfo, autocommit=True) as conn:
                library(conn)
                conn.execute("VACUUM ANALYZE")
                enqueueing(conn)
                for form in ("update", "move"):
                    fill(conn)
                    print("\nsize of the queue, MB                    table  indexes")
                    sizes(conn, f"{JOBS:,} pending")
                    claims(conn, conninfo, form)
                    sizes(conn, "after a drain and a refill")
        finally:
            server.leave()


if __name__ == "__main__":
    main()

"""A worker as others see it: twice a second it saves the tags of 50 images and ends their jobs, and adds 50 new images.

It uses the functions of the store that a worker and a scan use, and stops when its standard input ends. Arguments: how
many rows a second.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from time import monotonic, time_ns

from dtk_tui.config import load
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.stats import WorkerStats
from dtk_tui.store.database import Database
from dtk_tui.store.queue import claims, jobs, results, workers
from dtk_tui.store.scan import listings

EVERY_S, LEASE_S = 0.5, 30.0


def main(rows_a_second: int) -> None:
    """Write until nobody wants it any more."""
    db = Database.open(load())
    some = max(int(rows_a_second * EVERY_S / 2), 1)
    with db.connection() as conn:
        worker = workers.register(conn, socket.gethostname(), os.getpid(), WorkerState.RUNNING, LEASE_S)
        tagger = results.tagger(conn, "bench-tagger", "0" * 64)
        tags = results.tag_ids(conn, [(f"said_{number}", "general") for number in range(20)])
    written, new, place, due = 0, 0, claims.FIRST, monotonic()
    while True:
        due += EVERY_S
        if select.select([sys.stdin], [], [], max(0.0, due - monotonic()))[0]:
            break
        with db.connection() as conn:
            claimed, place = claims.claim(conn, worker, [Kind.TAG], some, after=place)
        with db.connection() as conn:
            jobs.still_owned(conn, worker, claimed, [job.image_id for job in claimed])
            said = [(job.image_id, tags[:10], [0.5] * 10, [True] * 4 + [False] * 6) for job in claimed]
            results.save_tags(conn, tagger, "bench-tagger", said)
            jobs.finish(conn, worker, [job.id for job in claimed], "bench-tagger")
            written += len(claimed)
            workers.heartbeat(
                conn,
                worker,
                lease_s=LEASE_S,
                state=WorkerState.RUNNING,
                devices=[],
                stats=WorkerStats(processed=written, speed={"tag": some / EVERY_S}, pace={"tag": some / EVERY_S}),
            )
        with db.connection() as conn:
            listings.acquire_write_lock(conn)
            now = time_ns()
            new += listings.add_files(
                conn, {2: [(f"new-{os.getpid()}-{new + one}.png", 1000, now) for one in range(some)]}
            )
    with db.connection() as conn:
        workers.unregister(conn, worker)
    db.close()
    print(f"{written} {new}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))

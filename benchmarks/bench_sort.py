"""Sorting a large library: the first 100 of each order, alone and with filters, beside the same without indexes.

A library of DTK_BENCH_IMAGES images (default 200,000) is generated in a temporary embedded server: 40 models and 20
numbers of steps of which few are common, seeds of which a tenth are one, ratings of a fifth, dates in no order of the
ids; tags that 50, 5 and 0.5 % of all images have, in no order, and flags of the same shares. What the indexes cost is
measured last: bytes, and the seconds of an edit and of new images with and without them.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg

from dtk_tui.domain.query.parser import parse
from dtk_tui.store.database import Connection
from dtk_tui.store.schema import upgrade
from dtk_tui.store.search.search import find_images
from dtk_tui.store.server.embedded import EmbeddedServer

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "200000"))
RUNS, RUNS_WITHOUT_INDEXES, LIMIT = 40, 3, 100
COLUMNS = ("date", "name", "size", "rating", "aesthetic_score", "seed", "model", "steps")
FILTERS = {
    "all": ("",),
    "50 %": ("tag:half", "favorite:true"),
    "5 %": ("tag:twentieth", "nsfw:true"),
    "0.5 %": ("tag:rare", "for_deletion:true"),
}
INDEXES = ("image_name", "image_size", "image_seed", "image_steps", "image_model_newest")

_ROWS = """
INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, seed, steps, model, rating,
                   aesthetic_score, width, height, favorite, nsfw, for_deletion)
SELECT 1 + n %% 500, lpad(((n::bigint * 7919) %% %(images)s)::text, 7, '0') || %(ending)s, 1000000 + h %% 2000000, 0,
       '2025-12-01'::timestamptz - ((n::bigint * 104729) %% %(images)s) * interval '1 minute', 1,
       CASE WHEN n %% 10 = 0 THEN 1 ELSE h * 3 END, 20 + floor(power(h %% 1000 / 1000.0, 3) * 20)::int,
       'model ' || floor(power(h / 1000 %% 1000 / 1000.0, 3) * 40)::int || '.safetensors',
       CASE WHEN n %% 5 = 0 THEN h %% 11 END, CASE WHEN n %% 7 = 0 THEN h %% 1000 / 100.0 END, 1024, 1024,
       h %% 2 = 0, h %% 20 = 1, h %% 200 = 3
  FROM (SELECT n, hashint8(n)::bigint & 2147483647 AS h FROM generate_series(%(first)s::bigint, %(last)s) n) AS made
"""
_TAGS = """
INSERT INTO image_tag (image_id, tag_id, source, confidence)
SELECT id, tag, 'bench', 0.9 FROM image, (VALUES (1, 2), (2, 20), (3, 200)) AS share (tag, of)
 WHERE (hashint8(id + 77)::bigint & 2147483647) / 7 % of = 0
"""


@contextmanager
def library() -> Iterator[Connection]:
    """Give a connection to a generated library."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-") as folder:
        server = EmbeddedServer(Path(folder) / "postgres")
        try:
            upgrade(server.join())
            with psycopg.connect(server.join()) as conn:
                conn.execute(
                    "INSERT INTO folder (path, name) SELECT '/out/' || n, n::text FROM generate_series(1, 500) n"
                )
                conn.execute(_ROWS, {"images": IMAGES, "first": 0, "last": IMAGES - 1, "ending": "-image.png"})
                conn.execute("INSERT INTO tag (name) VALUES ('half'), ('twentieth'), ('rare')")
                conn.execute(_TAGS)
                conn.commit()
                conn.autocommit = True
                conn.execute("VACUUM ANALYZE")
                yield conn
        finally:
            server.leave()


def timed(conn: Connection, line: str, runs: int, indexes: bool) -> list[float]:
    """Return the milliseconds of ``runs`` runs, after one that is not counted."""
    times = []
    for number in range(-1, runs):
        with conn.transaction():
            if not indexes:
                for name in ("indexscan", "indexonlyscan", "bitmapscan"):
                    conn.execute(f"SET LOCAL enable_{name} = off")
            start = time.perf_counter()
            found = len(find_images(conn, parse(line), about=(), like=(), limit=LIMIT).ids)
            if number >= 0:
                times.append(1000 * (time.perf_counter() - start))
            assert found == LIMIT or IMAGES < 100_000, line
    return times


def cost(conn: Connection, work: Callable[[], object], indexes: bool) -> float:
    """Return the seconds that something takes with the indexes or without; what it does is taken back."""
    with conn.transaction(force_rollback=True):
        if not indexes:
            conn.execute("DROP INDEX " + ", ".join(INDEXES))
        start = time.perf_counter()
        work()
        return time.perf_counter() - start


def main() -> None:
    """Print the tables."""
    start = time.perf_counter()
    with library() as conn:
        print(f"{IMAGES:,} images, limit {LIMIT}; generated in {time.perf_counter() - start:.0f} s")
        print(f"{'sort, filter':34}{'p50 ms':>9}{'p99 ms':>9}{'no index ms':>13}{'ratio':>8}")
        for column in COLUMNS:
            for share, lines in FILTERS.items():
                for line in lines:
                    both = [f"sort:{column}_{way} {line}" for way in ("asc", "desc")]
                    times = [one for query in both for one in timed(conn, query, RUNS // 2, indexes=True)]
                    slow = timed(conn, both[0], RUNS_WITHOUT_INDEXES, indexes=False)
                    p50, p99, exact = np.percentile(times, 50), np.percentile(times, 99), np.percentile(slow, 50)
                    name = f"{column}, {share} {line}"
                    print(f"{name:34}{p50:9.1f}{p99:9.1f}{exact:13.1f}{exact / p50:8.1f}", flush=True)
        print(f"{'index':34}{'MB':>9}")
        for index in INDEXES:
            row = conn.execute("SELECT pg_relation_size(%s::regclass)", (index,)).fetchone()
            print(f"{index:34}{(row[0] if row else 0) / 1e6:9.1f}")
        some = IMAGES // 20
        works: dict[str, Callable[[], object]] = {
            f"rating of {some:,} images": lambda: conn.execute(
                "UPDATE image SET rating = 7 WHERE id IN (SELECT id FROM image WHERE id % 20 = 0)"
            ),
            f"{some:,} new images": lambda: conn.execute(
                _ROWS,
                {"images": 10 * IMAGES, "first": IMAGES, "last": IMAGES + some - 1, "ending": "-new.png"},
            ),
        }
        print(f"{'write':34}{'s with':>9}{'s without':>11}{'ratio':>8}")
        for name, work in works.items():
            pairs = [(cost(conn, work, indexes=True), cost(conn, work, indexes=False)) for _ in range(3)]
            with_them, without = (float(one) for one in np.median(pairs, axis=0))
            print(f"{name:34}{with_them:9.2f}{without:11.2f}{with_them / without:8.2f}", flush=True)
    print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()

"""Thresholds changed for a whole library: seconds beside bare SQL that knows what changes, and the room of raw scores.

DTK_BENCH_IMAGES pictures (default 200,000) with DTK_BENCH_SCORES raw scores each (default 60) of a tagger with 10,861
tags in three categories. The floor is one statement in one transaction, without progress, without a way to go on, and
blind to whatever is not as expected: a DELETE of what lies below the new threshold, or an INSERT of what lies between
the two. It is rolled back; each run begins vacuumed. In the end the tags are compared with those that one statement
makes of the raw scores.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import LiteralString

import numpy as np
import psycopg
from workload import owned_server

from dtk_tui.config import load
from dtk_tui.domain.thresholds import TagThreshold
from dtk_tui.services.library import thresholds
from dtk_tui.store.database import Database, row_of
from dtk_tui.store.library.tagging import thresholds as store

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "200000"))
SCORES = int(os.environ.get("DTK_BENCH_SCORES", "60"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "3"))
TAGGER = "wd-bench"
RATINGS, GENERAL, TAGS = 4, 8110, 10_861
LOW, HIGH = 0.35, 0.40

_RAISE: LiteralString = """
DELETE FROM image_tag USING tag
 WHERE source = %(tagger)s AND tag.id = tag_id AND category = 'general' AND confidence < %(high)s::real
"""
_LOWER: LiteralString = """
INSERT INTO image_tag (image_id, tag_id, source, confidence)
SELECT image_id, tag_id, %(tagger)s, value
  FROM tag_prediction CROSS JOIN unnest(ids, scores) AS score (tag_id, value) JOIN tag ON tag.id = tag_id
 WHERE category = 'general' AND value >= %(low)s::real AND value < %(high)s::real
"""
_EXPECTED: LiteralString = """
SELECT image_id, tag_id, value FROM (
    SELECT image_id, tag_id, value, category,
           row_number() OVER (PARTITION BY image_id, category ORDER BY value DESC, place) AS rank
      FROM tag_prediction CROSS JOIN unnest(ids, scores) WITH ORDINALITY AS score (tag_id, value, place)
      JOIN tag ON tag.id = tag_id) AS scored
 WHERE CASE category WHEN 'rating' THEN rank = 1 WHEN 'general' THEN value >= %(low)s::real ELSE value >= 0.85::real END
"""


def fill(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    """Write images, tags and raw scores: ratings always, the rest at random, most of them low."""
    chance = np.random.default_rng(7)
    conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
    conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
        " SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, %s) n",
        (IMAGES,),
    )
    conn.execute(
        "INSERT INTO tag (name, category) SELECT 'tag ' || n, CASE WHEN n <= %s THEN 'rating'"
        " WHEN n <= %s THEN 'general' ELSE 'character' END FROM generate_series(1, %s) n",
        (RATINGS, GENERAL, TAGS),
    )
    conn.execute("INSERT INTO tagger (name, model_sha256) VALUES (%s, 'x')", (TAGGER,))
    with conn.cursor().copy("COPY tag_prediction (image_id, tagger_id, ids, scores) FROM STDIN") as copy:
        for image in range(1, IMAGES + 1):
            others = RATINGS + 1 + np.sort(chance.choice(TAGS - RATINGS, SCORES - RATINGS, replace=False))
            scores = (0.05 + 0.95 * chance.beta(0.6, 1.4, SCORES)).astype(np.float32)
            copy.write_row((image, 1, [*range(1, RATINGS + 1), *others.tolist()], scores.tolist()))
    conn.execute("ANALYZE")


def vacuum(url: str) -> None:
    """Clean up after what ran before."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE image_tag")
        conn.execute("VACUUM image")
        conn.execute("CHECKPOINT")


def timed(url: str, act: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    vacuum(url)
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def floor(url: str, sql: LiteralString) -> float:
    """Return the seconds of one statement, which is rolled back."""
    vacuum(url)
    with psycopg.connect(url) as conn:
        begun = time.perf_counter()
        conn.execute(sql, {"tagger": TAGGER, "low": LOW, "high": HIGH})
        took = time.perf_counter() - begun
        conn.rollback()
    return took


def measure(db: Database, url: str) -> None:
    """Print the table."""
    found = thresholds.find_tagger(db, TAGGER)
    first = timed(url, lambda: thresholds.apply(db, found, {"general": LOW}))
    with db.connection() as conn:
        raw, rows = row_of(conn, "SELECT pg_total_relation_size('tag_prediction'), count(*) FROM image_tag")
        heap = int(row_of(conn, "SELECT pg_table_size('tag_prediction')")[0])
    room = f"{heap / IMAGES:,.0f} B a picture, {raw / IMAGES:,.0f} B with its index"
    print(f"{IMAGES:,} pictures of {SCORES} raw scores: {room}")
    print(f"all {rows:,} tags from nothing: {first:.1f} s")
    print(f"{'':24}{'seconds':>9}{'floor':>8}{'ratio':>8}{'added':>12}{'removed':>12}{'images':>10}")
    cases: tuple[tuple[str, float, LiteralString | None], ...] = (
        (f"general {LOW} to {HIGH}", HIGH, _RAISE), (f"general {HIGH} to {LOW}", LOW, _LOWER), ("as it is", LOW, None),
    )  # fmt: skip
    took: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in cases}
    dry: list[float] = []
    change = {}
    for _ in range(RUNS):
        dry.append(timed(url, lambda: thresholds.preview(db, found, {"general": HIGH})))
        for name, threshold, bare in cases:
            beside = floor(url, bare) if bare is not None else 0.0

            def act(name: str = name, threshold: float = threshold) -> None:
                change[name] = thresholds.apply(db, found, {"general": threshold})

            took[name].append((timed(url, act), beside))
    for name, pairs in took.items():
        seconds, beside = (statistics.median(one) for one in zip(*pairs, strict=True))
        ratio = f"{beside:8.1f}{seconds / beside:8.2f}" if beside else f"{'':16}"
        did = change[name]
        print(f"{name:24}{seconds:9.1f}{ratio}{did.added:12,}{did.removed:12,}{did.images:10,}")
    print(f"{'dry run':24}{statistics.median(dry):9.1f}")
    there: LiteralString = "SELECT image_id, tag_id, confidence FROM image_tag WHERE source = %(tagger)s"
    wrong: LiteralString = f"""SELECT (SELECT count(*) FROM (({there}) EXCEPT ALL ({_EXPECTED})) AS a)
                                    + (SELECT count(*) FROM (({_EXPECTED}) EXCEPT ALL ({there})) AS b)"""
    with db.connection() as conn:
        (others,) = row_of(conn, wrong, {"tagger": TAGGER, "low": LOW})
        print(f"tags that one statement would have made otherwise: {others}")


def main() -> None:
    """Make the library, and measure."""
    with (
        tempfile.TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as folder,
        owned_server(f"{folder}/home"),
    ):
        db = Database.open(load({"HOME": folder, "DTK_HOME": str(Path(folder) / "home")}))
        try:
            with psycopg.connect(db.conninfo()) as conn:
                fill(conn)
            with db.connection() as conn:
                kinds = (("rating", 0.0, True), ("general", LOW, False), ("character", 0.85, False))
                store.adopt(conn, TAGGER, [TagThreshold(name, from_, 0.05, alone) for name, from_, alone in kinds])
            measure(db, db.conninfo())
        finally:
            db.close()


if __name__ == "__main__":
    main()

"""Search by words in captions, by how many captions have them, beside the same without indexes.

DTK_BENCH_CAPTIONS captions (default 500,000) of about 600 characters in words of a natural frequency, and twice as many
images, in a temporary embedded server. The newest 100 images are asked for, the newest 500, which the app shows first,
and all. Goal for the newest 100: 20 ms in the median, 100 ms for the slowest of a hundred.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from caption_library import VOCABULARY, library

from dtk_tui.domain.query.parser import parse
from dtk_tui.store.database import Connection
from dtk_tui.store.search.search import find_images

CAPTIONS = int(os.environ.get("DTK_BENCH_CAPTIONS", "500000"))
RUNS, RUNS_WITHOUT_INDEXES = 100, 3
LIMITS = (100, 500, None)
#: By the number of a run.
QUERIES: dict[str, Callable[[int], str]] = {
    "half of them": lambda n: f"caption:{VOCABULARY[n % 10]}",
    "one in 10": lambda n: f"caption:{VOCABULARY[100 + n]}",
    "one in 25": lambda n: f"caption:{VOCABULARY[300 + n]}",
    "one in 50": lambda n: f"caption:{VOCABULARY[650 + n]}",
    "one in 100": lambda n: f"caption:{VOCABULARY[1350 + n]}",
    "one in 200": lambda n: f"caption:{VOCABULARY[2750 + n]}",
    "one in 500": lambda n: f"caption:{VOCABULARY[7000 + n]}",
    "two words": lambda n: f"caption: {VOCABULARY[n]} {VOCABULARY[300 + n]}",
    "a word -word": lambda n: f"caption: {VOCABULARY[300 + n]} -{VOCABULARY[n]}",
    "a phrase": lambda n: f'caption:"{VOCABULARY[n]} {VOCABULARY[n + 3]}"',
    "a word, steps": lambda n: f"caption:{VOCABULARY[300 + n]} steps:{n % 50}",
    "without a word": lambda n: f"-caption:{VOCABULARY[300 + n]}",
}


def timed(conn: Connection, line: Callable[[int], str], limit: int | None, runs: int) -> tuple[list[float], int]:
    """Return the milliseconds of runs, after one that is not counted, and how many were found in the median."""
    times, found = [], []
    for number in range(-1, runs):
        start = time.perf_counter()
        result = find_images(conn, parse(line(max(number, 0))), about=(), like=(), limit=limit)
        if number >= 0:
            times.append(1000 * (time.perf_counter() - start))
            found.append(len(result.ids))
    return times, int(np.median(found))


def without_indexes(conn: Connection, line: Callable[[int], str]) -> float:
    """Return the milliseconds of a query for all images that uses no index."""
    for switch in ("off", "on"):
        if switch == "on":
            slow, _ = timed(conn, line, None, RUNS_WITHOUT_INDEXES)
        for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
            conn.execute(f"SET LOCAL enable_{kind} = {switch}")
    return float(np.median(slow))


def main() -> None:
    """Print the table."""
    with library(CAPTIONS) as db, db.connection() as conn:
        print(f"{CAPTIONS:,} captions, {2 * CAPTIONS:,} images; p50 and p99 in ms, load {os.getloadavg()[0]:.1f}")
        heads = "".join(f"{'all' if limit is None else limit:>9}{'p99':>8}" for limit in LIMITS)
        print(f"{'in how many':16}{'found':>9}{heads}{'no index':>10}")
        for name, line in QUERIES.items():
            told = ""
            for limit in LIMITS:
                times, found = timed(conn, line, limit, RUNS)
                told += "".join(f"{np.percentile(times, share):{width}.1f}" for share, width in ((50, 9), (99, 8)))
            print(f"{name:16}{found:9,}{told}{without_indexes(conn, line):10.1f}", flush=True)


if __name__ == "__main__":
    main()

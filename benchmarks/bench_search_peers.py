"""The nearest images with filters that keep 50, 5 and 0.5 %: recall@10 and milliseconds, beside peers.

The library of search_library.py (DTK_BENCH_IMAGES, DTK_BENCH_LIBRARY); all have the same vectors. Goal: recall@10 0.98.
The first filters have nothing to do with what images look like. The last one keeps only what is far from the query: a
folder of another time than the image that was asked for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from search_library import FOLDERS, IMAGES, VECTORS, BenchLibrary, library
from search_peers import COUNT, Nearest, faiss, flat_scan, rclip, usearch

from dtk_tui.domain.query.parser import parse
from dtk_tui.store.database import Connection
from dtk_tui.store.search.search import find_images

QUERIES, SLOW_QUERIES, LIMIT = int(os.environ.get("DTK_BENCH_RUNS", "50")), 3, 100
GOAL = 0.98

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Filter:
    """A filter: its words in the query line for a query, and which vectors it keeps."""

    name: str
    line: Callable[[int], str]
    keeps: Callable[[int], Mask | None]


def filters() -> list[Filter]:
    """Return the filters; the n-th query is image 31 n."""
    row = np.arange(VECTORS)
    scale, folder = row * 7919 % 200 / 2.0, 1 + row * FOLDERS // VECTORS
    masks = {top: scale <= top for top in (49.5, 4.5)} | {0.0: scale == 7}
    far = [1 + (31 * n * FOLDERS // VECTORS + FOLDERS // 2) % FOLDERS for n in range(QUERIES)]
    others = {number: folder == number for number in far}
    return [
        Filter("none", lambda n: "", lambda n: None),
        Filter("50 %", lambda n: "cfg:0-49.5", lambda n: masks[49.5]),
        Filter("5 %", lambda n: "cfg:0-4.5", lambda n: masks[4.5]),
        Filter("0.5 %", lambda n: "cfg:7", lambda n: masks[0.0]),
        Filter("0.2 %, all far", lambda n: f"folder:/out/{far[n]}", lambda n: others[far[n]]),
    ]


def ours(conn: Connection, lib: BenchLibrary, line: str, query: npt.NDArray[np.float32]) -> list[int]:
    """Return the rows of the ten vectors whose images are found first; members of a group count once."""
    with conn.transaction():
        found = find_images(
            conn, parse(f"like:1 {line}"), about=(), like=[(lib.spaces["image"], query, None)], limit=LIMIT
        )
    return list(dict.fromkeys(((found.ids - 1) % VECTORS).tolist()))[:COUNT]


def row_of_table(name: str, kept: str, times: list[float], recall: float) -> str:
    """Return a row of the table."""
    p50, p99 = np.percentile(times, [50, 99])
    return f"{kept:16}{name:28}{p50:9.1f}{p99:9.1f}{recall:11.3f}"


def main() -> None:
    """Print the table."""
    start = time.perf_counter()
    with library() as lib, lib.connection() as conn:
        vectors = np.ascontiguousarray(lib.vectors["image"])
        queries = [vectors[31 * n] for n in range(QUERIES)]
        peers: list[tuple[str, Nearest | None, int]] = [
            ("flat scan, numpy", flat_scan(vectors), SLOW_QUERIES),
            ("rclip's formula", rclip(vectors), SLOW_QUERIES),
            ("faiss HNSW", faiss(vectors, lib.folder), QUERIES),
            ("usearch HNSW, more asked", usearch(vectors, lib.folder), QUERIES),
        ]
        print(f"{IMAGES:,} images, {VECTORS:,} vectors; ready in {time.perf_counter() - start:.0f} s;", end=" ")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        print(f"{'filter keeps':16}{'who':28}{'p50 ms':>9}{'p99 ms':>9}{'recall@10':>11}")
        similarity = vectors @ np.stack(queries).T
        for one in filters():
            right = [best(similarity[:, n], one.keeps(n)) for n in range(QUERIES)]
            times, shares = [], []
            for n, query in enumerate(queries):
                began = time.perf_counter()
                rows = ours(conn, lib, one.line(n), query)
                times.append(1000 * (time.perf_counter() - began))
                shares.append(len(right[n] & set(rows)) / COUNT)
            missed = "" if np.mean(shares) >= GOAL else "  *"
            print(row_of_table(f"dtk, first {LIMIT}", one.name, times, float(np.mean(shares))) + missed, flush=True)
            for name, nearest, count in peers:
                if nearest is None:
                    print(f"{'':16}{name:28} not installed")
                    continue
                times, shares = [], []
                for n in range(min(count, QUERIES)):
                    began = time.perf_counter()
                    rows = nearest(queries[n], one.keeps(n))
                    times.append(1000 * (time.perf_counter() - began))
                    shares.append(len(right[n] & set(rows)) / COUNT)
                print(row_of_table(name, one.name, times, float(np.mean(shares))), flush=True)
    print(f"{time.perf_counter() - start:.0f} s in all")


def best(similarity: npt.NDArray[np.float32], mask: Mask | None) -> set[int]:
    """Return the rows of the ten largest similarities, of those that the mask keeps."""
    kept = similarity if mask is None else np.where(mask, similarity, np.float32(-2))
    return set(np.argpartition(-kept, COUNT)[:COUNT].tolist())


if __name__ == "__main__":
    main()

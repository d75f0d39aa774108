"""When to take the vector index away for a bulk run: rows written with it, beside without it and built once in the end.

DTK_BENCH_VECTORS vectors at most (default 20,000) of DTK_BENCH_DIMS dimensions (default 384), batches of 64 as a worker
writes them. Each case is measured both ways; the last lines say from where on a bulk run pays, and where the engine
switches.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg

from dtk_tui.services.worker import bulk_index
from dtk_tui.store.database import Connection
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.queue import results
from dtk_tui.store.schema import upgrade
from dtk_tui.store.server.embedded import EmbeddedServer

DIMS = int(os.environ.get("DTK_BENCH_DIMS", "384"))
MOST = int(os.environ.get("DTK_BENCH_VECTORS", "20000"))
#: Vectors that are there before, and how many come, as shares of the most.
CASES = ((0, 0.05), (0, 0.25), (0, 1.0), (0.5, 0.05), (0.5, 0.125), (0.5, 0.25), (0.5, 0.5))
BATCH, CLUSTERS = 64, 200


@dataclass(frozen=True)
class Case:
    """Seconds for ``new`` vectors beside ``there``: row by row, and written without the index that is then built."""

    there: int
    new: int
    rows_s: float
    load_s: float
    build_s: float

    @property
    def ratio(self) -> float:
        """How much longer row by row takes."""
        return self.rows_s / (self.load_s + self.build_s)


def vectors(count: int, seed: int) -> np.ndarray:
    """Return unit vectors around random centres, float32 [count, DIMS]."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(4).normal(size=(CLUSTERS, DIMS))
    found = centres[chance.integers(0, CLUSTERS, count)] + 0.8 * chance.normal(size=(count, DIMS))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def write(conn: Connection, space: int, start: int, values: np.ndarray) -> float:
    """Write vectors for images from ``start`` on, a transaction a batch; return the seconds."""
    begun = time.perf_counter()
    for at in range(0, len(values), BATCH):
        part = values[at : at + BATCH]
        with conn.transaction():
            conn.execute("SET LOCAL synchronous_commit = off")
            results.save_image_vectors(conn, space, range(start + at, start + at + len(part)), part)
    return time.perf_counter() - begun


def build(conn: Connection, space: int) -> float:
    """Build the index; return the seconds."""
    begun = time.perf_counter()
    embedding_spaces.build_index(conn, space)
    return time.perf_counter() - begun


def measure(conn: Connection, space: int, there: int, new: int) -> Case:
    """Measure both ways for one size."""
    old, values = vectors(there, 1), vectors(new, 2)
    conn.execute("TRUNCATE image_vector")
    embedding_spaces.drop_index(conn, space)
    write(conn, space, 1, old)
    build(conn, space)
    rows_s = write(conn, space, 1 + there, values)
    conn.execute("DELETE FROM image_vector WHERE image_id > %s", (there,))
    embedding_spaces.drop_index(conn, space)
    conn.execute("VACUUM image_vector")
    load_s = write(conn, space, 1 + there, values)
    return Case(there, new, rows_s, load_s, build(conn, space))


def report(cases: list[Case]) -> None:
    """Print from where on a bulk run pays: r a row into the index, b a row of a build, new * r against all * b."""
    large = max(cases, key=lambda case: case.rows_s)
    row_s = (large.rows_s - large.load_s) / large.new
    build_s = large.build_s / (large.there + large.new)
    print(
        f"\nat {large.there + large.new:,}: {1000 * row_s:.2f} ms a row into the index, {1000 * build_s:.2f} ms built"
    )
    if row_s > build_s:
        print(f"as quick when the new ones are {build_s / (row_s - build_s):.2f} of those that are there")
    print(f"the engine switches at {bulk_index.LEAST:,} new ones that are {bulk_index.SHARE} of those that are there")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedServer(Path(folder) / "postgres")
        try:
            upgrade(server.join())
            with psycopg.connect(server.join(), autocommit=True) as conn:
                conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
                conn.execute(
                    "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
                    " SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, %s) n",
                    (MOST,),
                )
                space = embedding_spaces.register(conn, "bench", "image", "x", DIMS)
                print(
                    f"{DIMS} dimensions, seconds\n   there     new   row by row  ms/row     no index    build   ratio"
                )
                cases = []
                for there, new in CASES:
                    one = measure(conn, space, int(MOST * there), int(MOST * new))
                    cases.append(one)
                    print(
                        f"{one.there:8,}{one.new:8,}{one.rows_s:13.1f}{1000 * one.rows_s / one.new:8.2f}"
                        f"{one.load_s:13.1f}{one.build_s:9.1f}{one.ratio:8.2f}",
                        flush=True,
                    )
                report(cases)
        finally:
            server.leave()


if __name__ == "__main__":
    main()

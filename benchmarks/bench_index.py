"""When to take the vector index away for a bulk run: rows written with it, beside without it and built once in the end.

DTK_BENCH_DIMS dimensions (default 384), batches of 64 as a worker writes them.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import psycopg

from dtk_tui.store import results, spaces
from dtk_tui.store.database import Connection
from dtk_tui.store.migrate import migrate
from dtk_tui.store.server import EmbeddedServer

DIMS = int(os.environ.get("DTK_BENCH_DIMS", "384"))
#: Vectors that are there before, and how many come.
CASES = ((0, 2_000), (0, 10_000), (10_000, 2_000), (10_000, 10_000))
BATCH, CLUSTERS = 64, 200
RNG = np.random.default_rng(3)


def vectors(count: int) -> np.ndarray:
    """Return unit vectors around random centres, float32 [count, DIMS]."""
    centres = np.random.default_rng(4).normal(size=(CLUSTERS, DIMS))
    found = centres[RNG.integers(0, CLUSTERS, count)] + 0.8 * RNG.normal(size=(count, DIMS))
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


def case(conn: Connection, space: int, before: int, new: int) -> None:
    """Measure both ways for one size."""
    old, values = vectors(before), vectors(new)
    spent: list[tuple[float, float]] = []
    for bulk in (False, True):
        conn.execute("TRUNCATE image_vector")
        spaces.drop_index(conn, space)
        write(conn, space, 1, old)
        spaces.build_index(conn, space)
        if bulk:
            spaces.drop_index(conn, space)
        writing_s = write(conn, space, 1 + before, values)
        begun = time.perf_counter()
        spaces.build_index(conn, space)
        spent.append((writing_s, time.perf_counter() - begun))
    (rows_s, _), (bare_s, build_s) = spent
    print(
        f"{before:8,}{new:8,}{rows_s:12.1f}{1000 * rows_s / new:8.2f}{bare_s:12.1f}{build_s:9.1f}"
        f"{rows_s / (bare_s + build_s):8.2f}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedServer(Path(folder) / "postgres")
        try:
            migrate(server.join())
            with psycopg.connect(server.join(), autocommit=True) as conn:
                conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
                conn.execute(
                    "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)"
                    " SELECT 1, n || '.png', 1, 1, now() FROM generate_series(1, %s) n",
                    (max(before + new for before, new in CASES),),
                )
                space = spaces.register(conn, "bench", "image", "x", DIMS)
                print(f"{DIMS} dimensions, seconds\n   there     new row by row  ms/row     no index    build   ratio")
                for before, new in CASES:
                    case(conn, space, before, new)
        finally:
            server.leave()


if __name__ == "__main__":
    main()

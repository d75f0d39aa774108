"""Search over a large library: p50 and p99 of typical queries, beside the same queries answered without indexes.

A library is generated in a temporary embedded server: DTK_BENCH_IMAGES images (default 200,000), an eighth as many
prompts of about 600 characters, half as many image vectors of 384 dimensions (the other half are duplicates).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psycopg

from dtk_tui.domain.query.parser import parse
from dtk_tui.store.database import Connection
from dtk_tui.store.schema import upgrade
from dtk_tui.store.search.search import SearchResult, find_images
from dtk_tui.store.server.embedded import EmbeddedServer

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "200000"))
PROMPTS, VECTORS, FOLDERS, TAGS, DIMS, CLUSTERS = max(IMAGES // 8, 1), max(IMAGES // 2, 1), 500, 2000, 384, 300
RUNS, RUNS_WITHOUT_INDEXES, LIMIT = 60, 5, 100

Matrix = npt.NDArray[np.float32]
RNG = np.random.default_rng(20)
VOCABULARY = [
    "".join(RNG.choice(list("bcdfglmnprstv"), 3)[k] + RNG.choice(list("aeiou"), 3)[k] for k in range(3))
    for _ in range(8000)
]


@dataclass(frozen=True)
class Case:
    """A kind of query: how to ask it for the n-th time, and, for a vector query, the right answer."""

    name: str
    ask: Callable[[Connection, int], SearchResult]
    nearest: Callable[[int], set[int]] | None = None


def clustered(count: int) -> Matrix:
    """Return unit vectors around random centres, float32 [count, DIMS]."""
    centres = RNG.normal(size=(CLUSTERS, DIMS)).astype(np.float32)
    vectors = centres[RNG.integers(0, CLUSTERS, count)] + 0.8 * RNG.normal(size=(count, DIMS)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def load_rows(conn: Connection) -> None:
    """Write folders, prompts, images, tags."""
    words = np.array(VOCABULARY)
    shares = 1.0 / np.arange(20, 20 + len(words))
    picks = RNG.choice(len(words), size=(PROMPTS, 85), p=shares / shares.sum())
    with conn.cursor().copy("COPY prompt (text) FROM STDIN") as copy:
        for number, row in enumerate(picks):
            copy.write_row((f"{number} {' '.join(words[row])}",))
    conn.execute(
        "INSERT INTO folder (path, name) SELECT '/out/' || n, n::text FROM generate_series(1, %s) n", (FOLDERS,)
    )
    conn.execute(
        "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, prompt_id, seed, steps,"
        " rating, width, height, is_embedding_representative, embedding_source_id)"
        " SELECT 1 + n %% %(folders)s, n || '.png', 1000, 0, now() - n * interval '1 minute', 1,"
        " 1 + n %% %(vectors)s %% %(prompts)s, n %% %(vectors)s, 20 + n %% 30, nullif(n %% 7, 6), 1024, 1024,"
        " n < %(vectors)s, CASE WHEN n >= %(vectors)s THEN 1 + n %% %(vectors)s END"
        " FROM generate_series(0, %(images)s - 1) n",
        {"folders": FOLDERS, "vectors": VECTORS, "prompts": PROMPTS, "images": IMAGES},
    )
    conn.execute("INSERT INTO tag (name) SELECT 'tag_' || n FROM generate_series(1, %s) n", (TAGS,))
    conn.execute(
        "INSERT INTO image_tag (image_id, tag_id, source, confidence)"
        " SELECT n, 1 + (n * 31 + k * k * 97) %% %s, 'bench', 0.2 + k * 0.15"
        " FROM generate_series(1, %s) n, generate_series(1, 5) k",
        (TAGS, IMAGES),
    )


def load_vectors(conn: Connection, modality: str, vectors: Matrix) -> int:
    """Write vectors for the keys 1, 2, ... and build their index after that; return the space."""
    table = "prompt_vector" if modality == "text" else "image_vector"
    row = conn.execute(
        "SELECT dtk_embedding_space(%s, %s, %s, 'x', %s)", (modality, modality, modality, DIMS)
    ).fetchone()
    space = int(row[0]) if row else 0
    index = f"{table}_{space}_hnsw"
    found = conn.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", (index,)).fetchone()
    conn.execute(f"DROP INDEX {index}")
    header = np.frombuffer(np.array([DIMS, 0], ">u2").tobytes(), np.uint8).tobytes()
    with conn.cursor().copy(f"COPY {table}_{space} FROM STDIN (FORMAT binary)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        lengths = (b"\0\x03\0\0\0\x02" + space.to_bytes(2), b"\0\0\0\x08", (4 + 2 * DIMS).to_bytes(4) + header)
        for key, vec in enumerate(vectors.astype(">f2"), 1):
            copy.write(lengths[0] + lengths[1] + key.to_bytes(8) + lengths[2] + vec.tobytes())
        copy.write(b"\xff\xff")
    conn.execute("SET LOCAL maintenance_work_mem = '2GB'")
    conn.execute(found[0] if found else "")
    return space


def cases(text_space: int, prompts: Matrix, image_space: int, images: Matrix) -> list[Case]:
    """Return the queries to measure."""

    def words(conn: Connection, n: int) -> SearchResult:
        return find_images(conn, parse(VOCABULARY[300 + 7 * n]), about=(), like=(), limit=LIMIT)

    def two_words(conn: Connection, n: int) -> SearchResult:
        return find_images(conn, parse(f"{VOCABULARY[2000 + n]}, {VOCABULARY[5 + n]}"), about=(), like=(), limit=LIMIT)

    def about(conn: Connection, n: int) -> SearchResult:
        return find_images(conn, parse("about:x"), about=[(text_space, prompts[n * 31])], like=(), limit=LIMIT)

    def like(conn: Connection, n: int) -> SearchResult:
        vec, own = images[n * 31], n * 31 + 1
        return find_images(conn, parse(f"like:{own}"), about=(), like=[(image_space, vec, own)], limit=LIMIT)

    def tag_like(conn: Connection, n: int) -> SearchResult:
        query = parse(f"tag:tag_{1 + n}>=0.4 like:1")
        return find_images(conn, query, about=(), like=[(image_space, images[n * 31], None)], limit=LIMIT)

    def rating_like(conn: Connection, n: int) -> SearchResult:
        return find_images(
            conn, parse("rating:>=4 like:1"), about=(), like=[(image_space, images[n * 31], None)], limit=LIMIT
        )

    def words_about(conn: Connection, n: int) -> SearchResult:
        query = parse(f"{VOCABULARY[300 + 7 * n]} about:x")
        return find_images(conn, query, about=[(text_space, prompts[n * 31])], like=(), limit=LIMIT)

    def plain(line: Callable[[int], str], limit: int | None = LIMIT) -> Callable[[Connection, int], SearchResult]:
        return lambda conn, n: find_images(conn, parse(line(n)), about=(), like=(), limit=limit)

    def looks(n: int) -> set[int]:
        order = np.argsort(-(images @ images[n * 31]))
        return set((order[order != n * 31][:10] + 1).tolist())

    return [
        Case("newest 100", plain(lambda n: "")),
        Case("every image", plain(lambda n: "", None)),
        Case("a word", words),
        Case("two terms", two_words),
        Case("folder:", plain(lambda n: f"folder:/out/{1 + n}")),
        Case("path: starts with", plain(lambda n: f"path: starts with /out/{1 + n}/")),
        Case("tag:>=0.4", plain(lambda n: f"tag:tag_{1 + n}>=0.4")),
        Case("about:", about),
        Case("like:", like, looks),
        Case("tag: like:", tag_like),
        Case("rating:>=4 like:", rating_like),
        Case("a word about:", words_about),
    ]


def timed(conn: Connection, case: Case, runs: int, indexes: bool) -> tuple[list[float], list[SearchResult]]:
    """Return the milliseconds and the results of ``runs`` runs, after one that is not counted."""
    times, results = [], []
    for number in range(-1, runs):
        with conn.transaction():
            if not indexes:
                for name in ("indexscan", "indexonlyscan", "bitmapscan"):
                    conn.execute(f"SET LOCAL enable_{name} = off")
            start = time.perf_counter()
            result = case.ask(conn, max(number, 0))
            if number >= 0:
                times.append(1000 * (time.perf_counter() - start))
                results.append(result)
    return times, results


@contextmanager
def library() -> Iterator[tuple[Connection, list[Case]]]:
    """Give a connection to a generated library, and the queries for it."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-") as folder:
        server = EmbeddedServer(Path(folder) / "postgres")
        try:
            upgrade(server.join())
            with psycopg.connect(server.join()) as conn:
                load_rows(conn)
                prompts, images = clustered(PROMPTS), clustered(VECTORS)
                spaces = load_vectors(conn, "text", prompts), load_vectors(conn, "image", images)
                conn.commit()
                conn.autocommit = True
                conn.execute("VACUUM ANALYZE")
                yield conn, cases(spaces[0], prompts, spaces[1], images)
        finally:
            server.leave()


def main() -> None:
    """Print the table."""
    start = time.perf_counter()
    with library() as (conn, queries):
        print(f"{IMAGES:,} images, {PROMPTS:,} prompts, {VECTORS:,} x {DIMS} image vectors, limit {LIMIT};", end=" ")
        print(f"generated in {time.perf_counter() - start:.0f} s")
        print(f"{'query':20}{'found':>9}{'p50 ms':>9}{'p99 ms':>9}{'no index ms':>13}{'ratio':>8}{'recall@10':>11}")
        for case in queries:
            times, results = timed(conn, case, RUNS, indexes=True)
            slow, _ = timed(conn, case, RUNS_WITHOUT_INDEXES, indexes=False)
            p50, p99, exact = np.percentile(times, 50), np.percentile(times, 99), np.percentile(slow, 50)
            recall = ""
            if case.nearest:
                shares = [len(case.nearest(n) & set(r.ids.tolist())) / 10 for n, r in enumerate(results[:20])]
                recall = f"{np.mean(shares):.3f}"
            found = int(np.median([len(result.ids) for result in results]))
            print(
                f"{case.name:20}{found:9,}{p50:9.1f}{p99:9.1f}{exact:13.1f}{exact / p50:8.1f}{recall:>11}", flush=True
            )
    print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()

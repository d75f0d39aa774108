"""Pairs of perceptual hashes: buckets in numpy beside indexes of PostgreSQL (docs/adr/0017).

DTK_BENCH_HASHES (100000) made hashes in a library, 5 % of them copies with as many bits turned as copies of drawn
pictures have (``bench_duplicates``), 8 at most: by buckets in numpy; and, asked for DTK_BENCH_ASKED (300) of the copied
ones and reckoned up to all, by what an index would give: pgvector's HNSW for Hamming distances, and GIN on bands of the
hash, of which one is equal where few bits differ. Beside them each hash held against each with numpy, reckoned from
20,000. MB are of memory in numpy, of the index in PostgreSQL.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from bench_duplicates import ALIKE, SHARE, hashed, library

from dtk_tui.domain.duplicates import DuplicateKind
from dtk_tui.services.library.alike.sets import DuplicateSets
from dtk_tui.services.library.duplicates import find
from dtk_tui.store.database import Connection, Database

SIZES = [int(size) for size in os.environ.get("DTK_BENCH_HASHES", "100000").split(",")]
ASKED = int(os.environ.get("DTK_BENCH_ASKED", "300"))
Ids = npt.NDArray[np.int64]
RNG = np.random.default_rng(17)


def apart() -> Ids:
    """Return how many bits the copies of some drawn pictures are from them."""
    both = [(own[0], copy[0]) for own, copy in hashed(range(600)) if copy is not None]
    found = [((a ^ b) & (2**64 - 1)).bit_count() for a, b in both if a is not None and b is not None]
    return np.array([bits for bits in found if bits <= ALIKE])


def made_hashes(count: int, distances: Ids) -> tuple[npt.NDArray[np.uint64], Ids, int]:
    """Return hashes with half of their bits set, as the median has it, colours, and how many are copies at the end."""
    hashes = np.zeros(count, np.uint64)
    for start in range(0, count, 100_000):
        size = min(100_000, count - start)
        places = np.argpartition(RNG.random((size, 64)), 32, axis=1)[:, :32].astype(np.uint64)
        hashes[start : start + size] = np.bitwise_or.reduce(np.uint64(1) << places, axis=1)
    colours = np.zeros(count, np.int64)
    base = RNG.integers(4, 28, (count, 1))
    levels = np.clip(base + RNG.integers(-4, 5, (count, 12)), 0, 31)
    for place, shift in enumerate(range(55, -1, -5)):
        colours |= levels[:, place] << shift
    copies = int(count * SHARE)
    first = count - copies
    for number, distance in enumerate(RNG.choice(distances, copies)):
        turned = RNG.choice(64, distance, replace=False).astype(np.uint64)
        mask = np.bitwise_or.reduce(np.uint64(1) << turned, initial=np.uint64(0))
        hashes[first + number] = hashes[number] ^ mask
    colours[first:] = colours[:copies]
    return hashes, colours, copies


def fill(db: Database, hashes: npt.NDArray[np.uint64], colours: Ids) -> None:
    """Write a library of images with these hashes."""
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/bench', 'bench')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, width, height,"
            " fingerprint) SELECT 1, n || '.png', n, 0, now(), 1, 1024, 1024, int8send(n) || int8send(n)"
            " FROM generate_series(1, %s) n",
            (len(hashes),),
        )
        with conn.cursor().copy(
            "COPY image_hash (image_id, bits, colours, fingerprint, is_compared) FROM STDIN"
        ) as copy:
            for number, (bits, colour) in enumerate(
                zip(hashes.view(np.int64).tolist(), colours.tolist(), strict=True), 1
            ):
                copy.write_row((number, bits, colour, number.to_bytes(8) * 2, True))
        conn.execute("ANALYZE")


def measured(what: Callable[[], DuplicateSets]) -> tuple[DuplicateSets, float, float, float]:
    """Return what a search found, its seconds, its processor seconds here, and the most memory in MB that it took."""
    start, begun = time.perf_counter(), time.process_time()
    found = what()
    seconds, processor = time.perf_counter() - start, time.process_time() - begun
    tracemalloc.start()  # takes time, so in a run of its own
    what()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, seconds, processor, peak / 1e6


def made_library(count: int, distances: Ids) -> None:
    """Find copies among made hashes, and print it."""
    hashes, colours, copies = made_hashes(count, distances)
    with TemporaryDirectory(prefix="dtk-bench-") as name, library(Path(name)) as (db, config):
        fill(db, hashes, colours)
        sets, seconds, processor, memory = measured(lambda: find(db, config, DuplicateKind.NEAR))
        members = [sets.members(number) for number in range(len(sets))]
        right = sum(1 for ids in members if (max(ids) - min(ids)) == count - copies)
        print(f"\n{count:,} made hashes, {copies:,} of them copies (at load {os.getloadavg()[0]:.1f})")
        print(f"{'':34}{'found':>9}{'falsely':>9}{'seconds':>9}{'processor':>11}{'MB':>8}")
        print(
            f"{'buckets in numpy':34}{right / copies:9.1%}{len(members) - right:9,}{seconds:9.1f}{processor:11.1f}"
            f"{memory:8.0f}",
            flush=True,
        )
        each_with_each(count, hashes[:20_000])
        with db.connection() as conn:
            in_the_database(conn, count, count - copies)


def each_with_each(count: int, some: npt.NDArray[np.uint64]) -> None:
    """Print what holding each hash against each would take, reckoned from some."""
    begun = time.process_time()
    for place in range(0, len(some), 200):
        np.count_nonzero(np.bitwise_count(some[place : place + 200, None] ^ some[None]) <= ALIKE)
    each = (time.process_time() - begun) * (count / len(some)) ** 2 / 2
    print(f"{'each with each, numpy, reckoned':34}{1:9.1%}{'':9}{'':9}{each:11.0f}", flush=True)


#: By name: the statements that make an index on ``code``, and the one that asks for what is like one of its rows.
INDEXES = {
    "HNSW, bit_hamming_ops": (
        ("CREATE INDEX code_index ON code USING hnsw ((bits::bit(64)) bit_hamming_ops)",),
        "SELECT image_id, bits::bit(64) <~> (SELECT bits::bit(64) FROM code WHERE image_id = %(id)s) FROM code"
        " ORDER BY bits::bit(64) <~> (SELECT bits::bit(64) FROM code WHERE image_id = %(id)s) LIMIT 10",
    ),
    "GIN on 4 bands of 16 bits": (
        (
            "ALTER TABLE code ADD COLUMN bands integer[]",
            "UPDATE code SET bands = ARRAY (SELECT band << 16 | (bits >> 16 * band & 65535)::integer"
            " FROM generate_series(0, 3) band)",
            "CREATE INDEX code_index ON code USING gin (bands)",
        ),
        "SELECT image_id, bits::bit(64) <~> (SELECT bits::bit(64) FROM code WHERE image_id = %(id)s) FROM code"
        " WHERE bands && (SELECT bands FROM code WHERE image_id = %(id)s)",
    ),
    "GIN on 8 bands of 8 bits": (
        (
            "ALTER TABLE code DROP COLUMN bands, ADD COLUMN bands integer[]",
            "UPDATE code SET bands = ARRAY (SELECT band << 8 | (bits >> 8 * band & 255)::integer"
            " FROM generate_series(0, 7) band)",
            "CREATE INDEX code_index ON code USING gin (bands)",
        ),
        "SELECT image_id, bits::bit(64) <~> (SELECT bits::bit(64) FROM code WHERE image_id = %(id)s) FROM code"
        " WHERE bands && (SELECT bands FROM code WHERE image_id = %(id)s)",
    ),
}


def in_the_database(conn: Connection, count: int, copies_from: int) -> None:
    """Print what indexes of PostgreSQL would take for all hashes, reckoned from some that have a copy."""
    conn.execute("CREATE TEMP TABLE code AS SELECT image_id, bits FROM image_hash")
    conn.execute("ALTER TABLE code ADD PRIMARY KEY (image_id)")
    # One process does all, so that its time can be told.
    conn.execute("SET max_parallel_maintenance_workers = 0")
    conn.execute("SET max_parallel_workers_per_gather = 0")
    conn.execute("SET maintenance_work_mem = '1GB'")
    for name, (statements, query) in INDEXES.items():
        start, begun = time.perf_counter(), server_seconds(conn)
        for statement in statements:
            conn.execute(statement.encode())
        conn.execute("ANALYZE code")
        build, build_processor = time.perf_counter() - start, server_seconds(conn) - begun
        (size,) = conn.execute("SELECT pg_relation_size('code_index')").fetchone() or (0,)
        start, begun, found = time.perf_counter(), server_seconds(conn), 0
        for number in range(1, ASKED + 1):
            near = conn.execute(query.encode(), {"id": number}).fetchall()
            found += any(other == number + copies_from and bits <= ALIKE for other, bits in near)
        asked, asked_processor = time.perf_counter() - start, server_seconds(conn) - begun
        total = build + asked * count / ASKED
        processor = build_processor + asked_processor * count / ASKED
        print(
            f"{name:34}{found / ASKED:9.1%}{'':9}{total:9.0f}{processor:11.0f}{size / 1e6:8.0f}"
            f"   {build_processor:.0f} s to build, {1000 * asked_processor / ASKED:.2f} ms a query (reckoned)",
            flush=True,
        )
        conn.execute("DROP INDEX code_index")


def server_seconds(conn: Connection) -> float:
    """Return the processor time of the server's process of this connection, in seconds."""
    (pid,) = conn.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print a table a size."""
    distances = apart()
    for count in SIZES:
        made_library(count, distances)


if __name__ == "__main__":
    main()

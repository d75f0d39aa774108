"""Duplicates: how many planted pairs are found, how many others, in what time and memory.

First real files: DTK_BENCH_PICTURES (1,500) drawn pictures of 384 pixels, and copies of 5 % of them, each in turn
encoded anew (JPEG 70), scaled by half, cut by 2 % of its width and height at one corner. They are scanned, and decoded
as a worker does it; once by hashes alone and, where dinov2-small is installed, with the vectors of all of them.

Then DTK_BENCH_HASHES (1,000,000) made hashes in a library, 5 % of them copies with as many bits turned as the files
had. Beside it, at DTK_BENCH_INDEXED (50,000) hashes and reckoned up to all: each held against each with numpy, and
PostgreSQL's index for Hamming distances (pgvector, HNSW), asked for the nearest of each.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from PIL import Image
from workload import MODELS

from dtk_tui.config import load
from dtk_tui.domain.duplicates import DuplicateKind
from dtk_tui.domain.looks import ImageLook, PerceptualHash
from dtk_tui.inference.image_decoder import decode_picture
from dtk_tui.services.library.duplicates import DuplicateSets, find
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import embedding_spaces, looks
from tests.helpers.pictures import picture

PICTURES = int(os.environ.get("DTK_BENCH_PICTURES", "1500"))
HASHES = int(os.environ.get("DTK_BENCH_HASHES", "1000000"))
INDEXED = min(int(os.environ.get("DTK_BENCH_INDEXED", "50000")), HASHES)
SHARE, SIDE, ALIKE = 0.05, 384, 8
Ids = npt.NDArray[np.int64]
RNG = np.random.default_rng(17)

COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": lambda image: image,
    "resized": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
    "cropped 2 %": lambda image: image.crop((image.width // 50, image.height // 50, image.width, image.height)),
}


def kind_of(number: int) -> str:
    """Return how the copy of a picture is made."""
    return list(COPIES)[number % len(COPIES)]


def write(folder: Path, number: int) -> None:
    """Write one picture with a grain, and its copy where it has one."""
    grain = np.random.default_rng(number).normal(0, 3.0, (SIDE, SIDE, 1))
    drawn = np.asarray(picture(number, (SIDE, SIDE)), np.float64) + grain
    image = Image.fromarray(np.clip(drawn, 0, 255).astype(np.uint8))
    image.save(folder / f"{number:06d}.png", compress_level=1)
    if number < PICTURES * SHARE:
        COPIES[kind_of(number)](image).save(folder / f"{number:06d}.jpg", quality=70)


def copies_written() -> int:
    """Return how many pictures have a copy."""
    return int(np.ceil(PICTURES * SHARE))


@contextmanager
def library(folder: Path) -> Iterator[Database]:
    """Give a library of its own, with a server that ends with it."""
    db = Database.open(load({"HOME": str(folder), "DTK_HOME": str(folder / "home"), "DTK_MODELS": str(MODELS)}))
    try:
        yield db
    finally:
        db.close()


def look_at(db: Database, processes: ProcessPoolExecutor) -> dict[int, tuple[str, bytes]]:
    """Decode all images and keep their looks; return name and fingerprint of each."""
    sql = (
        "SELECT image.id, folder.path || '/' || file_name, fingerprint FROM image JOIN folder ON folder_id = folder.id"
    )
    with db.connection() as conn:
        rows = conn.execute(sql).fetchall()
        seen = processes.map(_look, [path for _, path, _ in rows], chunksize=16)
        looks.save(
            conn, [ImageLook(number, bytes(print_), look) for (number, _, print_), look in zip(rows, seen, strict=True)]
        )
    return {number: (Path(path).name, bytes(print_)) for number, path, print_ in rows}


def _look(path: str) -> PerceptualHash:
    return decode_picture(path).look


def embed(db: Database, folder: Path, names: dict[int, tuple[str, bytes]]) -> bool:
    """Give every image a vector; False without the model."""
    from dtk_tui.inference.image_embedder import ImageEmbedder
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import is_installed

    spec = load_manifest().get("dinov2-small")
    if not is_installed(spec, MODELS):
        return False
    model = ImageEmbedder(spec, MODELS, os.cpu_count() or 1)
    numbers = list(names)
    with db.connection() as conn:
        space = embedding_spaces.register(conn, spec.name, "image", "bench", model.dims)
        embedding_spaces.drop_index(conn, space)
        for start in range(0, len(numbers), 32):
            part = numbers[start : start + 32]
            vectors = model.infer(np.stack([model.load(str(folder / names[number][0])) for number in part]))
            conn.cursor().executemany(
                "INSERT INTO image_vector (space_id, image_id, vec) VALUES (%s, %s, %s::halfvec)",
                [(space, number, str(vector.tolist())) for number, vector in zip(part, vectors, strict=True)],
            )
    return True


def judged(sets: DuplicateSets, names: dict[int, tuple[str, bytes]]) -> tuple[dict[str, int], int]:
    """Return how many planted pairs of each kind were found, and how many images are in a set of others."""
    found, false = dict.fromkeys(COPIES, 0), 0
    for number in range(len(sets)):
        stems = [names[image][0].split(".")[0] for image in sets.members(number)]
        for stem in set(stems):
            if stems.count(stem) == 2:
                found[kind_of(int(stem))] += 1
        false += len(set(stems)) - 1
    return found, false


def real_files() -> Ids:
    """Find copies of real files, print it, and return how many bits they are apart."""
    with TemporaryDirectory(prefix="dtk-bench-") as name, ProcessPoolExecutor() as processes:
        folder = Path(name) / "pictures"
        folder.mkdir()
        list(processes.map(write, [folder] * PICTURES, range(PICTURES), chunksize=16))
        with library(Path(name)) as db:
            scan(db, load({"HOME": name, "DTK_HOME": f"{name}/home"}), [str(folder)])
            names = look_at(db, processes)
            planted = {kind: len([n for n in range(copies_written()) if kind_of(n) == kind]) for kind in COPIES}
            print(f"{len(names):,} files of {SIDE} pixels, {copies_written()} of them copies")
            print(f"{'':24}{'falsely':>9}" + "".join(f"{kind:>16}" for kind in COPIES))
            print(f"{'planted':24}{'':9}" + "".join(f"{planted[kind]:16,}" for kind in COPIES))
            with db.connection() as conn:
                bits = dict(conn.execute("SELECT image_id, bits FROM image_hash").fetchall())
            for label in ("hashes alone", "hashes and vectors"):
                if label == "hashes and vectors" and not embed(db, folder, names):
                    print("dinov2-small is not installed: dtk models pull starter")
                    continue
                found, false = judged(find(db, DuplicateKind.NEAR), names)
                print(f"{label:24}{false:9,}" + "".join(f"{found[kind]:16,}" for kind in COPIES))
    by_name = {name: bits[number] for number, (name, _) in names.items()}
    pairs = [(by_name[f"{n:06d}.png"], by_name[f"{n:06d}.jpg"]) for n in range(copies_written())]
    return np.array(
        [
            (a ^ b).bit_count() if (a ^ b) >= 0 else ((a ^ b) & (2**64 - 1)).bit_count()
            for a, b in pairs
            if a is not None and b is not None
        ]
    )


def made_hashes(apart: Ids) -> tuple[npt.NDArray[np.uint64], Ids, int]:
    """Return hashes with half of their bits set, as the median has it, colours, and how many are copies at the end."""
    hashes = np.zeros(HASHES, np.uint64)
    for start in range(0, HASHES, 100_000):
        size = min(100_000, HASHES - start)
        places = np.argpartition(RNG.random((size, 64)), 32, axis=1)[:, :32].astype(np.uint64)
        hashes[start : start + size] = np.bitwise_or.reduce(np.uint64(1) << places, axis=1)
    colours = np.zeros(HASHES, np.int64)
    base = RNG.integers(4, 28, (HASHES, 1))
    levels = np.clip(base + RNG.integers(-4, 5, (HASHES, 12)), 0, 31)
    for place, shift in enumerate(range(55, -1, -5)):
        colours |= levels[:, place] << shift
    copies = int(HASHES * SHARE)
    first = HASHES - copies
    for number, distance in enumerate(RNG.choice(apart[apart <= ALIKE], copies)):
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


def measured(what: Callable[[], DuplicateSets]) -> tuple[DuplicateSets, float, float]:
    """Return what a search found, its seconds, and the most memory in MB that it took."""
    start = time.perf_counter()
    found = what()
    seconds = time.perf_counter() - start
    tracemalloc.start()  # takes time, so in a run of its own
    what()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, seconds, peak / 1e6


def made_library(apart: Ids) -> None:
    """Find copies among made hashes, and print it."""
    hashes, colours, copies = made_hashes(apart)
    with TemporaryDirectory(prefix="dtk-bench-") as name, library(Path(name)) as db:
        fill(db, hashes, colours)
        sets, seconds, memory = measured(lambda: find(db, DuplicateKind.NEAR))
        members = [sets.members(number) for number in range(len(sets))]
        right = sum(1 for ids in members if (max(ids) - min(ids)) == HASHES - copies)
        print(f"\n{HASHES:,} made hashes, {copies:,} of them copies")
        print(f"{'':24}{'found':>9}{'falsely':>9}{'seconds':>9}{'MB':>7}")
        print(f"{'buckets in numpy':24}{right:9,}{len(members) - right:9,}{seconds:9.1f}{memory:7.0f}", flush=True)
        beside(db, hashes[:INDEXED])


def beside(db: Database, some: npt.NDArray[np.uint64]) -> None:
    """Print what two other ways would take for all hashes, reckoned from a part of them."""
    start = time.perf_counter()
    for place in range(0, len(some), 200):
        np.count_nonzero(np.bitwise_count(some[place : place + 200, None] ^ some[None]) <= ALIKE)
    each = (time.perf_counter() - start) * (HASHES / len(some)) ** 2 / 2
    print(f"{'each with each, numpy':24}{'':9}{'':9}{each:9.0f}      (reckoned)")
    with db.connection() as conn:
        conn.execute(
            "CREATE TEMP TABLE code AS SELECT image_id, bits::bit(64) AS bits FROM image_hash WHERE image_id <= %s",
            (len(some),),
        )
        start = time.perf_counter()
        conn.execute("CREATE INDEX ON code USING hnsw (bits bit_hamming_ops)")
        build = time.perf_counter() - start
        start, asked = time.perf_counter(), 1000
        for number in range(1, asked + 1):
            conn.execute(
                "SELECT image_id FROM code ORDER BY bits <~> (SELECT bits FROM code WHERE image_id = %s) LIMIT 2",
                (number,),
            )
        query = (time.perf_counter() - start) / asked
    total = (build / len(some) + query) * HASHES
    print(f"{'an index in PostgreSQL':24}{'':9}{'':9}{total:9.0f}      (reckoned; {1000 * query:.2f} ms a query)")


def main() -> None:
    """Print both tables."""
    made_library(real_files())


if __name__ == "__main__":
    main()

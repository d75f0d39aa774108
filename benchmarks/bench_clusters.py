"""Clusters by vectors, and the preview of a folder: what is found, in what time and memory.

DTK_BENCH_VECTORS (20000,100000,1000000) made vectors of DTK_BENCH_DIMS (384) dimensions in a file: subjects of about a
hundred each, and of 5 % a copy that is as similar as variations of one picture are (cosine 0.95 to 0.999). At up to
100,000 they are also held each against each, which tells what the cells miss.

Then DTK_BENCH_IMAGES (1000000) images in a library, half of them embedded: how long the counts of a preview of their
folder and the choice of its sample take, how long what looks alike is shared at DTK_BENCH_HASHED (200000) decoded ones,
and how fast vectors are read.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from workload import MODELS, owned_server

from dtk_tui.config import Config, load
from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Target
from dtk_tui.services.library.alike import vector_pairs
from dtk_tui.services.library.alike.sharing import share_vectors
from dtk_tui.services.library.hash_pairs import led_sets
from dtk_tui.services.queue import enqueue
from dtk_tui.store.database import Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.queue.enqueue import missing_images
from dtk_tui.store.search import stored_vectors

SIZES = [int(size) for size in os.environ.get("DTK_BENCH_VECTORS", "20000,100000,1000000").split(",")]
DIMS = int(os.environ.get("DTK_BENCH_DIMS", "384"))
IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "1000000"))
HASHED = int(os.environ.get("DTK_BENCH_HASHED", "200000"))
LEAST, SHARE, EXACT = 0.95, 0.05, 100_000
RNG = np.random.default_rng(17)
_T = TypeVar("_T")


def unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return rows of length 1."""
    found: npt.NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def normal(count: int) -> npt.NDArray[np.float32]:
    """Return random directions, float32 [count, DIMS]."""
    return unit(RNG.standard_normal((count, DIMS), np.float32))


def write_vectors(path: Path, count: int) -> tuple[npt.NDArray[np.float16], int]:
    """Write vectors to a file; return them, mapped, and how many at the end are copies of the first ones."""
    copies = int(count * SHARE)
    vectors = np.memmap(path, np.float16, "w+", shape=(count, DIMS))
    subjects = normal(max(1, count // 100))
    for start in range(0, count - copies, 20_000):
        size = min(20_000, count - copies - start)
        # Two of one subject have a cosine similarity of about 0.6, as two pictures of one prompt have.
        near = 0.77 * subjects[RNG.integers(0, len(subjects), size)] + 0.64 * normal(size)
        vectors[start : start + size] = unit(near)
    for start in range(0, copies, 20_000):
        size = min(20_000, copies - start)
        cosines = RNG.uniform(LEAST + 0.002, 0.999, (size, 1)).astype(np.float32)
        own = unit(vectors[start : start + size].astype(np.float32))
        other = normal(size)
        other = unit(other - (other * own).sum(axis=1, keepdims=True) * own)
        place = count - copies + start
        vectors[place : place + size] = cosines * own + np.sqrt(1 - cosines**2) * other
    return vectors, copies


def timed(what: Callable[[], _T]) -> tuple[_T, float, float]:
    """Return what a call returned, its seconds, and its processor seconds in this process."""
    start, begun = time.perf_counter(), time.process_time()
    found = what()
    return found, time.perf_counter() - start, time.process_time() - begun


def made_vectors() -> None:
    """Find planted pairs among made vectors, and print it."""
    print(f"{'vectors':>10}{'':10}{'planted':>9}{'found':>9}{'pairs':>9}{'seconds':>9}{'processor':>11}{'MB':>8}  load")
    for count in SIZES:
        with TemporaryDirectory(prefix="dtk-bench-") as name:
            vectors, copies = write_vectors(Path(name) / "vectors", count)
            runs = ["cells"] if count > EXACT or count <= vector_pairs._WHOLE else ["cells", "exact"]
            for run in runs:
                whole = vector_pairs._WHOLE
                vector_pairs._WHOLE = count if run == "exact" else whole
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                (pairs, _), seconds, processor = timed(partial(vector_pairs.near_vectors, vectors, LEAST))
                vector_pairs._WHOLE = whole
                peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
                found = int(((pairs[:, 0] < copies) & (pairs[:, 1] - pairs[:, 0] == count - copies)).sum())
                leaders = led_sets(pairs, np.arange(count)[::-1].copy())
                assert len(np.unique(leaders)) >= count - len(pairs)
                print(
                    f"{count:10,}{run:>10}{copies:9,}{found / copies:9.2%}{len(pairs):9,}{seconds:9.1f}"
                    f"{processor:11.1f}{peak:8.0f}  {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
            del vectors


def library_of_images(db: Database, config: Config) -> int:
    """Fill a library: half of the images are embedded, and every tenth of one content has a hash; return the space."""
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/bench', 'bench')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, width, height,"
            " fingerprint) SELECT 1, n || '.png', n, 0, now(), 1, 1024, 1024, int8send(n)"
            " FROM generate_series(1, %s) n",
            (IMAGES,),
        )
        space = embedding_spaces.register(conn, config.settings.models.image_embedder, "image", "bench", DIMS)
        embedding_spaces.drop_index(conn, space)
        conn.execute(
            "INSERT INTO image_vector (space_id, image_id, vec)"
            " SELECT %s, n, (SELECT array_agg(random()) FROM generate_series(1, %s))::real[]::halfvec"
            " FROM generate_series(1, %s, 2) n",
            (space, DIMS, IMAGES),
        )
        conn.execute(
            "INSERT INTO image_hash (image_id, bits, colours, fingerprint, is_compared)"
            " SELECT n, hashint8extended(n %% (%s / 2), 0), 0, int8send(n), true FROM generate_series(1, %s) n",
            (HASHED, HASHED),
        )
        conn.execute("ANALYZE")
        return space


def preview() -> None:
    """Print how long the preview of a folder of all images takes."""
    with TemporaryDirectory(prefix="dtk-bench-") as name, owned_server(f"{name}/home"):
        config = load({"HOME": name, "DTK_HOME": f"{name}/home", "DTK_MODELS": str(MODELS)})
        db = Database.open(config)
        try:
            space = library_of_images(db, config)
            folder = Target(folder_id=1, recursive=True)
            print(f"\n{IMAGES:,} images in a folder, half of them embedded{'':12}{'seconds':>9}  load")
            counts, seconds, _ = timed(lambda: enqueue(db, config, folder, [Kind.EMBED], dry_run=True))
            assert (counts.queued, counts.already_done) == (IMAGES // 2, IMAGES // 2)
            print(f"{'counts of the preview':60}{seconds:9.2f}  {os.getloadavg()[0]:.1f}")
            with db.connection() as conn:
                names = config.settings.models
                models = embedding_spaces.current(conn, names.text_embedders, names.image_embedders, names.taggers)
                some, seconds, _ = timed(lambda: missing_images(conn, folder, Kind.EMBED, models, [], most=12))
                assert len(some) == 12
                print(f"{'choice of its sample':60}{seconds:9.2f}  {os.getloadavg()[0]:.1f}", flush=True)
                wanted, seconds, _ = timed(lambda: missing_images(conn, folder, Kind.EMBED, models, []))
                print(f"{'what is to be embedded, for sharing':60}{seconds:9.2f}")
                _, seconds, _ = timed(lambda: share_vectors(conn, wanted, models.image_spaces, 4))
                (shared,) = conn.execute("SELECT count(*) FROM shared_vector").fetchone() or (0,)
                print(f"{f'sharing among {HASHED:,} decoded ones ({shared:,} share)':60}{seconds:9.2f}")
                conn.rollback()
                read, seconds, _ = timed(lambda: sum(len(ids) for ids, _ in stored_vectors.blocks(conn, space)))
                print(f"{f'reading {read:,} vectors':60}{seconds:9.2f}  {os.getloadavg()[0]:.1f}")
        finally:
            db.close()


def main() -> None:
    """Print both tables."""
    made_vectors()
    preview()


if __name__ == "__main__":
    main()

"""Duplicates: how many planted pairs are found, how many others, in what time and memory.

First real files: DTK_BENCH_FILES (1,500) drawn pictures of 384 pixels, and copies of 5 % of them, each in turn encoded
anew (JPEG 70), scaled by half and encoded, cut by 2 % of its width and height at one corner and encoded. They are
scanned, and decoded as a worker does it; once by hashes alone and, where dinov2-small is installed, with the vectors of
all of them.

Then a library of DTK_BENCH_PICTURES (100,000) pictures of 200 pixels, 5 % of them such copies: half are shapes, half
are smooth colours with a grain. All are drawn and hashed, the copies encoded and decoded before; nothing is left out,
whatever comes of it. DTK_BENCH_LIBRARY names a folder where the library is kept for the next run; a million are drawn
in about half an hour. The search runs in a process of its own; MB are the most that this one took. Pairs can only be
found where both have a hash: what is too plain for one is counted apart, and so is how many bits the others differ.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from PIL import Image
from workload import MODELS, owned_server

from dtk_tui.config import Config, load
from dtk_tui.domain.duplicates import DuplicateKind
from dtk_tui.domain.looks import ImageLook, PerceptualHash
from dtk_tui.inference.image_decoder import decode_picture
from dtk_tui.inference.perceptual_hash import perceptual_hash
from dtk_tui.services.library.alike.sets import DuplicateSets
from dtk_tui.services.library.duplicates import find
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import embedding_spaces, looks
from tests.helpers.pictures import picture

FILES = int(os.environ.get("DTK_BENCH_FILES", "1500"))
PICTURES = int(os.environ.get("DTK_BENCH_PICTURES", "100000"))
LIBRARY = os.environ.get("DTK_BENCH_LIBRARY")
SHARE, FILE_SIDE, SIDE, ALIKE = 0.05, 384, 200, 8
Ids = npt.NDArray[np.int64]

COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": lambda image: image,
    "resized": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
    "cropped 2 %": lambda image: image.crop((image.width // 50, image.height // 50, image.width, image.height)),
}
KINDS = list(COPIES)


def kind_of(number: int) -> str:
    """Return how the copy of a picture is made; shapes and colours have copies of each kind."""
    return KINDS[number // 2 % len(KINDS)]


def drawn(number: int, side: int) -> Image.Image:
    """Return a picture with a grain: shapes where the number is even, smooth colours where it is odd."""
    chance = np.random.default_rng(number)
    if number % 2:
        coarse = chance.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    else:
        image = picture(number, (side, side))
    grain = chance.integers(-5, 6, (side, side, 1), dtype=np.int16)
    return Image.fromarray(np.clip(np.asarray(image, np.int16) + grain, 0, 255).astype(np.uint8))


def copied(number: int, image: Image.Image) -> Image.Image:
    """Return the copy of a picture as it is read from its file."""
    file = io.BytesIO()
    COPIES[kind_of(number)](image).save(file, "JPEG", quality=70)
    return Image.open(file).convert("RGB")


def write(folder: Path, number: int) -> None:
    """Write one picture, and its copy where it has one."""
    image = drawn(number, FILE_SIDE)
    image.save(folder / f"{number:06d}.png", compress_level=1)
    if number < FILES * SHARE:
        COPIES[kind_of(number)](image).save(folder / f"{number:06d}.jpg", quality=70)


@contextmanager
def library(folder: Path) -> Iterator[tuple[Database, Config]]:
    """Give a library of its own, with a server that ends with it."""
    config = load({"HOME": str(folder), "DTK_HOME": str(folder / "home"), "DTK_MODELS": str(MODELS)})
    with owned_server(folder / "home"):
        db = Database.open(config)
        try:
            yield db, config
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


def judged(sets: DuplicateSets, originals: Callable[[int], int]) -> tuple[dict[str, int], int]:
    """Return how many planted pairs of each kind were found, and how many images are in a set of others.

    Args:
        originals: gives of an image the number of the picture that it shows.
    """
    found, false = dict.fromkeys(KINDS, 0), 0
    for number in range(len(sets)):
        shown = [originals(image) for image in sets.members(number)]
        for one in set(shown):
            if shown.count(one) == 2:
                found[kind_of(one)] += 1
        false += len(set(shown)) - 1
    return found, false


def print_row(label: str, values: dict[str, int], more: str = "") -> None:
    """Print a line of one number a kind of copy."""
    print(f"{label:28}" + "".join(f"{values[kind]:16,}" for kind in KINDS) + more, flush=True)


def planted_among(copies: int) -> dict[str, int]:
    """Return how many copies there are of each kind."""
    kinds = [kind_of(number) for number in range(copies)]
    return {kind: kinds.count(kind) for kind in KINDS}


def real_files() -> None:
    """Find copies of real files, and print it."""
    copies = int(np.ceil(FILES * SHARE))
    with TemporaryDirectory(prefix="dtk-bench-") as name, ProcessPoolExecutor() as processes:
        folder = Path(name) / "pictures"
        folder.mkdir()
        list(processes.map(write, [folder] * FILES, range(FILES), chunksize=16))
        with library(Path(name)) as (db, config):
            scan(db, config, [str(folder)])
            names = look_at(db, processes)
            print(f"{f'{len(names):,} files':28}" + "".join(f"{kind:>16}" for kind in KINDS) + f"{'falsely':>10}")
            print_row("planted", planted_among(copies))
            for label in ("hashes alone", "hashes and vectors"):
                if label == "hashes and vectors" and not embed(db, folder, names):
                    print("dinov2-small is not installed: dtk models pull starter")
                    continue
                sets = find(db, config, DuplicateKind.NEAR)
                found, false = judged(sets, lambda image: int(names[image][0].split(".")[0]))
                print_row(f"found, {label}", found, f"{false:10,}")


def hashed(numbers: range) -> list[tuple[tuple[int | None, int], tuple[int | None, int] | None]]:
    """Return bits and colours of some pictures, and of the copy of each that has one."""
    copies = int(PICTURES * SHARE)
    found = []
    for number in numbers:
        image = drawn(number, SIDE)
        look = perceptual_hash(image)
        copy = perceptual_hash(copied(number, image)) if number < copies else None
        found.append(((look.bits, look.colours), None if copy is None else (copy.bits, copy.colours)))
    return found


def fill(db: Database, processes: ProcessPoolExecutor) -> dict[str, dict[str, int]]:
    """Write a library of drawn pictures; return by name what came of the copies, of each kind.

    Image n shows picture n - 1; the copies come after all pictures, in their order.
    """
    copies = int(PICTURES * SHARE)
    pictures, later = PICTURES - copies, []
    came = {name: dict.fromkeys(KINDS, 0) for name in ("too plain to be compared", f"over {ALIKE} bits apart")}
    sizes = {"re-encoded": SIDE, "resized": SIDE // 2, "cropped 2 %": SIDE - SIDE // 50}
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/bench', 'bench')")
        conn.execute("CREATE TEMP TABLE drawn (n bigint, side integer, bits bigint, colours bigint)")
        with conn.cursor().copy("COPY drawn FROM STDIN") as copy:
            parts = [range(start, min(start + 500, pictures)) for start in range(0, pictures, 500)]
            for part, looks_of in zip(parts, processes.map(hashed, parts), strict=True):
                for number, (own, other) in zip(part, looks_of, strict=True):
                    copy.write_row((number + 1, SIDE, *own))
                    if other is not None:
                        later.append((pictures + number + 1, sizes[kind_of(number)], *other))
                        apart = None if own[0] is None or other[0] is None else (own[0] ^ other[0]) & (2**64 - 1)
                        if apart is None:
                            came["too plain to be compared"][kind_of(number)] += 1
                        elif apart.bit_count() > ALIKE:
                            came[f"over {ALIKE} bits apart"][kind_of(number)] += 1
            for row in later:
                copy.write_row(row)
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, width, height,"
            " fingerprint) SELECT 1, n || '.png', n, 0, now(), 1, side, side, int8send(n) || int8send(n)"
            " FROM drawn ORDER BY n"
        )
        conn.execute(
            "INSERT INTO image_hash (image_id, bits, colours, fingerprint, is_compared)"
            " SELECT n, bits, colours, int8send(n) || int8send(n), true FROM drawn ORDER BY n"
        )
        conn.execute("ANALYZE")
    return came


def searched(folder: str) -> tuple[Ids, Ids, float, float, float]:
    """Return the sets that look alike, the seconds, processor seconds and MB that it took this process."""
    with library(Path(folder)) as (db, config):
        start, begun = time.perf_counter(), time.process_time()
        sets = find(db, config, DuplicateKind.NEAR)
        seconds, processor = time.perf_counter() - start, time.process_time() - begun
    # Not getrusage, which knows what the process took that this one was forked from.
    status = Path("/proc/self/status").read_text()
    return sets.ids, sets.starts, seconds, processor, int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def many_pictures(folder: Path) -> None:
    """Find copies among many pictures, and print it."""
    note = folder / "made.json"
    if not note.exists():
        with library(folder) as (db, _), ProcessPoolExecutor() as processes:
            note.write_text(json.dumps({"pictures": PICTURES, "came": fill(db, processes)}))
    made = json.loads(note.read_text())
    count = int(made["pictures"])
    copies = int(count * SHARE)
    # A new process, whose memory is that of the search alone.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        ids, starts, seconds, processor, memory = process.submit(searched, str(folder)).result()
    pictures = count - copies
    found, false = judged(DuplicateSets(ids, starts), lambda image: (image - 1) % pictures)
    print(f"\n{f'{count:,} pictures':28}" + "".join(f"{kind:>16}" for kind in KINDS) + f"{'falsely':>10}")
    print_row("planted", planted_among(copies))
    for name, values in made["came"].items():
        print_row(f"  {name}", values)
    print_row("found, hashes alone", found, f"{false:10,}")
    print(
        f"{sum(found.values()) / copies:.2%} found; {seconds:.1f} s, {processor:.1f} s of processor here,"
        f" {memory:.0f} MB, at load {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    """Print both tables."""
    real_files()
    if LIBRARY:
        Path(LIBRARY).mkdir(parents=True, exist_ok=True)
        many_pictures(Path(LIBRARY))
        return
    with TemporaryDirectory(prefix="dtk-bench-") as name:
        many_pictures(Path(name))


if __name__ == "__main__":
    main()

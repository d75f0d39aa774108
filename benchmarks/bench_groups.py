"""Who shares a vector, against the pixels: a made library of pairs, triples, batches, grids, plots and copies.

DTK_BENCH_PICTURES (20,000) small pictures are scanned, queued and worked on (models that do next to nothing). Then each
image that shares the vector of another is held against it, pixel by pixel, without the hash that decided. Beside it:
what grouping by generation parameters alone, as before, would have shared and got wrong; and what could be spared at
most, were of all pictures that look alike one embedded.

DTK_BENCH_KINDS: the kinds of work, embed (default) or tag,embed.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from PIL.PngImagePlugin import PngInfo
from workload import MODELS, home

from dtk_tui.config import load
from dtk_tui.store.database import Database
from tests.helpers.idle_models import idle_models

PICTURES = int(os.environ.get("DTK_BENCH_PICTURES", "20000"))
KINDS = os.environ.get("DTK_BENCH_KINDS", "embed")
SIDE = 96
#: Two pictures look alike whose 48x48 means differ by less than this, on the average of all pixels and colours.
ALIKE = 10.0
GROUPS = 40_000

_SHARING = """
SELECT image.id, folder.path || '/' || image.file_name, source_folder.path || '/' || source.file_name
  FROM image JOIN folder ON folder.id = image.folder_id
  JOIN image source ON source.id = image.embedding_source_id
  JOIN folder source_folder ON source_folder.id = source.folder_id
"""
_ALL = """
SELECT image.id, folder.path || '/' || image.file_name, encode(image.metadata_hash, 'hex'), image.file_size
  FROM image JOIN folder ON folder.id = image.folder_id
"""
_DONE = "SELECT count(*) FROM job_log WHERE kind = 2 AND outcome = 'done'"


def scene(seed: int, palette: int) -> Image.Image:
    """Return a picture of a few shapes; those of one palette, as pictures of one prompt, have colours in common."""
    chance, colours = random.Random(seed), random.Random(palette)
    shades = [tuple(colours.randrange(256) for _ in range(3)) for _ in range(5)]
    image = Image.new("RGB", (SIDE, SIDE), shades[0])
    pen = ImageDraw.Draw(image)
    for _ in range(chance.randrange(6, 14)):
        x, y = chance.randrange(-10, SIDE), chance.randrange(-10, SIDE)
        box = (x, y, x + chance.randrange(8, SIDE // 2), y + chance.randrange(8, SIDE // 2))
        (pen.ellipse if chance.random() < 0.6 else pen.rectangle)(box, fill=chance.choice(shades[1:]))
    grain = np.random.default_rng(seed).normal(0, 3, (SIDE, SIDE, 1))
    return Image.fromarray(np.clip(np.asarray(image, np.float32) + grain, 0, 255).astype(np.uint8))


def final(image: Image.Image, factor: float, seed: int) -> Image.Image:
    """Return a picture scaled up, with detail and contrast of its own, as a second pass leaves it."""
    size = (round(image.width * factor), round(image.height * factor))
    large = image.resize(size, Image.Resampling.LANCZOS).filter(ImageFilter.UnsharpMask(2, 80, 2))
    detail = np.random.default_rng(seed).normal(0, 6, (size[1] // 3, size[0] // 3)).astype(np.float32)
    scaled = np.asarray(Image.fromarray(detail).resize(size, Image.Resampling.BICUBIC))[:, :, None]
    return Image.fromarray(np.clip(np.asarray(large, np.float32) * 1.03 + scaled, 0, 255).astype(np.uint8))


def grid(images: Sequence[Image.Image]) -> Image.Image:
    """Return pictures side by side, two in a row."""
    sheet = Image.new("RGB", (2 * SIDE, -(-len(images) // 2) * SIDE))
    for place, image in enumerate(images):
        sheet.paste(image, (place % 2 * SIDE, place // 2 * SIDE))
    return sheet


def run_of_graph(number: int) -> list[tuple[str, Image.Image]]:
    """Return what one run leaves, by name: every picture with the same parameters."""
    chance = random.Random(number)
    kind = chance.choice(["batch", "batch", "pair", "pair", "triple", "grid", "plot", "odd final", "lone", "plain"])
    seed = 1000 * number
    first = scene(seed, number)
    if kind == "batch":
        found = [(f"batch {place}", scene(seed + place, number)) for place in range(chance.randrange(1, 9))]
        return found if chance.random() < 0.7 else [*found, ("final of the first", final(found[0][1], 2, seed))]
    if kind == "pair":
        return [("original", first), ("final", final(first, chance.choice((1.5, 2, 2.5)), seed))]
    if kind == "triple":  # upscaled, and then a second pass over that at its own size or at the same
        upscaled = first.resize((2 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC)
        return [("original", first), ("upscaled", upscaled), ("final", final(first, chance.choice((2, 3)), seed))]
    if kind == "grid":
        cells = [scene(seed + place, number) for place in range(chance.choice((2, 4)))]
        return [("cell", cells[0]), ("grid", grid(cells))]
    if kind == "plot":
        cells = [scene(seed + place, number) for place in range(chance.randrange(3, 7))]
        return [*((f"cell {place}", cell) for place, cell in enumerate(cells)), ("plot", grid(cells))]
    if kind == "odd final":  # of a batch one original was kept, and the final of another
        return [("original", first), ("final", final(scene(seed + 1, number), 2, seed))]
    if kind == "plain":
        shade = random.Random(number).randrange(256)
        return [(name, Image.new("RGB", (side, side), (shade,) * 3)) for name, side in (("small", 96), ("large", 192))]
    return [("lone", first)]


def write_some(job: tuple[str, int, int, int]) -> None:
    """Write the pictures of some runs until there are enough; of some a copy, and some finals cut short."""
    folder, first, step, count = job
    done = 0
    for number in range(first, GROUPS, step):
        chance = random.Random(-number)
        place = Path(folder) / f"{number // 500:03d}"
        place.mkdir(parents=True, exist_ok=True)
        info = PngInfo()
        info.add_text("parameters", f"a thing of kind {number // 7}\nSteps: 20, Seed: {number}, Model: bench")
        for name, image in run_of_graph(number):
            path = place / f"{number:05d} {name}.png"
            image.save(path, pnginfo=info, compress_level=1)
            done += 1
            if chance.random() < 0.05:
                shutil.copy(path, place / f"{number:05d} {name} copy.png")
                done += 1
            elif name == "final" and chance.random() < 0.03:
                path.write_bytes(path.read_bytes()[:-500])
        if done >= count:
            return


def means(path: str) -> np.ndarray | None:
    """Return a picture at 48x48, by area; None when it cannot be decoded."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize((48, 48), Image.Resampling.BOX), np.int16)
    except OSError:
        return None


def is_wrong(pair: tuple[str, str]) -> bool:
    """Say whether two pictures do not look alike, or one of them is none."""
    one, other = (means(path) for path in pair)
    return one is None or other is None or float(np.abs(one - other).mean()) >= ALIKE


def fewest(paths: Sequence[str]) -> int:
    """Return how many of the pictures with the same parameters look like no earlier one: each of these is needed."""
    kept: list[np.ndarray] = []
    for path in paths:
        image = means(path)
        if image is None or not any(float(np.abs(image - other).mean()) < ALIKE for other in kept):
            kept.append(np.full((48, 48, 3), 10_000, np.int16) if image is None else image)
    return len(kept)


def main() -> None:
    """Make the library, work on it, and print the table."""
    cores = os.cpu_count() or 1
    with TemporaryDirectory(prefix="dtk-groups-") as temporary, ProcessPoolExecutor(cores) as pool:
        library = f"{temporary}/library"
        list(pool.map(write_some, [(library, start, cores, PICTURES // cores) for start in range(cores)]))
        models = idle_models(Path(temporary) / "models", MODELS, tagger=True)
        with home() as place:
            place.environ["DTK_MODELS"] = str(models)
            place.dtk("scan", library)
            place.dtk("queue", "add", "--all", "--kind", KINDS)
            begun = time.monotonic()
            place.dtk("worker", "run", "--until-empty")
            seconds = time.monotonic() - begun
            db = Database.open(load(place.environ))
            try:
                report(db, pool, seconds)
            finally:
                db.close()


def report(db: Database, pool: ProcessPoolExecutor, seconds: float) -> None:
    """Print how many pictures were embedded and shared, and how many of those wrongly; and the same as before."""
    with db.connection() as conn:
        images = conn.execute(_ALL).fetchall()
        sharing = conn.execute(_SHARING).fetchall()
        (done,) = conn.execute(_DONE).fetchone() or (0,)
        (vectors,) = conn.execute("SELECT count(*) FROM image_vector").fetchone() or (0,)
    classes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for _, path, parameters, size in images:
        classes[parameters].append((size, path))
    before = [(path, max(members)[1]) for members in classes.values() for _, path in members]
    before = [(path, largest) for path, largest in before if path != largest]
    wrong = sum(pool.map(is_wrong, [(path, source) for _, path, source in sharing], chunksize=64))
    wrong_before = sum(pool.map(is_wrong, before, chunksize=64))
    orders = [[path for _, path in sorted(members, reverse=True)] for members in classes.values()]
    needed = sum(pool.map(fewest, orders, chunksize=64))
    total = len(images)
    kinds = Counter(path.rsplit("/", 1)[1].split(" ", 1)[1].split(" copy")[0].split(".")[0] for _, path, _ in sharing)
    print(f"{total:,} pictures, {len(classes):,} sets of parameters; worked on in {seconds:.0f} s ({KINDS})")
    print(f"{'':34}{'now':>10}{'by parameters':>16}{'at best':>10}")
    for what, *values in rows(total, done, len(sharing), wrong, len(before), wrong_before, needed):
        print(f"{what:34}" + "".join(f"{value:>{width}}" for value, width in zip(values, (10, 16, 10), strict=True)))
    print(f"vectors: {vectors:,}; who shares: {dict(kinds.most_common(8))}")
    if wrong:
        raise SystemExit(f"{wrong} images share the vector of a picture that they do not look like")


def rows(
    total: int, done: int, shared: int, wrong: int, shared_before: int, wrong_before: int, needed: int
) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table."""
    yield "embedded", f"{done:,}", f"{total - shared_before:,}", f"{needed:,}"
    yield "shared", f"{shared:,}", f"{shared_before:,}", f"{total - needed:,}"
    yield "wrongly shared", f"{wrong:,}", f"{wrong_before:,}", "0"
    right, best = shared_before - wrong_before, 1 - needed / total
    yield "work spared", f"{shared / total:.1%}", f"{shared_before / total:.1%}", f"{best:.1%}"
    yield "rightly spared", f"{(shared - wrong) / total:.1%}", f"{right / total:.1%}", f"{best:.1%}"


if __name__ == "__main__":
    main()

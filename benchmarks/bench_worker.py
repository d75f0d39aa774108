"""Throughput of a real ``dtk worker run --until-empty`` beside bare loops without a database.

DTK_BENCH_IMAGES pictures (default 500) of 512 x 768, kind embed, DTK_BENCH_RUNS runs (default 3) of each, in turn:
- worker to bare loop: the same decode threads, the same ONNX Runtime session, the same batches, no database;
- worker with a model that does nothing to the decode floor: threads that only decode;
- the decode floor with processes instead of threads, which have to hand their arrays over.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psycopg
from workload import MODELS, Home, home, spread, write_library

from tests.helpers.idle_models import idle_models

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "500"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "3"))
#: As many images to a prompt as in a large library.
PROMPTS = max(1, IMAGES // 30)
THREADS = os.cpu_count() or 1


@dataclass(frozen=True)
class Measured:
    """Seconds from the first image to the last result, and of the whole process."""

    work_s: float
    process_s: float


def decoded(paths: Sequence[str], load: Any) -> Iterator[np.ndarray]:
    """Yield pictures prepared by THREADS threads, at most some batches ahead, in the order they are ready."""
    todo: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for path in [*paths, *[None] * THREADS]:
        todo.put(path)
    ready: queue.Queue[np.ndarray | None] = queue.Queue(32)

    def work() -> None:
        while (path := todo.get()) is not None:
            ready.put(load(path))
        ready.put(None)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    ended = 0
    while ended < THREADS:
        item = ready.get()
        if item is None:
            ended += 1
        else:
            yield item
    for thread in threads:
        thread.join()


def _prepare(path: str) -> np.ndarray:
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.preprocessing import Picture

    spec = load_manifest().get("dinov2-small").image
    if spec is None:
        raise SystemExit("the manifest does not say how to prepare an image")
    return Picture.open(path).pixels(spec)


def by_processes(paths: Sequence[str]) -> float:
    """Decode with THREADS processes; return the seconds without starting them."""
    with ProcessPoolExecutor(THREADS) as processes:
        list(processes.map(_prepare, paths[: 4 * THREADS]))
        begun = time.perf_counter()
        for _ in processes.map(_prepare, paths, chunksize=4):
            pass
        return time.perf_counter() - begun


def bare(paths: Sequence[str], models: Path, *, infer: bool) -> float:
    """Decode, batch and run, in this process; return the seconds without loading the models."""
    from dtk_tui.inference.image_embedder import ImageEmbedder
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.text_embedder import TextEmbedder

    image = ImageEmbedder(load_manifest().get("dinov2-small"), models, THREADS)
    text = TextEmbedder(load_manifest().get("minilm-l6-v2"), models, THREADS)
    begun = time.perf_counter()
    batch: list[np.ndarray] = []
    texts = [f"a lighthouse of kind {n} on a cliff above a stormy sea, dramatic light" for n in range(PROMPTS)]
    for number, item in enumerate(decoded(paths, image.load)):
        if infer:
            if number == 0:
                text.embed(texts)  # while pictures are being decoded, like a worker
            batch.append(item)
            if len(batch) == image.batch_size:
                image.infer(np.stack(batch))
                batch = []
    if batch:
        image.infer(np.stack(batch))
    return time.perf_counter() - begun


def measure_bare(paths: Sequence[str], what: str) -> Measured:
    """Run the bare loop, or a decode floor, in a fresh process."""
    begun = time.perf_counter()
    command = [sys.executable, __file__, what]
    done = subprocess.run(command, input=json.dumps(paths), capture_output=True, text=True, check=True)
    return Measured(float(done.stdout), time.perf_counter() - begun)


def measure_worker(place: Home, conn: psycopg.Connection, models: Path) -> Measured:
    """Queue everything afresh and drain it with the installed command."""
    conn.execute("TRUNCATE image_vector, prompt_vector, job_log")
    place.dtk("queue", "add", "--all", "--kind", "embed", models=models)
    begun = time.perf_counter()
    done = json.loads(place.dtk("worker", "run", "--until-empty", "--json", models=models))
    process_s = time.perf_counter() - begun
    if done["processed"] != IMAGES or done["failed"]:
        raise SystemExit(f"the worker did {done}")
    row = conn.execute("SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 FROM job_log").fetchone()
    return Measured(float(row[0]) if row else 0.0, process_s)


def report(title: str, worker: Sequence[Measured], floor: Sequence[Measured]) -> None:
    """Print one table: images a second of both, and their ratio run by run."""
    print(f"\n{title}: {IMAGES} images, {THREADS} decode threads, {RUNS} runs     min   median      max")
    for name, of in (("worker, first claim to last save", worker), ("floor, first image to last", floor)):
        print(f"  {name:<36} images/s {spread([IMAGES / one.work_s for one in of])}")
    print(f"  {'ratio':<45} {spread([f.work_s / w.work_s for w, f in zip(worker, floor, strict=True)])}")
    whole = [f.process_s / w.process_s for w, f in zip(worker, floor, strict=True)]
    print(f"  {'ratio of whole processes (start to end)':<45} {spread(whole)}")


def main() -> None:
    """Make the library, measure in turn, print the tables."""
    with TemporaryDirectory(prefix="dtk-bench-") as temporary, home() as place:
        folder = Path(temporary)
        paths = write_library(folder / "library", IMAGES, PROMPTS)
        size = sum(Path(path).stat().st_size for path in paths) / len(paths)
        print(f"{len(paths)} pictures of {size / 1e6:.2f} MB on average")
        place.dtk("scan", str(folder / "library"))
        idle = idle_models(folder / "models", MODELS)
        from dtk_tui.config import load
        from dtk_tui.store.database import Database

        db = Database.open(load(place.environ))
        try:
            with psycopg.connect(db.conninfo(), autocommit=True) as conn:
                for title, models, what in (("real model", MODELS, "bare"), ("idle model", idle, "decode")):
                    worker, floor = [], []
                    for _ in range(RUNS):
                        worker.append(measure_worker(place, conn, models))
                        floor.append(measure_bare(paths, what))
                    report(title, worker, floor)
                apart = [measure_bare(paths, "processes") for _ in range(RUNS)]
                print(f"\n  {'decode with processes':<36} images/s {spread([IMAGES / one.work_s for one in apart])}")
        finally:
            db.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pictures = json.load(sys.stdin)
        print(
            by_processes(pictures)
            if sys.argv[1] == "processes"
            else bare(pictures, MODELS, infer=sys.argv[1] == "bare")
        )
    else:
        main()

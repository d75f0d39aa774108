"""What a GPU makes of it: every architecture beside the CPU, the engine beside bare loops of ONNX Runtime, and memory.

The image embedder is of the size of CLIP ViT-H/14, in half precision, with random weights. DTK_BENCH_IMAGES PNGs of
1024 px (default 1,500) and twice as many JPEGs of 512 x 768 go through the engine. DTK_BENCH_CPU=1 goes through all of
it on the CPU with a small model: that tries the script, and its figures say nothing.

It ends by itself after DTK_BENCH_MINUTES (default 11.5), with what it has printed until then, and with status 1 when a
family differs, a part fails, or the models do not run on the GPU.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from bench_worker import decoded
from gpu_families import families
from gpu_lines import ON_CPU, fault, faults, say
from msgspec.structs import replace
from random_models import text_model, vision_transformer
from workload import owned_server, painting, write_library

from dtk_tui.config import Config, load
from dtk_tui.domain.job import Kind, WorkerState
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DtkError
from dtk_tui.inference import manifest
from dtk_tui.inference.devices.provider import gpu_report
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.services.doctor import devices as doctor
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker import control
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database
from tests.helpers.model_entries import add_entry

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "1500"))
EMBEDDER, TEXTS_BY = "clip-h-vision", "random-bge"
MINUTES = float(os.environ.get("DTK_BENCH_MINUTES", "11.5"))
BARE_S = 0.5 if ON_CPU else 4.0


def time_is_up() -> None:
    """End at once: what a machine is lent for is over."""
    say(f"time is up after {MINUTES} minutes")
    os._exit(3)


def take_any_weights() -> None:
    """Let files of any size and checksum count as the models of the manifest."""
    plain = manifest.read_manifest

    def read(path: Path) -> manifest.Manifest:
        found = plain(path)
        models = (
            replace(spec, files=tuple(replace(file, size=None, sha256=None) for file in spec.files))
            for spec in found.models
        )
        return manifest.Manifest(tuple(models), found.broken)

    manifest.read_manifest = read  # before anything has asked for the manifest, which is kept


# -- bare loops ---------------------------------------------------------------------------------------------------


def rate(run: Callable[[], object], images: int) -> float:
    """Return images a second of a call that does so many, after two calls that do not count."""
    run(), run()
    begun, calls = time.perf_counter(), 0
    while time.perf_counter() - begun < BARE_S:
        run()
        calls += 1
    return calls * images / (time.perf_counter() - begun)


def bare_loops(models: Path) -> float:
    """Print images a second of the session alone by batch size; return that at the batch size of the manifest."""
    spec = load_manifest().get(EMBEDDER)
    embedder = ImageEmbedder(spec, models, os.cpu_count() or 1)
    say(f"loaded {EMBEDDER} on {embedder.placement.provider} {embedder.placement.reason or ''}, memory {memory_gb()}")
    begun = time.perf_counter()
    embedder.tune()
    rates = ", ".join(f"{size}: {rate:.0f}" for size, rate in embedder.measured.rates.items())
    say(
        f"measured its batch in {time.perf_counter() - begun:.1f} s: {embedder.batch_size} (images/s by batch: {rates})"
    )
    session = embedder._session._session
    (name,) = [value.name for value in session.get_inputs()]
    found = 0.0
    for size in sorted({4, embedder.batch_size} if ON_CPU else {16, 64, 128, 256, embedder.batch_size}):
        batch = np.random.default_rng(size).integers(0, 256, (size, *embedder.input_shape), np.uint8)
        host = rate(partial(session.run, None, {name: batch}), size)
        words = f"session.run {host:8.1f}"
        if not ON_CPU:
            words += f"   inputs on the device {rate(bound_run(session, name, batch), size):8.1f}"
        words += f"   embedder {rate(partial(embedder.infer, batch), size):8.1f}"
        say(f"  bare loop, batch {size:>3}: images/s {words}")
        found = host if size == embedder.batch_size else found
    embedder.close()
    return found


def bound_run(session: Any, name: str, batch: np.ndarray) -> Callable[[], object]:
    """Return a run whose input lies on the device already."""
    from onnxruntime import OrtValue

    binding = session.io_binding()
    binding.bind_ortvalue_input(name, OrtValue.ortvalue_from_numpy(batch, "cuda", 0))
    binding.bind_output(session.get_outputs()[0].name, "cuda")

    def run() -> object:
        session.run_with_iobinding(binding)
        return binding.synchronize_outputs()

    return run


# -- the engine ---------------------------------------------------------------------------------------------------


class GpuWatch:
    """Samples how busy the GPUs are and how much of their memory is taken."""

    def __init__(self) -> None:
        self.busy: list[float] = []
        self.memory_gb: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> GpuWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            for gpu in gpu_report()[:1]:
                self.busy.append(float(str(gpu["utilisation"] or 0)))
                self.memory_gb.append(float(str(gpu["memory_used_gb"] or 0)))

    def __str__(self) -> str:
        if not self.busy:
            return "no GPU"
        return f"GPU {statistics.mean(self.busy):.0f} % busy, {max(self.memory_gb):.2f} GiB at most"


def memory_gb() -> str:
    """Return what is taken of the memory of the first GPU, once it has settled."""
    time.sleep(0.3 if ON_CPU else 1.5)
    gpus = gpu_report()
    return f"{gpus[0]['memory_used_gb']:.2f} GiB" if gpus else "-"


def until(engine: Engine, state: WorkerState) -> None:
    """Wait for a state of the worker, two minutes at most."""
    end = time.monotonic() + 120
    while engine.state != state:
        if time.monotonic() > end:
            raise SystemExit(f"the worker is {engine.state}, not {state}: {engine._report()[1].trouble}")
        time.sleep(0.01)


def write_jpeg(folder: Path, seed: int) -> None:
    """Write one JPEG."""
    painting(seed, (512, 768)).save(folder / f"{seed:06d}.jpg", quality=90)


def write_jpegs(folder: Path, count: int) -> list[str]:
    """Write JPEGs; return their paths."""
    folder.mkdir(parents=True)
    with ProcessPoolExecutor() as processes:
        list(processes.map(partial(write_jpeg, folder), range(count), chunksize=8))
    return sorted(str(path) for path in folder.iterdir())


def drain(db: Database, config: Config, engine: Engine, target: Target) -> tuple[int, float]:
    """Let the engine embed the images of a target anew; return how many, and images a second from claim to save."""
    with db.connection() as conn:
        conn.execute("TRUNCATE image_vector, prompt_vector, job_log")
    number = enqueue(db, config, target, [Kind.EMBED], again=True).queued
    engine.wake()
    done = "SELECT count(*), extract(epoch FROM max(finished_at) - min(started_at))::float8 FROM job_log"
    end = time.monotonic() + 180
    while True:
        with db.connection() as conn:
            row = conn.execute(done.encode()).fetchone()
        if row is not None and row[0] >= number:
            return number, number / float(row[1])
        if time.monotonic() > end:
            raise SystemExit(f"only {row} of {number} were done in three minutes")
        time.sleep(0.05)


def decode_floor(paths: list[str]) -> float:
    """Return images a second of threads that only decode and prepare."""
    from dtk_tui.inference.preprocessing import Picture

    rules = load_manifest().get(EMBEDDER).image
    if rules is None:
        raise SystemExit("the manifest does not say how to prepare an image")
    begun = time.perf_counter()
    for _ in decoded(paths, lambda path: Picture.open(path).pixels(rules)):
        pass
    return len(paths) / (time.perf_counter() - begun)


def measure_engine(folder: Path, models: Path, bare: float) -> None:
    """Print the engine's throughput beside the bare loops, and the memory of the GPU in every state."""
    say(f"memory before the worker: {memory_gb()}")
    home = folder / "home"
    home.mkdir()
    (home / "config.toml").write_text(f'[models]\ntext_embedder = "{TEXTS_BY}"\nimage_embedder = "{EMBEDDER}"\n')
    config = load({"HOME": str(folder), "DTK_HOME": str(home), "DTK_MODELS": str(models)})
    count = IMAGES if not ON_CPU else min(IMAGES, 40)
    kinds = {
        "PNG 1024 x 1024": write_library(folder / "png", count, max(1, count // 30), (1024, 1024)),
        "JPEG 512 x 768": write_jpegs(folder / "jpeg", 2 * count),
    }
    say(f"wrote {sum(map(len, kinds.values())):,} pictures")
    db = Database.open(config)
    engine = Engine(db, config, lambda event: None, initial_state=WorkerState.RUNNING)
    try:
        scan(db, config, [str(folder / "png"), str(folder / "jpeg")])
        with db.connection() as conn:
            numbers = dict(conn.execute("SELECT name, id FROM folder").fetchall())
        say("scanned")
        engine.open()
        until(engine, WorkerState.RUNNING)
        say(f"memory loaded: {memory_gb()}, {engine.provider}")
        drain(db, config, engine, Target(folder_id=numbers["jpeg"]))
        say(f"memory after a first run: {memory_gb()}")
        for (title, paths), name in zip(kinds.items(), ("png", "jpeg"), strict=True):
            floor = decode_floor(paths)
            with GpuWatch() as watch:
                number, speed = drain(db, config, engine, Target(folder_id=numbers[name]))
            say(
                f"  {title:<16} {number:>5} images: engine {speed:8.1f}/s   bare session {bare:8.1f}   bare decoding"
                f" {floor:8.1f}   engine/lower {speed / min(bare, floor):.2f}   {watch}"
            )
        control.pause(db)
        until(engine, WorkerState.PAUSED)
        say(f"memory paused: {memory_gb()}")
        control.stop(db)
        until(engine, WorkerState.STOPPED)
        say(f"memory stopped: {memory_gb()}")
    finally:
        engine.close()
        db.close()
    say(f"memory after the worker: {memory_gb()}")


def main() -> None:
    """Go through all parts; one that fails does not keep the others from being measured."""
    take_any_weights()
    if not gpu_report() and not ON_CPU:
        print("no GPU is here; DTK_BENCH_CPU=1 tries the script")
        return
    watchdog = threading.Timer(60 * MINUTES, time_is_up)
    watchdog.daemon = True
    watchdog.start()
    for finding in doctor.devices(load({"HOME": "/nonexistent"})):
        say(f"{finding.verdict:6}{finding.subject:10}{finding.detail} {finding.advice}".rstrip())
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)
        try:
            families(folder)
        except Exception as error:
            fault(f"families: {error!r}")
        models = folder / "models"
        size = {"layers": 2, "width": 128, "heads": 4, "out": 1280} if ON_CPU else {}
        vision_transformer(models / EMBEDDER / "vision_model.onnx", **size)
        text_model(add_entry(models, "bge-large-en-v1.5", TEXTS_BY) / "model.onnx", 1024)
        say("wrote the models")
        try:
            with owned_server(folder / "home"):
                measure_engine(folder, models, bare_loops(models))
        except (DtkError, SystemExit) as error:
            fault(f"engine: {error}")
    say(f"{len(faults)} faults" if faults else "all parts done, no fault")
    if faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

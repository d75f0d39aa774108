"""One decoding a picture: this commit beside the one before it, and beside threads that only decode and scale.

DTK_BENCH_IMAGES PNGs (default 500) of 1024 px are embedded and tagged by models that do next to nothing, with four
taggers and with one, DTK_BENCH_RUNS times in turn (default 3), by the committed program and by that of DTK_BENCH_OLD
(default: the commit before pictures were shared). Both have a library of their own on a server of their own.

    python benchmarks/bench_together.py starter

does the same with 300 pictures and the starter models that are in the models folder: one pass of all of them beside the
commit before and beside one pass a model, and what of its processor time goes where.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from workload import MODELS, REPOSITORY, spread, write_library

from tests.helpers.tiny_onnx import save_onnx

IS_STARTER = sys.argv[1:2] == ["starter"]
IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "300" if IS_STARTER else "500"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "3"))
THREADS = os.cpu_count() or 1
TAGGERS = ("joytag", "wd-vit-tagger-v3", "wd-swinv2-tagger-v3", "wd-eva02-large-tagger-v3")
EMBEDDER = "dinov2-small"
#: What both commits know, and what joins it where it was pulled.
STARTER_TAGGERS = ("open-nsfw",)
MORE_EMBEDDERS, MORE_TAGGERS = ("efficientnet-lite0-words",), ("efficientnet-lite0",)
_MEASURED = 64
_TAGS, _HELD = 20, 4
_SPAN = """
SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8
  FROM job_log WHERE started_at > to_timestamp(%s)
"""
_SHARED = "dtk_tui/inference/pixels/__init__.py"


def idle_graph(path: Path, shape: Sequence[int | str], scores: np.ndarray) -> None:
    """Write a model that looks at the first value of a picture alone, and gives the same answer whatever it is."""
    from onnx import TensorProto, helper, numpy_helper

    numbers: dict[str, np.ndarray] = {
        "starts": np.zeros(3, np.int64),
        "ends": np.ones(3, np.int64),
        "axes": np.array([1, 2, 3], np.int64),
        "shape": np.array([-1, 1], np.int64),
        "weights": np.zeros((1, len(scores)), np.float32),
        "bias": scores.astype(np.float32),
    }
    nodes = [
        helper.make_node("Slice", ["pixels", "starts", "ends", "axes"], ["one"]),
        helper.make_node("Reshape", ["one", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["found"]),
    ]
    ends = [
        helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape),
        helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", len(scores)]),
    ]
    constants = [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    save_onnx(path, nodes, ends[:1], ends[1:], constants)


def write_models(folder: Path) -> None:
    """Fill a models folder with idle models under the names of real ones."""
    folder.mkdir()
    (folder / "minilm-l6-v2").symlink_to(MODELS / "minilm-l6-v2")
    for name in ("backbone.onnx", "vit_s_focus.onnx"):
        idle_graph(folder / EMBEDDER / name, ["n", 3, 224, 224], np.eye(1, 384)[0])
    holds = np.arange(_TAGS) < _HELD
    idle_graph(folder / TAGGERS[0] / "model.onnx", ["n", 3, 448, 448], np.where(holds, 3.0, -9.0))
    (folder / TAGGERS[0] / "top_tags.txt").write_text("\n".join(f"tag_{n}" for n in range(_TAGS)))
    rows = ["tag_id,name,category,count", *(f"{n},tag_{n},0,{100 - n}" for n in range(_TAGS))]
    for name in TAGGERS[1:]:
        idle_graph(folder / name / "model.onnx", ["n", 448, 448, 3], np.where(holds, 0.9, 0.0))
        (folder / name / "selected_tags.csv").write_text("\n".join(rows))


def export(commit: str, folder: Path) -> None:
    """Write the files of a commit, with a manifest that asks for no checksums: idle models have others."""
    archive = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    manifest = folder / "models" / "manifest.toml"
    text = re.sub(r", (size = \d+|sha256 = \"\w+\")", "", manifest.read_text(encoding="utf-8"))
    manifest.write_text(text, encoding="utf-8")


class Program:
    """A commit of the program with a library."""

    def __init__(self, commit: str, folder: Path, models: Path) -> None:
        self.code = folder / "code"
        export(commit, self.code)
        self.home = folder / "home"
        self.home.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DTK_")}
        self.environ = kept | {"DTK_HOME": str(self.home), "DTK_MODELS": str(models), "PYTHONPATH": str(self.code)}

    def run(self, *arguments: str) -> str:
        """Run a command to its end and return what it printed."""
        command = [sys.executable, "-m", "dtk_tui", *arguments]
        done = subprocess.run(
            command, cwd=self.code, env=self.environ, capture_output=True, text=True, check=False, errors="replace"
        )
        if done.returncode:
            raise SystemExit(f"dtk {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def choose(self, taggers: Sequence[str], embedders: Sequence[str] = (EMBEDDER,)) -> None:
        """Write the config; one embedder by the key that the commit before knows."""
        named = f'image_embedder = "{embedders[0]}"' if len(embedders) == 1 else f"image_embedders = {list(embedders)}"
        text = f"[models]\n{named}\ntaggers = {list(taggers)}\n"
        (self.home / "config.toml").write_text(text)

    def drain(self, kinds: str = "tag,embed") -> float:
        """Queue everything once more and work on it; return the seconds from the first claim to the last save."""
        self.run("queue", "add", "--all", "--kind", kinds, "--again")
        begun = time.time()
        done = json.loads(self.run("worker", "run", "--until-empty", "--json"))
        if done["processed"] != len(kinds.split(",")) * IMAGES or done["failed"]:
            raise SystemExit(f"the worker did {done}")
        return self._span(begun)

    def _span(self, begun: float) -> float:
        import psycopg

        from dtk_tui.config import load
        from dtk_tui.store.server.embedded import EmbeddedServer

        server = EmbeddedServer(load(self.environ).paths.database)
        try:
            with psycopg.connect(server.join()) as conn:
                row = conn.execute(_SPAN, (begun,)).fetchone()
        finally:
            server.leave()
        return float(row[0]) if row else 0.0


def floor(paths: Sequence[str], models: Sequence[str]) -> float:
    """Decode and scale on as many threads as a worker has, and do nothing with it; return the seconds."""
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.preprocessing import Picture

    specs = [load_manifest().get(name).image for name in models]
    todo = iter(paths)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                path = next(todo, None)
            if path is None:
                return
            picture = Picture.open(path)
            for spec in specs:
                if spec is not None:
                    picture.pixels(spec)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def parts(paths: Sequence[str], models: Sequence[str]) -> dict[str, float]:
    """Return the processor milliseconds a picture of decoding, and of scaling and of inferring for each model."""
    from dtk_tui.inference.devices.provider import FIRST_DEVICE
    from dtk_tui.inference.image_model import ImageModel
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.open_model import open_model
    from dtk_tui.inference.preprocessing import Picture

    found: dict[str, float] = {}
    begun = time.process_time()

    def took(what: str, count: int = len(paths)) -> None:
        nonlocal begun
        now = time.process_time()
        found[what] = 1000 * (now - begun) / count
        begun = time.process_time()

    pictures = [Picture.open(path) for path in paths]
    took("decode")
    for name in models:
        model = open_model(load_manifest(MODELS).get(name), MODELS, THREADS, FIRST_DEVICE)
        model.synthetic_run(4)
        begun = time.process_time()
        if isinstance(model, ImageModel):
            batch = np.stack([picture.pixels(model.image) for picture in pictures])
            took(f"scale for {name}")
            for first in range(0, len(batch), model.batch_size):
                model.infer(batch[first : first + model.batch_size])
            took(name)
        else:
            model.synthetic_run(64)
            took(f"{name}, a prompt", 64)
        model.close()
    return found


def measure_floor(program: Program, paths: Sequence[str], models: Sequence[str]) -> float:
    """Run the floor in a fresh process, with the decoder of a commit."""
    return float(_in_process(program, "floor", paths, models))


def _in_process(program: Program, what: str, paths: Sequence[str], models: Sequence[str]) -> str:
    command = [sys.executable, __file__, what, *models]
    done = subprocess.run(
        command, env=program.environ, input=json.dumps(paths), capture_output=True, text=True, check=True
    )
    return done.stdout


def commit_before() -> str | None:
    """Return the commit before the one that brought what pictures share; None where that is not known."""
    chosen = os.environ.get("DTK_BENCH_OLD")
    if chosen:
        return chosen
    command = ["git", "log", "--diff-filter=A", "--format=%H", "--", _SHARED]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.split()
    return f"{found[-1]}^" if found else None


def report(title: str, old: Sequence[float], new: Sequence[float], bare: Sequence[float]) -> None:
    """Print one table: images a second, and the ratios run by run."""
    print(f"\n{title}: {IMAGES} PNGs of 1024 px, {THREADS} decode threads, {RUNS} runs     min   median      max")
    for name, of in (("before", old), ("now", new), ("only decoded and scaled", bare)):
        if of:
            print(f"  {name:<30} images/s {spread([IMAGES / one for one in of])}")
    if old:
        print(f"  {'now / before':<39} {spread([b / a for a, b in zip(new, old, strict=True)])}")
    print(f"  {'now / only decoded and scaled':<39} {spread([b / a for a, b in zip(new, bare, strict=True)])}")


def together(programs: Mapping[str, Program], paths: Sequence[str]) -> None:
    """Measure with models that do nothing: four taggers, and one."""
    for taggers in (TAGGERS, TAGGERS[:1]):
        took: dict[str, list[float]] = {"old": [], "new": [], "bare": []}
        for program in programs.values():
            program.choose(taggers)
        for _ in range(RUNS):
            for name, program in programs.items():
                took[name].append(program.drain())
            took["bare"].append(measure_floor(programs["new"], paths, [EMBEDDER, *taggers]))
        counted = "one tagger" if len(taggers) == 1 else f"{len(taggers)} taggers"
        report(f"embed and {counted}", took["old"], took["new"], took["bare"])


def starter(programs: Mapping[str, Program], paths: Sequence[str]) -> None:
    """Measure with the starter models: beside the commit before, beside a pass a model, and where the time goes."""
    took: dict[str, list[float]] = {"old": [], "new": [], "bare": []}
    for program in programs.values():
        program.choose(STARTER_TAGGERS)
    for _ in range(RUNS):
        for name, program in programs.items():
            took[name].append(program.drain())
        took["bare"].append(measure_floor(programs["new"], paths, [EMBEDDER, *STARTER_TAGGERS]))
    report(f"{EMBEDDER} and {STARTER_TAGGERS[0]}", took["old"], took["new"], took["bare"])
    embedders = [EMBEDDER, *(name for name in MORE_EMBEDDERS if (MODELS / name).is_dir())]
    taggers = [*STARTER_TAGGERS, *(name for name in MORE_TAGGERS if (MODELS / name).is_dir())]
    program, whole, single = programs["new"], [], []
    for _ in range(RUNS):
        program.choose(taggers, embedders)
        whole.append(program.drain())
        single.append(0.0)
        for name in embedders:
            program.choose(taggers, [name])
            single[-1] += program.drain("embed")
        for name in taggers:
            program.choose([name], embedders)
            single[-1] += program.drain("tag")
    models = ", ".join([*embedders, *taggers])
    print(f"\nthe text embedder, {models}, {RUNS} runs         min   median      max")
    print(f"  {'one pass':<28} seconds  {spread(whole)}")
    print(f"  {'a pass a model':<28} seconds  {spread(single)}")
    print(f"  {'a pass a model / one pass':<37} {spread([b / a for a, b in zip(whole, single, strict=True)])}")
    told = _in_process(program, "parts", paths[:_MEASURED], [*embedders, *taggers, "minilm-l6-v2"])
    available = 1000 * THREADS * min(whole) / IMAGES
    print(f"\nof {available:.0f} processor ms a picture in one pass; each alone, on {min(_MEASURED, IMAGES)} pictures:")
    for what, ms in json.loads(told).items():
        print(f"  {what:<40} {ms:8.1f} ms {ms / available:6.0%}")


def main() -> None:
    """Make both libraries, measure in turn, print the tables."""
    before = commit_before()
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as temporary, ExitStack() as ends:
        folder = Path(temporary)
        paths = write_library(folder / "library", IMAGES, max(1, IMAGES // 30), (1024, 1024))
        print(
            f"{IMAGES} pictures of {sum(Path(path).stat().st_size for path in paths) / IMAGES / 1e6:.2f} MB on average"
        )
        models = MODELS
        if not IS_STARTER:
            models = folder / "models"
            write_models(models)
        commits = [("HEAD", "new"), *([(before, "old")] if before else [])]
        programs = {name: Program(commit, folder / name, models) for commit, name in commits}
        for program in programs.values():
            program.choose(STARTER_TAGGERS if IS_STARTER else TAGGERS)
            program.run("db", "start")
            ends.callback(program.run, "db", "stop")
            program.run("scan", str(folder / "library"))
        (starter if IS_STARTER else together)(programs, paths)


if __name__ == "__main__":
    if sys.argv[1:2] == ["floor"]:
        print(floor(json.load(sys.stdin), sys.argv[2:]))
    elif sys.argv[1:2] == ["parts"]:
        print(json.dumps(parts(json.load(sys.stdin), sys.argv[2:])))
    else:
        main()

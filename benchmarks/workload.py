"""What the benchmarks of the worker share: a library of pictures as costly to decode as real ones, and a home."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dtk_tui.store.database import Database

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))  # for the parts that benchmarks share with tests

from tests.helpers.owned_server import owned_server as owned_server  # noqa: E402 (the line above makes it importable)

MODELS = Path(os.environ.get("DTK_MODELS") or REPOSITORY / "models")


def painting(seed: int, size: tuple[int, int] = (512, 768)) -> Image.Image:
    """Return smooth shapes with a film grain: about 1.5 bytes a pixel as PNG, like a generated picture."""
    rng = np.random.default_rng(seed)
    width, height = size
    coarse = Image.fromarray(rng.integers(0, 256, (12, 8, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.integers(96, 160, (height // 8, width // 8, 3), dtype=np.uint8))
    detail = np.asarray(fine.resize(size, Image.Resampling.BILINEAR), np.float32) - 128
    grain = rng.normal(0, 2.0, (height, width, 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(coarse, np.float32) + detail + grain, 0, 255).astype(np.uint8))


def write(folder: Path, prompts: int, size: tuple[int, int], seed: int) -> None:
    """Write one picture with generation parameters as AUTOMATIC1111 writes them."""
    info = PngInfo()
    info.add_text(
        "parameters",
        f"a lighthouse of kind {seed % prompts} on a cliff above a stormy sea, dramatic light, highly detailed, 35mm\n"
        f"Negative prompt: blurry, low quality\nSteps: 28, Sampler: Euler a, CFG scale: 7, Seed: {seed},"
        f" Size: {size[0]}x{size[1]}, Model hash: 0123456789, Model: bench",
    )
    painting(seed, size).save(folder / f"{seed:06d}.png", pnginfo=info)


def write_library(folder: Path, count: int, prompts: int, size: tuple[int, int] = (512, 768)) -> list[str]:
    """Write ``count`` pictures that share ``prompts`` prompts; return their paths."""
    folder.mkdir(parents=True)
    with ProcessPoolExecutor() as processes:
        list(processes.map(partial(write, folder, prompts, size), range(count), chunksize=8))
    return sorted(str(path) for path in folder.iterdir())


class Home:
    """A library of its own for the installed ``dtk``."""

    def __init__(self, folder: Path, models: Path = MODELS) -> None:
        self.folder = folder
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("DTK_")}
        self.environ |= {"DTK_HOME": str(folder), "DTK_MODELS": str(models)}
        self._program = str(Path(sys.executable).parent / "dtk")

    def dtk(self, *arguments: str, models: Path | None = None) -> str:
        """Run a command to its end and return what it printed."""
        environ = self.environ | ({"DTK_MODELS": str(models)} if models else {})
        done = subprocess.run([self._program, *arguments], env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"dtk {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    @contextmanager
    def server(self) -> Iterator[None]:
        """Keep the embedded server running meanwhile; it is stopped, too, when this process is killed."""
        self.dtk("db", "start")
        with owned_server(self.folder):
            yield


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextmanager
def home() -> Iterator[Home]:
    """Give a fresh home whose server runs; it is removed, too, when this process is asked to end."""
    signal.signal(signal.SIGTERM, _leave)
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as folder:
        place = Home(Path(folder) / "home")
        place.folder.mkdir()
        with place.server():
            yield place


def jobs_left(db: Database) -> int:
    """Return how many jobs have not ended."""
    with db.connection() as conn:
        row = conn.execute("SELECT count(*) FROM job").fetchone()
    return int(row[0]) if row else 0


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something holds, however long that takes."""
    while not condition():
        time.sleep(0.1)


def processor_s(pids: Iterable[int]) -> float:
    """Return how long some processes, and all that come or came of them, have been computing."""
    parents, computed = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            fields = stat.read_text().rpartition(")")[2].split()
            pid = int(stat.parent.name)
            parents[pid] = int(fields[1])
            computed[pid] = sum(map(int, fields[11:15]))  # its own, and those that it has waited for
    family = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(computed.get(pid, 0) for pid in family) / os.sysconf("SC_CLK_TCK")


def postmaster(home: Path) -> int:
    """Return the process of the embedded server of a home; all others of it are its children."""
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def spread(values: Sequence[float]) -> str:
    """Return min, median and max of some measurements."""
    ordered = sorted(values)
    return f"{ordered[0]:8.3f} {ordered[len(ordered) // 2]:8.3f} {ordered[-1]:8.3f}"

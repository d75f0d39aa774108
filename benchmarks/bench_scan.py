"""Scanning a tree of small PNGs against merely walking it and merely reading the headers of its files.

DTK_BENCH_FILES (200,000) and DTK_BENCH_FOLDERS (10,200) give the size of the tree. "Warm": the files are in the page
cache, as after a copy; "cold": their content was dropped from it before (posix_fadvise), as when a library is read for
the first time. The floors are Python as well: os.scandir with stat; and in one process a core, open, read 64 KiB, close
("bytes"), and Pillow's look at size and texts ("headers").
"""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from PIL import Image
from workload import owned_server

from dtk_tui.config import Config, load
from dtk_tui.domain.events import Event, ScanProgressed
from dtk_tui.services.scan.scanner import Scan
from dtk_tui.store.database import Database

FILES = int(os.environ.get("DTK_BENCH_FILES", "200000"))
FOLDERS = int(os.environ.get("DTK_BENCH_FOLDERS", str(max(FILES * 10_200 // 200_000, 3))))
CORES = os.cpu_count() or 1
QUICK_RUNS = 3
INFOTEXT = (
    "a castle of kind {kind}, oil painting, highly detailed, sharp focus, dramatic light, (masterpiece:1.2)\n"
    "Negative prompt: blurry, lowres, bad anatomy\nSteps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, "
    "Seed: {number}, Size: 832x1216, Model hash: 45a21ea00a, Model: someModel_v160, Version: v1.10.1"
)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0))
TAIL = chunk(b"IDAT", zlib.compress((b"\0" + bytes(96)) * 32)) + chunk(b"IEND", b"")


def write_some(job: tuple[list[str], int, int]) -> None:
    """Write the files of some folders; their times lie within three years, in no order."""
    folders, first, step = job
    chance = random.Random(first)
    for folder in folders:
        Path(folder).mkdir(parents=True, exist_ok=True)
    for number in range(first, FILES, step):
        text = INFOTEXT.format(kind=number % (FILES // 30 + 1), number=number)
        path = f"{folders[number // step % len(folders)]}/{number:06d}-{number * 7919 % 1_000_003}.png"
        with open(path, "wb") as file:
            file.write(HEAD + chunk(b"tEXt", b"parameters\0" + text.encode()) + TAIL)
        written = 1.6e9 + chance.random() * 1e8
        os.utime(path, (written, written))


def generate(root: str) -> None:
    """Write the tree: folders of two levels, all with files."""
    top = max(int(FOLDERS**0.5), 1)
    folders = [f"{root}/{i:04d}" if i < top else f"{root}/{i % top:04d}/{i // top:04d}" for i in range(FOLDERS)]
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(write_some, [(folders[i::CORES], i, CORES) for i in range(CORES)]))
    os.sync()  # what is not on the disk yet cannot be dropped from the cache


def bare_walk(root: str) -> list[str]:
    """Walk with scandir and stat, nothing more."""
    stack, paths = [root], []
    while stack:
        with os.scandir(stack.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    stack.append(entry.path)
                else:
                    entry.stat()
                    paths.append(entry.path)
    return paths


def read_headers(paths: list[str]) -> None:
    """Let Pillow read the headers."""
    for path in paths:
        with Image.open(path) as image:
            assert image.info


def read_bytes(paths: list[str]) -> None:
    """Open, read 64 KiB, close."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.pread(fd, 65536, 0)
        os.close(fd)


def drop(paths: list[str]) -> None:
    """Drop the content of files from the page cache."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Memory(threading.Thread):
    """Samples the resident memory of this process with its readers; ``peak`` in MiB, by phase."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak: dict[str, float] = {}
        self.phase = "start"
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Sample ten times a second."""
        while not self._stop_asked.wait(0.1):
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            pages = sum(resident(pid) for pid in ["self", *children])
            size = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            self.peak[self.phase] = max(self.peak.get(self.phase, 0.0), size)

    def end(self) -> None:
        """Stop sampling."""
        self._stop_asked.set()
        self.join()


def resident(pid: str) -> int:
    """Return the resident pages of a process that is no database server; 0 when it is gone."""
    try:
        if b"postgres" in Path(f"/proc/{pid}/comm").read_bytes():
            return 0
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0


def quick_scans(root: str, folder: str, bench: Floors) -> list[tuple[str, tuple[float, float]]]:
    """Return the quick phase and a second scan, each with its floor, in some fresh libraries, the slowest first."""
    found: dict[str, list[tuple[float, float]]] = {"quick": [], "second": []}
    for number in range(QUICK_RUNS):
        config = load({**os.environ, "DTK_HOME": f"{folder}/quick-{number}", "DTK_DATABASE_URL": ""})
        with owned_server(f"{folder}/quick-{number}"):
            database = Database.open(config)
            try:
                for name in found:
                    os.sync()  # what others left to be written would be waited for
                    floor_s = bench.walk()
                    scan = Scan(database, config)
                    found[name].append((timed(lambda scan=scan: scan.quick(root)), floor_s))  # type: ignore[misc]
            finally:
                database.close()
    return [(name, one) for name, ones in found.items() for one in sorted(ones, key=lambda one: one[1] / one[0])]


def scans(root: str, config: Config, memory: Memory, bench: Floors, cold: bool) -> dict[str, tuple[float, float]]:
    """Return (seconds, seconds of the floor just before) of the deep phase and of a second scan, in a fresh library."""
    result: dict[str, tuple[float, float]] = {}

    def note(event: Event) -> None:
        if isinstance(event, ScanProgressed) and event.phase == "deep" and event.total:
            memory.phase = f"deep {4 * event.done // (event.total + 1) + 1}/4"

    database = Database.open(config)
    try:
        scan = Scan(database, config, note)
        ids: list[int] = []
        memory.phase = "quick"
        ids.extend(scan.quick(root))
        for name, work in (("bytes", read_bytes), ("headers", read_headers)):
            result[name] = (0.0, bench.headers(work, cold))
        if cold:
            drop(bench.paths)
        deep_s = timed(lambda: scan.deep(ids))
        for name in ("bytes", "headers"):
            result[name] = (deep_s, result[name][1])
        memory.phase = "second"
        Scan(database, config).run([root])
        floor_s = bench.walk()
        result["again"] = (timed(lambda: Scan(database, config).run([root])), floor_s)
        with database.connection() as conn:
            row = conn.execute("SELECT count(*), count(prompt_id) FROM image WHERE scan_phase = 1").fetchone()
        if row != (len(bench.paths), len(bench.paths)):
            raise SystemExit(f"{row} of {len(bench.paths)} files were read")
    finally:
        database.close()
    return result


class Floors:
    """The bare work, measured just before what it is compared with: other work on the machine comes and goes."""

    def __init__(self, root: str, pool: Executor) -> None:
        self.paths = bare_walk(root)
        self._root = root
        self._pool = pool
        self._parts = [self.paths[start : start + 500] for start in range(0, len(self.paths), 500)]

    def walk(self) -> float:
        """Return the seconds of a bare walk, the better of two."""
        return min(timed(lambda: bare_walk(self._root)) for _ in range(2))

    def headers(self, work: Callable[[list[str]], None], cold: bool) -> float:
        """Return the seconds of reading all headers in one process a core; warm, the better of two."""
        if cold:
            drop(self.paths)
            return timed(lambda: list(self._pool.map(work, self._parts)))
        return min(timed(lambda: list(self._pool.map(work, self._parts))) for _ in range(2))


def lines(names: tuple[str, str], measured: tuple[float, float], of: str) -> None:
    """Print a floor and what is compared with it."""
    seconds, floor_s = measured
    for name, value in zip(names, (floor_s, seconds), strict=True):
        ratio = "" if value == floor_s else f"{floor_s / seconds:>9.2f}  of {of}"
        print(f"{name:<34}{value:>9.2f}{FILES / value:>12,.0f}{ratio}")


def main() -> int:
    """Print one table: seconds, files a second, and the ratio of each to the floor measured just before it."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("DTK_BENCH_DIR")) as folder:
        root = f"{folder}/library"
        generate(root)
        memory = Memory()
        memory.start()
        measured = {}
        with ProcessPoolExecutor(CORES) as pool:
            floors = Floors(root, pool)
            for cold in (False, True):
                config = load({**os.environ, "DTK_HOME": f"{folder}/home-{cold}", "DTK_DATABASE_URL": ""})
                with owned_server(f"{folder}/home-{cold}"):
                    measured[cold] = scans(root, config, memory, floors, cold)
            memory.end()
            quick = quick_scans(root, folder, floors)
        print(f"{FILES:,} files in {FOLDERS:,} folders, {CORES} cores")
        print(f"{'':<34}{'seconds':>9}{'files/s':>12}{'ratio':>9}")
        for name, one in quick:
            words = "quick scan" if name == "quick" else "listing again, nothing to do"
            lines(("bare walk (scandir + stat)", words), one, "the bare walk")
        lines(("bare walk", "second scan, nothing to do"), measured[False]["again"], "the bare walk")
        for cold, word in ((False, "warm"), (True, "cold")):
            for name in ("bytes", "headers"):
                lines((f"{name} alone, {word}", f"deep scan, {word}"), measured[cold][name], f"the {name}")
        peaks = ", ".join(f"{phase} {size:.0f}" for phase, size in sorted(memory.peak.items()))
        print(f"peak memory of the scan and its readers, MiB: {peaks}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

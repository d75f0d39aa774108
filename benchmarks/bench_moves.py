"""Scanning files that moved against scanning as many new ones, in one library.

DTK_BENCH_FILES (20,000 and 200,000) are the numbers of files, with commas. New: a fresh library reads a tree for the
first time. Moved: each file has gone into another folder, under its name. Folders: all folders were renamed. Gone: none
is there; back: all are where they were. Processor time is that of the scan, its processes and the server.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from workload import owned_server, postmaster, processor_s

from dtk_tui.config import load
from dtk_tui.services.scan.scanner import Scan
from dtk_tui.store.database import Database
from tests.helpers import small_pngs

AMOUNTS = [int(text) for text in os.environ.get("DTK_BENCH_FILES", "20000,200000").split(",")]
_PER_FOLDER = 100


def main() -> int:
    """Print one table: seconds, and the ratio of each to as many new files."""
    print(f"{'files':>9} {'':<10} {'seconds':>9} {'of new':>7} {'processor':>10} {'of new':>7}")
    for amount in AMOUNTS:
        with tempfile.TemporaryDirectory(dir=os.environ.get("DTK_BENCH_DIR")) as folder, owned_server(f"{folder}/home"):
            found = measure(Path(folder), amount)
            new_s, new_used_s = found[0][1:]
            for name, seconds, used_s in found:
                print(
                    f"{amount:>9,} {name:<10} {seconds:>9.2f} {seconds / new_s:>7.2f} {used_s:>10.2f}"
                    f" {used_s / new_used_s:>7.2f}", flush=True,
                )  # fmt: skip
    return 0


def measure(folder: Path, amount: int) -> list[tuple[str, float, float]]:
    """Return (name, seconds, seconds of processor time) of each scan; the first is that of new files."""
    root, away = folder / "library", folder / "away"
    places = [root / f"{number // _PER_FOLDER:05d}" for number in range(0, amount, _PER_FOLDER)]
    for number, place in enumerate(places):
        small_pngs.write(place, range(number * _PER_FOLDER, min((number + 1) * _PER_FOLDER, amount)))
    os.sync()
    config = load({**os.environ, "DTK_HOME": f"{folder}/home", "DTK_DATABASE_URL": ""})
    database = Database.open(config)
    pids = (os.getpid(), postmaster(folder / "home"))
    found: list[tuple[str, float, float]] = []

    def scan(name: str, key: str, wanted: int) -> None:
        began, used = time.perf_counter(), processor_s(pids)
        counts = Scan(database, config).run([str(root)])
        found.append((name, time.perf_counter() - began, processor_s(pids) - used))
        if counts[key] != wanted:
            raise SystemExit(f"{name}: {counts}")

    try:
        scan("new", "added", amount)
        move_files(places)
        scan("moved", "moved", amount)
        root.rename(away)
        root.mkdir()
        for place in away.iterdir():
            place.rename(root / f"renamed {place.name}")
        scan("folders", "moved", amount)
        (root / "x").mkdir()
        root.rename(away / "kept")
        root.mkdir()
        scan("gone", "gone", amount)
        root.rmdir()
        (away / "kept").rename(root)
        scan("back", "unchanged", amount)
    finally:
        database.close()
    return found


def move_files(places: list[Path]) -> None:
    """Move each file into the folder behind its own."""
    lists = [sorted(place.iterdir()) for place in places]
    for files, target in zip(lists, [*places[1:], places[0]], strict=True):
        for file in files:
            file.rename(target / file.name)


if __name__ == "__main__":
    sys.exit(main())

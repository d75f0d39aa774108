"""The app over a slow link: bytes for a cursor move, a page and a preview, and seconds until a key shows.

The link carries DTK_BENCH_RATE bytes a second (default 125000: 1 Mbit/s) and takes DTK_BENCH_TRIP seconds there and
back (default 0.15); the program waits when it is full. A library of 120 pictures of 768x1152; previews in half blocks
of true colours, Sixel and Kitty's protocol. DTK_BENCH_ONLY=previews leaves out all that is not a preview.

DTK_BENCH_PEERS names the folders with the programs posting and harlequin in them, as PATH does (the bin of a virtual
environment each): then a cursor move in their trees, of 60 requests and of 60 tables, is measured beside. posting
2.11.1 needs tree-sitter<0.26 there: with 0.26.1 its text area (Textual 6.1.0) ends it by a segmentation fault, without
a word.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from link import KEYS, TERMINALS, Answer, Link
from workload import home, write_library

RATE = float(os.environ.get("DTK_BENCH_RATE", "125000"))
TRIP_S = float(os.environ.get("DTK_BENCH_TRIP", "0.15"))
PEERS = os.environ.get("DTK_BENCH_PEERS")
IMAGES, TIMES = 120, 12
DTK = str(Path(sys.executable).parent / "dtk")


def line(name: str, found: Sequence[Answer]) -> str:
    """Return one line of the table: medians."""
    sent = statistics.median(one.sent for one in found)
    shown = statistics.median(one.shown_s for one in found)
    worst = max(one.shown_s for one in found)
    return f"{name:48}{sent:10,.0f}{shown:10.2f}{worst:10.2f}{statistics.median(one.done_s for one in found):10.2f}"


def measure(program: Link, name: str, key: bytes) -> str:
    """Press a key several times and return its line."""
    program.press(key)
    return line(name, [program.press(key) for _ in range(TIMES)])


def opened(environ: dict[str, str], size: tuple[int, int], pictures: str) -> Link:
    """Open the app and wait until it rests."""
    app = Link([DTK], environ, size, RATE, TRIP_S, pictures)
    app.shows(b".png")
    app.press(b"", 2.0)
    return app


def previews(environ: dict[str, str], size: tuple[int, int], pictures: str) -> str:
    """Return the line of previews by the side of the list."""
    app = opened(environ, size, pictures)
    try:
        name = f"dtk {size[0]}x{size[1]}, cursor move with preview, {pictures}"
        return line(name, [app.press(KEYS["down"], 1.0) for _ in range(TIMES)])
    finally:
        app.end()


def dtk(environ: dict[str, str], size: tuple[int, int]) -> list[str]:
    """Return the lines of the app in one size of the terminal."""
    place = f"{size[0]}x{size[1]}"
    app = opened(environ, size, "halfblock")
    try:
        lines = []
        if size[0] > 120:
            lines.append(line(f"dtk {place}, help over a preview", [app.press(b"?"), app.press(b"\x1b")][:1]))
            app.press(b"p")
        lines.append(measure(app, f"dtk {place}, cursor move", KEYS["down"]))
        pages = [app.press(KEYS[key]) for _ in range(TIMES // 2) for key in ("pagedown", "pageup")]
        lines.append(line(f"dtk {place}, a page", pages))
        lines.append(line(f"dtk {place}, help", [app.press(b"?"), app.press(b"\x1b")][:1]))
        return lines
    finally:
        app.end()


def program_of(name: str) -> str:
    """Return the path of a peer."""
    found = shutil.which(name, path=PEERS)
    if found is None:
        raise LookupError(name)
    return found


def posting(folder: Path, size: tuple[int, int]) -> Link:
    """Open posting on sixty requests, the tree of which has the focus."""
    requests = folder / "requests"
    requests.mkdir(parents=True)
    for number in range(60):
        (requests / f"{number:03d}.posting.yaml").write_text(
            f"name: request {number}\nurl: http://127.0.0.1/{number}\n"
        )
    config = folder / "config" / "posting"
    config.mkdir(parents=True)
    (config / "config.yaml").write_text("focus:\n  on_startup: collection\n")
    environ = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}
    program = Link([program_of("posting"), "--collection", str(requests)], environ, size, RATE, TRIP_S)
    program.shows(b"request 1")
    return program


def harlequin(folder: Path, size: tuple[int, int]) -> Link:
    """Open harlequin on sixty tables, the tree of which has the focus."""
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "tables.db") as database:
        for number in range(60):
            database.execute(f"CREATE TABLE table_{number:02d} (id integer)")
    environ = {**os.environ, "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    command = [program_of("harlequin"), "--adapter", "sqlite", str(folder / "tables.db")]
    program = Link(command, environ, size, RATE, TRIP_S)
    program.shows(b"main")
    program.press(KEYS["f6"], 2.0)
    program.press(b"\r", 2.0)
    program.press(KEYS["down"], 1.0)
    return program


def peer(name: str, opened: Callable[[Path, tuple[int, int]], Link], folder: Path, size: tuple[int, int]) -> str:
    """Return the line of another program, or that it is not there."""
    try:
        program = opened(folder / f"{name}-{size[0]}", size)
    except LookupError:
        return f"{name} is not installed in DTK_BENCH_PEERS"
    try:
        program.press(b"", 5.0)
        return measure(program, f"{name} {size[0]}x{size[1]}, cursor move", KEYS["down"])
    finally:
        program.end()


def main() -> None:
    """Print the table."""
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    print(f"{RATE:,.0f} bytes/s, {TRIP_S:.2f} s there and back; {load}")
    print(f"{'medians':48}{'bytes':>10}{'shown, s':>10}{'worst':>10}{'all, s':>10}")
    with home() as place, TemporaryDirectory(prefix="dtk-bench-") as temporary:
        pictures = Path(temporary) / "outputs"
        write_library(pictures, IMAGES, 20, (768, 1152))
        place.dtk("scan", str(pictures))
        for protocol in TERMINALS:
            print(previews(place.environ, (200, 50), protocol), flush=True)
        if os.environ.get("DTK_BENCH_ONLY") == "previews":
            return
        for size in ((80, 24), (200, 50)):
            for told in dtk(place.environ, size):
                print(told, flush=True)
            if PEERS:
                for name, opened in (("posting", posting), ("harlequin", harlequin)):
                    print(peer(name, opened, Path(temporary), size), flush=True)


if __name__ == "__main__":
    main()

"""The app on a million images in a real terminal while a worker writes: opening, lag of its event loop, memory, jumps.

The installed ``dtk`` runs in tmux at 200x50 on the library of ``large_library``, DTK_BENCH_IMAGES
(default 200,000) images; ``app_writer`` writes 200 rows a second.
Lag is how late a task of 10 ms is woken on the app's own loop (``app_with_ticks``); a tick that is late
stands for those that would have been due meanwhile, so a long stall counts for as long as it was.
DTK_BENCH_STACKS names a file to which goes what the loop was at then.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import monotonic

import numpy as np
import numpy.typing as npt
from app_with_ticks import TICK_S
from caption_library import VOCABULARY
from large_library import configured, library
from workload import Home

from dtk_tui.store.database import Database

Numbers = npt.NDArray[np.float64]
IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "200000"))
SOME = IMAGES // 100
COLUMNS, ROWS, RATE = 200, 50, 200
HERE = Path(__file__).resolve().parent
_ALL = r"All images +[\d,]+ +newest"
_NAMES = re.compile(r"\u2595.{1,3}?((?:\d{7}|new-\d+-\d+)\.png)")
_CLOCK = os.sysconf("SC_CLK_TCK")
_terminals = count()


class Terminal:
    """A program in a terminal of tmux, to which keys go and whose screen is read by one control client."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._socket = f"dtk-bench-{os.getpid()}-{next(_terminals)}"
        start = ["new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-s", "app", f"exec {shlex.join(command)}"]
        subprocess.run(["tmux", "-L", self._socket, "-f", os.devnull, *start], env=environ, check=True)
        control = ["tmux", "-L", self._socket, "-C", "attach", "-t", "app", "-f", "no-output,ignore-size"]
        self._client = subprocess.Popen(control, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        self.pid = int(self._ask("display-message -p '#{pane_pid}'")[0])

    def _ask(self, command: str) -> list[str]:
        assert self._client.stdin and self._client.stdout
        self._client.stdin.write(command + "\n")
        self._client.stdin.flush()
        lines: list[str] = []
        for line in self._client.stdout:
            words = line.split()
            if words[:1] == ["%begin"]:
                lines = []
            elif words[:1] in (["%end"], ["%error"]) and words[-1] == "1":
                return lines
            else:
                lines.append(line.rstrip("\n"))
        raise SystemExit("the terminal is gone")

    def press(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        self._ask(f"send-keys -t app {' '.join(keys)}")

    def write(self, text: str) -> None:
        """Type a text."""
        self._ask(f"send-keys -t app -l {shlex.quote(text)}")

    def screen(self) -> str:
        """Return what is on the screen."""
        return "\n".join(self._ask("capture-pane -p -t app"))

    def waits(self, pattern: str, but: str = "", within_s: float = 180.0) -> str:
        """Wait until a pattern is on the screen, and another is not; return the screen."""
        end = monotonic() + within_s
        while True:
            text = self.screen()
            if re.search(pattern, text) and not (but and re.search(but, text)):
                return text
            if monotonic() > end:
                raise SystemExit(f"{pattern!r} did not come; the screen shows\n{text}")
            time.sleep(0.02)

    def end(self) -> None:
        """End the program as a closed terminal does."""
        os.kill(self.pid, signal.SIGTERM)
        self._client.wait()


def with_ticks(environ: dict[str, str], ticks: Path) -> Terminal:
    """Return the app in a terminal, with the task that notes lags in a file."""
    stacks = {name: os.environ[name] for name in ("DTK_BENCH_STACKS",) if name in os.environ}
    command = [sys.executable, str(HERE / "app_with_ticks.py")]
    return Terminal(command, {**environ, **stacks, "DTK_BENCH_TICKS": str(ticks)})


def status(pid: int, key: str) -> float:
    """Return a size of a process in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+) kB", text)[1]) / 1024  # type: ignore[index]


def processor_s(pid: int) -> float:
    """Return how long a process has been computing."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK


def names(screen: str) -> list[str]:
    """Return the names of the images in the table."""
    return _NAMES.findall(screen)


@contextmanager
def writer(environ: dict[str, str]) -> Iterator[None]:
    """Let rows be written meanwhile."""
    command = [sys.executable, str(HERE / "app_writer.py"), str(RATE)]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        begun = monotonic()
        try:
            yield
        finally:
            said = process.communicate("\n")[0].split()
            took = monotonic() - begun
            print(f"meanwhile {sum(map(int, said)) / took:.0f} rows a second were written, for {took:.0f} s")


class Actions:
    """Does one thing after the other in the app, and notes from when to when."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.parts: list[tuple[str, float, float]] = []
        self.jumps = 0

    def do(self, name: str, act: Callable[[], object]) -> None:
        """Do one thing."""
        begun = monotonic()
        act()
        self.parts.append((name, begun, monotonic()))
        time.sleep(0.5)

    def rest(self, seconds: float) -> None:
        """Look on; the rows must stay where they are."""
        first, end = names(self.terminal.screen()), monotonic() + seconds
        while monotonic() < end:
            time.sleep(0.2)
            self.jumps += self._settled(len(first)) != first

    def hold(self, *keys: str, seconds: float = 4.0) -> None:
        """Hold keys down, one after the other, as a keyboard repeats them."""
        for key in keys:
            end = monotonic() + seconds
            while monotonic() < end:
                self.terminal.press(key)
                time.sleep(1 / 30)

    def ends(self) -> None:
        """Go to the last row and to the first, several times."""
        for _ in range(5):
            self.terminal.press("End")
            self.terminal.waits(f"{IMAGES - 1:07d}.png")
            self.terminal.press("Home")
            self.terminal.waits("0000000.png")

    def go(self) -> None:
        """Go to rows anywhere."""
        for row in np.random.default_rng(3).integers(1, IMAGES, 10).tolist():
            self.terminal.press("g")
            self.terminal.waits("Go to")
            self.terminal.write(str(row))
            self.terminal.press("Enter")
            self.terminal.waits(f"{row - 1:07d}.png")

    def refresh(self) -> None:
        """Take over what is new; the rows in sight stay where they are."""
        before = names(self.terminal.waits(r"refresh \(r\)"))
        self.terminal.press("r")
        self.terminal.waits(_ALL, but=r"refresh \(r\)")
        self.jumps += self._settled(len(before)) != before

    def _settled(self, count: int) -> list[str]:
        """Return the names in the table as soon as its rows are there; their places come first."""
        end = monotonic() + 30
        while len(found := names(self.terminal.screen())) < count and monotonic() < end:
            time.sleep(0.02)
        return found

    def ask(self, *queries: str) -> None:
        """Ask queries, each to its last hit."""
        for query in queries:
            self.terminal.press("/")
            self.terminal.press("C-u")
            self.terminal.write(query)
            self.terminal.press("Enter")
            self.terminal.waits(rf"\u201c{re.escape(query)}\u201d +[\d,]+ +(best|by|newest)", but="more follow")

    def facets(self) -> None:
        """Show the facets until all are counted, and hide them."""
        self.terminal.press("F")
        self.terminal.waits(r"Images +[\d,]+ ", but="counting\u2026")
        self.terminal.press("F")

    def edit(self, key: str, done: str) -> None:
        """Press the key of an edit of many, say yes, and wait for words at its end."""
        self.terminal.press(key)
        self.terminal.waits("Do it|Undo it")
        self.terminal.press("y")
        self.terminal.waits(done)

    def select_some(self) -> None:
        """Select all that a search finds."""
        self.ask("steps:37")
        self.terminal.press("a")
        self.terminal.waits(f"{SOME:,} selected")

    def select_all(self) -> None:
        """Select all, look at the question that a rating asks, and unselect."""
        self.terminal.press("Escape", "Escape")
        self.terminal.waits(_ALL, but="more follow")
        for _ in range(3):
            self.terminal.press("a")
            self.terminal.waits("[0-9] selected")
            self.terminal.press("4")
            self.terminal.waits("Do it")
            self.terminal.press("Escape")
            self.terminal.waits("[0-9] selected", but="Do it")
            self.terminal.press("Tab", "BTab", "Down", "PageDown", "Escape")
            self.terminal.waits(_ALL, but="[0-9] selected")

    def mark_and_rate(self) -> None:
        """Mark rows that follow each other, rate them and take it back."""
        self.hold("S-Down", seconds=2)
        self.terminal.press("5")
        self.terminal.waits("Rating 5: ")
        self.terminal.press("C-z")
        self.terminal.waits("Undone: ")
        self.terminal.press("Escape")


def lags(ticks: Numbers, begin: float, end: float) -> Numbers:
    """Return in ms how late each tick was that was due meanwhile, also those that a late one stands for."""
    late = ticks[(ticks[:, 0] >= begin) & (ticks[:, 0] < end), 1]
    missed = [np.arange(one, 0, -TICK_S) for one in late if one > TICK_S]
    return np.concatenate([late[late <= TICK_S], *missed]) * 1000


def row(name: str, late: Numbers, note: str = "") -> str:
    """Return one line of the table."""
    if not len(late):
        return f"{name:34}{0:8}{'':24}  {note} (over before a tick was due)"
    p50, p99 = np.percentile(late, [50, 99])
    return f"{name:34}{len(late):8,}{p50:8.1f}{p99:8.1f}{late.max():8.1f}  {note}"


def tidy(home: Home) -> None:
    """Take out what an earlier run let come in."""
    db = Database.open(configured(home))
    with db.connection() as conn:
        conn.execute("DELETE FROM image WHERE file_name LIKE 'new-%'")
    db.close()


def opening(home: Home) -> None:
    """Print what it takes until the first rows are on the screen."""
    found = []
    for _ in range(3):
        begun = monotonic()
        terminal = Terminal([str(Path(sys.executable).parent / "dtk")], home.environ)
        terminal.waits(_NAMES.pattern)
        found.append((processor_s(terminal.pid), monotonic() - begun))
        terminal.waits(f"{IMAGES // 1000:,},")
        terminal.end()
    used, took = min(found)
    print(f"open to first rows: {used:.2f} s of processor, {took:.2f} s (best of {len(found)})", flush=True)


def measure(terminal: Terminal) -> Actions:
    """Do everything in the app."""
    actions = Actions(terminal)
    terminal.waits("0000000.png")
    terminal.waits(rf"All images +{IMAGES:,}\b")
    do = actions.do
    do("at rest", lambda: actions.rest(6))
    do("Down held", lambda: actions.hold("Down"))
    do("PageDown held, PageUp held", lambda: actions.hold("NPage", "PPage"))
    do("End, Home", actions.ends)
    do("g to any row", actions.go)
    do("at rest in the middle", lambda: actions.rest(6))
    do("refresh: what is new comes in", actions.refresh)
    do("sort by name, size, rating", lambda: actions.ask("sort:name", "sort:size", "sort:rating"))
    do("words", lambda: actions.ask(*(VOCABULARY[n] for n in (5, 300, 2000)), f"{VOCABULARY[40]}, {VOCABULARY[900]}"))
    do("facets of a search", actions.facets)
    do(f"select {SOME:,}", actions.select_some)
    do(f"rate {SOME:,}", lambda: actions.edit("4", "images changed"))
    do(f"undo {SOME:,}", lambda: actions.edit("C-z", "restored"))
    do("select all, ask, unselect", actions.select_all)
    do("mark rows, rate and undo them", actions.mark_and_rate)
    do("facets of all", actions.facets)
    return actions


def main() -> None:
    """Print the table."""
    with library(IMAGES) as home, tempfile.TemporaryDirectory(prefix="dtk-bench-") as folder:
        tidy(home)
        print(f"{IMAGES:,} images, {COLUMNS}x{ROWS}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        opening(home)
        ticks = Path(folder) / "ticks"
        terminal = with_ticks(home.environ, ticks)
        try:
            terminal.waits("0000000.png|new-")
            with writer(home.environ):
                actions = measure(terminal)
                now, most = status(terminal.pid, "VmRSS"), status(terminal.pid, "VmHWM")
        finally:
            terminal.end()
        notes = np.fromfile(ticks).reshape(-1, 2)
    print(f"{'event-loop lag, ms':34}{'ticks':>8}{'p50':>8}{'p99':>8}{'max':>8}")
    for name, begin, end in actions.parts:
        print(row(name, lags(notes, begin, end), f"{end - begin:.1f} s"))
    everything = lags(notes, actions.parts[0][1], actions.parts[-1][2])
    print(row("all of it", everything, f"{actions.jumps} rows jumped"))
    print(f"memory of the app: {now:.0f} MB, {most:.0f} MB at most")


if __name__ == "__main__":
    main()

"""Processor time of a start: this commit beside an older one, on a library of a million images.

What is measured, in turn, DTK_BENCH_RUNS times (default 3): ``dtk --help``, ``dtk status``, a search, the completion of
a command in bash, and the app in a terminal of 200x50: from its start to the first lines of its table, and at rest.
Both commits have a library of their own, of DTK_BENCH_IMAGES rows (default 1,000,000) without files, on a running
server; what the server computes is not counted.

DTK_BENCH_OLD names the older commit (default: the one before commands were loaded when they are named).
DTK_BENCH_LIBRARIES is a folder in which the libraries stay for the next time.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tarfile
import termios
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from dtk_tui.store.server.embedded import EmbeddedServer

REPOSITORY = Path(__file__).resolve().parent.parent
IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "1000000"))
RUNS = int(os.environ.get("DTK_BENCH_RUNS", "3"))
_SINCE = "dtk_tui/cli/program/table.py"
_START = "import sys; sys.argv[0] = 'dtk'; from dtk_tui.__main__ import main; main()"
_TICKS = os.sysconf("SC_CLK_TCK")
_SETTLED_S, _IDLE_S, _LONGEST_S = 10.0, 10.0, 120.0
_FILL = (
    "INSERT INTO folder (path, name) VALUES ('/away', 'away')",
    "INSERT INTO folder (path, name, parent_id) SELECT '/away/' || n, n::text, 1 FROM generate_series(2, 500) n",
    "INSERT INTO prompt (text) SELECT 'a lighthouse of kind ' || n || repeat(' on a cliff', 20)"
    " FROM generate_series(1, 20000) n",
    "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at, scan_phase, prompt_id, width, height)"
    " SELECT 1 + n %% 500, 'picture-' || n || '.png', 1000, 0, now() - n * interval '1 minute', 1, 1 + n %% 20000,"
    f" 1024, 1024 FROM generate_series(0, {IMAGES} - 1) n",
)
_FIRST_FILE = b"picture-0.png"


class Program:
    """A commit of the program with a library."""

    def __init__(self, name: str, commit: str, folder: Path, libraries: Path) -> None:
        self.name = name
        self._code = folder / name
        archive = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(self._code, filter="data")
        # Python's own variables may forbid it to keep what it compiled, which then is done at each start.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DTK_", "PYTHON"))}
        home = libraries / name
        self._environ = kept | {"DTK_HOME": str(home), "PYTHONPATH": str(self._code), "TERM": "xterm-256color"}
        is_new = not home.exists()
        self.command("db", "start")
        if is_new:
            with psycopg.connect(EmbeddedServer(home / "postgres").join(), autocommit=True) as conn:
                for statement in _FILL:
                    conn.execute(statement.replace("%%", "%").encode())
                conn.execute("VACUUM ANALYZE")

    def command(self, *arguments: str, **environ: str) -> float:
        """Run a command to its end and return its processor seconds."""
        command = [sys.executable, "-c", _START, *arguments]
        with subprocess.Popen(
            command, cwd=self._code, env=self._environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            words = process.stderr.read() if process.stderr is not None else b""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"dtk {' '.join(arguments)}: {words.decode(errors='replace')}")
        return used.ru_utime + used.ru_stime

    def app(self) -> tuple[float, float, float]:
        """Open the app; return processor and wall seconds to its first lines, and the share of a processor at rest."""
        begun = time.monotonic()
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self._code)
            os.execve(sys.executable, [sys.executable, "-c", _START], self._environ)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        screen = _Screen(terminal)
        try:
            screen.follow(lambda: _FIRST_FILE in screen.drawn, _LONGEST_S)
            used, wall = _used(pid), time.monotonic() - begun
            screen.follow(lambda: False, _SETTLED_S)
            before = _used(pid)
            screen.follow(lambda: False, _IDLE_S)
            idle = (_used(pid) - before) / _IDLE_S
        finally:
            os.write(terminal, b"\x11")
            screen.follow(lambda: os.waitpid(pid, os.WNOHANG)[0] != 0, _LONGEST_S)
            os.close(terminal)
        return used, wall, idle

    def close(self) -> None:
        """Stop the server."""
        self.command("db", "stop")


class _Screen:
    """What a program draws; its questions are answered as a plain terminal does."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self.drawn = b""

    def follow(self, is_enough: Callable[[], bool], seconds: float) -> None:
        """Take what is drawn until a condition holds, or for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not is_enough():
            if not select.select([self._terminal], [], [], 0.005)[0]:
                continue
            try:
                part = os.read(self._terminal, 1 << 16)
            except OSError:  # it has ended
                part = b""
            if b"\x1b[c" in part:
                os.write(self._terminal, b"\x1b[?1;2c")
            self.drawn = (self.drawn + part)[-(1 << 18) :]


def _used(pid: int) -> float:
    """Return the processor seconds of a process, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def commit_before() -> str:
    """Return the older commit."""
    chosen = os.environ.get("DTK_BENCH_OLD")
    if chosen:
        return chosen
    command = ["git", "log", "--diff-filter=A", "--format=%H", "--", _SINCE]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
    return f"{found[-1]}^"


def measure(program: Program) -> dict[str, float]:
    """Return what each part cost, once."""
    word = {"COMP_WORDS": "dtk sta", "COMP_CWORD": "1", "_DTK_COMPLETE": "complete_bash"}
    used, wall, idle = program.app()
    return {
        "dtk --help": program.command("--help"),
        "dtk status": program.command("status"),
        "dtk search lighthouse": program.command("search", "lighthouse", "--limit", "10"),
        "completion of a command": program.command(**word),
        "app to its first lines": used,
        "  the same, wall time": wall,
        "  idle, of one processor": idle,
    }


def line(name: str, old: Sequence[float], new: Sequence[float]) -> str:
    """Return one line of the table: medians, extremes, and the median ratio of the pairs."""
    ratio = statistics.median(b / a if a else 1.0 for a, b in zip(old, new, strict=True))
    parts = [f"{statistics.median(values):8.3f} ({min(values):.3f}-{max(values):.3f})" for values in (old, new)]
    return f"{name:<28}{parts[0]:>26}{parts[1]:>26}{ratio:>8.2f}"


def main() -> None:
    """Measure in turn and print the table."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with TemporaryDirectory(prefix="dtk-bench-", ignore_cleanup_errors=True) as temporary:
        libraries = Path(os.environ.get("DTK_BENCH_LIBRARIES", Path(temporary) / "libraries"))
        libraries.mkdir(parents=True, exist_ok=True)
        programs = [
            Program(name, commit, Path(temporary), libraries)
            for name, commit in (("old", commit_before()), ("new", os.environ.get("DTK_BENCH_NEW", "HEAD")))
        ]
        found: dict[str, list[dict[str, float]]] = {program.name: [] for program in programs}
        try:
            for program in programs:
                program.app()  # compiles, and fills the caches
            for number in range(RUNS):
                for program in programs if number % 2 else programs[::-1]:
                    found[program.name].append(measure(program))
        finally:
            for program in programs:
                program.close()
    print(f"{IMAGES:,} images, {RUNS} pairs, seconds{'old, median (min-max)':>29}{'new':>20}{'new/old':>14}")
    for name in found["new"][0]:
        print(line(name, [one[name] for one in found["old"]], [one[name] for one in found["new"]]))


if __name__ == "__main__":
    main()

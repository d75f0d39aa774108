"""All benchmarks, one after the other, and one table of their ratios in docs/dev/benchmarks.md with the machine named.

    python benchmarks/every.py [--full] [NAME ...]

Small sizes, which show in a few minutes that each benchmark works and what is compared, not how a large library does;
``--full`` takes the sizes that the figures in the docs are of, and hours. With names only these are run, and only their
lines of the table change. What each prints goes to standard output as it comes.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dtk_tui.atomic_file import write_whole
from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.settings import GIB, usable_memory

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "dev" / "benchmarks.md"
#: A small one that takes longer is ended, in seconds.
_SMALL_S = 150.0
#: One that was interrupted takes its servers down.
_ENDING_S = 30.0
_ABOUT = """\
# Benchmarks

`make bench` runs all of them in a small size and writes the table below; `make bench FULL=1` takes the sizes that the
figures in these docs are of. Of a small size only the ratio says something: that of two things measured in one run.
What each one compares, and its sizes, stand at the head of `benchmarks/bench_NAME.py`.

"""
_HEAD = "| Benchmark | Size | What is compared | Ratio | Seconds |\n|---|---|---|---|---|"
_ROW = re.compile(r"^\| `(\w+)` \|.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One of them.

    Attributes:
        name: of ``bench_NAME.py``.
        small: variables, without their DTK_BENCH_, and arguments of its small size; None: it has none.
        compared: what the ratio is of.
        first, second: find the number in what is printed; the ratio is the first by the second, where there is one.
    """

    name: str
    small: str | None
    compared: str
    first: str
    second: str = ""

    def ratio(self, printed: str) -> str:
        """Return the ratio, or a dash where nothing was printed that is one."""
        found = [re.search(pattern, printed, re.MULTILINE) for pattern in (self.first, self.second) if pattern]
        if not found or not all(found):
            return "-"
        numbers = [float(match[1].replace(",", "")) for match in found if match]
        of = numbers[1] if len(numbers) > 1 else 1.0
        return f"{numbers[0] / of:.2f}" if of else "-"


def _cell(words: str, number: int) -> str:
    """Return what finds the n-th number of a line that begins with words."""
    return rf"^ *{words}" + r"[^\d\n]+[\d,.]+" * (number - 1) + r"[^\d\n]+([\d,.]+)"


BENCHMARKS = (
    Benchmark(
        "app",
        None,
        "p99 of the loop's lag: in use to at rest; asks from 200,000 images on",
        _cell("all of it", 3),
        _cell("at rest", 3),
    ),
    Benchmark(
        "app_worker",
        "IMAGES=60 SECONDS=2",
        "p99 of the loop's lag: beside tagging to at rest",
        _cell("worker: tag, cursor moving", 3),
        _cell("at rest, cursor moving", 3),
    ),
    Benchmark(
        "caption_words",
        "CAPTIONS=5000",
        "words: without indexes to with them",
        r"^\S.*? +[\d,]+ +[\d.]+ .*? ([\d.]+)$",
        r"^\S.*? +[\d,]+ +([\d.]+) ",
    ),
    Benchmark(
        "captioner",
        "IMAGES=12 RUNS=1 engine",
        "captions a second: the queue to a bare loop",
        r"to a bare loop +([\d.]+)",
    ),
    Benchmark("captions", "CAPTIONS=2000 EDITED=2000", "edit of all captions to a bare UPDATE", _cell("prefix", 3)),
    Benchmark(
        "cluster",
        "IMAGES=60 RUNS=1",
        "jobs a second: a Ray cluster of two nodes to two plain workers",
        r"jobs a second +[\d.]+ +([\d.]+)",
    ),
    Benchmark(
        "clusters", "VECTORS=5000 IMAGES=5000 HASHED=2000", "planted pairs: found to all, percent", _cell("5,000", 2)
    ),
    Benchmark(
        "control",
        "IMAGES=120 RUNS=1",
        "seconds: pause to stop",
        _cell("Pause, to Paused", 2),
        _cell("Stop, to Stopped, models unloaded", 2),
    ),
    Benchmark("duplicates", "FILES=100 PICTURES=400", "planted copies: found to all, percent", r"^([\d.]+)% found"),
    Benchmark("edits", "EDITED=2000 rating", "an edit with its journal to a bare UPDATE", _cell("rating", 3)),
    Benchmark(
        "eta",
        None,
        "time expected to the truth, at half of the jobs; takes minutes",
        r"^ +50 % of the jobs +(\d+)",
        r"^ +50 % of the jobs +\d+ +([\d.]+)",
    ),
    Benchmark(
        "facets", "IMAGES=3000 RUNS=2", "all facets in one to each alone", _cell(r"\(all\)", 2), _cell(r"\(all\)", 3)
    ),
    Benchmark("gpu", None, "a GPU to the CPU: needs a GPU", ""),
    Benchmark(
        "grid",
        "FILES=6",
        "a first thumbnail to the bare decode",
        _cell("  first thumbnail, with its writing", 1),
        r"floor\) +([\d.]+)",
    ),
    Benchmark("growth", None, "how times grow with the library: has no small size", ""),
    Benchmark("groups", "PICTURES=400", "vectors spared: now to at best", _cell("shared", 1), _cell("shared", 3)),
    Benchmark(
        "hash_indexes",
        "HASHES=5000 ASKED=30",
        "seconds: HNSW in the database to buckets",
        _cell("HNSW, bit_hamming_ops", 2),
        _cell("buckets in numpy", 3),
    ),
    Benchmark(
        "hosts",
        None,
        "time expected to the truth, three hosts of different speed and one frozen; takes minutes",
        r"^ +50 % of what was left +([\d.]+)",
        r"^ +50 % of what was left +[\d.]+ +([\d.]+)",
    ),
    Benchmark(
        "index",
        "VECTORS=1000",
        "rows into an index to building it once",
        r"^ +[\d,]+ +[\d,]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+)$",
    ),
    Benchmark("keys", None, "key to repaint beside three workers: has no small size", ""),
    Benchmark("link", None, "the app over a slow link: has one size", ""),
    Benchmark("looks", None, "ranks of sentences: needs a joint model", ""),
    Benchmark(
        "memory", "", "memory of a worker: running to before its start", _cell("running", 1), _cell("before start", 1)
    ),
    Benchmark(
        "metadata",
        "FILES=100",
        "files a second: reading them to their bare headers",
        r"^PNG a1111 +[\d,]+ +[\d,]+ +[\d,]+ +[\d,]+ +([\d.]+)",
    ),
    Benchmark("migration", "--rows 3000 --skip pgloader,arrow", "dtk to pgloader: needs it", ""),
    Benchmark("moves", "FILES=500", "moved files to new ones", _cell("500 moved", 2)),
    Benchmark("operate", "IMAGES=2000", "a backup with digests to a bare pg_dump", r"^backup +[\d.]+ +([\d.]+)"),
    Benchmark("queue", "JOBS=30000", "enqueueing a tree to a bare INSERT", r"^  tag .*ratio ([\d.]+)"),
    Benchmark("scan", "FILES=2000", "the bare walk to a quick scan", r"^quick scan +[\d.]+ +[\d,]+ +([\d.]+)"),
    Benchmark("search", "IMAGES=3000 RUNS=5", "p99 to p50 of a word", _cell("a word", 3), _cell("a word", 2)),
    Benchmark(
        "search_peers", "IMAGES=3000 RUNS=5", "recall of the nearest ten", r"dtk, first \d+ +[\d.]+ +[\d.]+ +([\d.]+)"
    ),
    Benchmark(
        "sort", "IMAGES=3000", "sorting without indexes to with them", r"^\S.*? +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+)$"
    ),
    Benchmark("start", "IMAGES=2000 RUNS=1", "processor time of a start: now to before", r"^dtk status.* ([\d.]+)$"),
    Benchmark("thresholds", "IMAGES=2000 RUNS=1", "new thresholds to bare SQL", _cell("general", 5)),
    Benchmark(
        "together",
        "IMAGES=24 RUNS=1",
        "pictures a second: now to one decode a kind",
        r"^  now / before +[\d.]+ +([\d.]+)",
    ),
    Benchmark("tree", None, "lag in a tree of 86,000 folders: has one size", ""),
    Benchmark(
        "ui",
        "",
        "opening a million rows to DataTable's 20,000",
        r"open to first rows +([\d.]+)",
        r"DataTable.*open +([\d.]+)",
    ),
    Benchmark(
        "words_before",
        "IMAGES=3000 RUNS=3",
        "words: before prompts were ranked to now",
        r"^\S.*? +\d+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+)",
    ),
    Benchmark("worker", "IMAGES=48 RUNS=1", "pictures a second: the worker to a bare loop", r"^  ratio +([\d.]+)"),
)


def machine() -> str:
    """Return a line on what they run on, with nothing of it that names the machine."""
    postgres = _said([str(program("postgres")), "-V"]).split()[-1]
    commit = _said(["git", "describe", "--always", "--dirty", "--tags"]) or "unknown"
    return (
        f"Commit {commit}, {time.strftime('%Y-%m-%d', time.gmtime())}, on {os.cpu_count()} cores ({_processor()}),"
        f" {usable_memory() / GIB:.0f} GiB, {platform.system()}, Python {platform.python_version()},"
        f" PostgreSQL {postgres}; load at the begin {os.getloadavg()[0]:.1f}."
    )


def _said(command: list[str]) -> str:
    return subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    text = file.read_text() if file.exists() else ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def run(one: Benchmark, size: str, limit_s: float | None) -> tuple[str, float, str]:
    """Run one; return what it printed, its seconds, and why it is no result: empty where it is one."""
    words = size.split()
    arguments = [word for word in words if not re.match(r"[A-Z]+=", word)]
    environ = os.environ | dict(f"DTK_BENCH_{word}".split("=", 1) for word in words if word not in arguments)
    command = [sys.executable, "-u", str(HERE / f"bench_{one.name}.py"), *arguments]
    begun = time.monotonic()
    said = bytearray()
    with subprocess.Popen(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        is_over = threading.Event()
        timer = threading.Thread(target=_end, args=(process, limit_s, is_over), daemon=True)
        if limit_s is not None:
            timer.start()
        for line in process.stdout or ():
            said += line
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
        status = process.wait()
    wrong = "" if status == 0 else "did not end in time" if is_over.is_set() else f"failed with status {status}"
    return said.decode(errors="replace"), time.monotonic() - begun, wrong


def _end(process: subprocess.Popen[bytes], limit_s: float, is_over: threading.Event) -> None:
    """Interrupt a benchmark when its time is over, so that it takes its servers down; kill one that stays."""
    for wait_s, sign in ((limit_s, signal.SIGINT), (_ENDING_S, signal.SIGKILL)):
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
            return
        is_over.set()
        with suppress(OSError):
            os.killpg(process.pid, sign)


def written(text: str, heading: str, about: str, rows: dict[str, str]) -> str:
    """Return the page with a section's table, in which lines that are not among the new ones stay."""
    before, found, rest = text.partition(f"## {heading}\n")
    old, _, after = rest.partition("\n## ") if found else ("", "", "")
    kept = {match[1]: match[0] for match in _ROW.finditer(old)} | rows
    table = "\n".join(kept[one.name] for one in BENCHMARKS if one.name in kept)
    return f"{before}## {heading}\n\n{about}\n\n{_HEAD}\n{table}\n" + (f"\n## {after}" if after else "")


def main() -> int:
    """Run them, write the table; the exit status is 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args()
    if unknown := set(asked.names) - {one.name for one in BENCHMARKS}:
        parser.error(f"there is no benchmark {min(unknown)}")
    about, begun = machine(), time.monotonic()
    rows: dict[str, str] = {}
    failed: list[str] = []
    for one in BENCHMARKS:
        if (asked.names and one.name not in asked.names) or (one.small is None and not asked.full):
            continue
        print(f"\n== {one.name}", flush=True)
        size = "" if asked.full else one.small or ""
        printed, seconds, wrong = run(one, size, None if asked.full else _SMALL_S)
        failed += [f"{one.name} {wrong}"] if wrong else []
        ratio = wrong or one.ratio(printed)
        rows[one.name] = f"| `{one.name}` | {size or 'its own'} | {one.compared} | {ratio} | {seconds:.0f} |"
    whole = f"{about} {len(rows)} benchmarks in {(time.monotonic() - begun) / 60:.1f} minutes."
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else _ABOUT
    write_whole(PAGE, written(text, "Full sizes" if asked.full else "Small sizes", whole, rows).encode(), 0o644)
    print(f"\n{PAGE.relative_to(HERE.parent)} is written. {'; '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

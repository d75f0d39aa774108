"""Search by words beside the commit before prompts were ranked, query by query in one run.

The library of search_library.py (DTK_BENCH_IMAGES, DTK_BENCH_LIBRARY). The old program comes out of git
(DTK_BENCH_BEFORE names another commit) and sees the same images, vectors and settings; its prompts stand in a table of
their own, as the schema of its time had it. Goal: at least 7 times as fast at a million images.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from search_library import IMAGES, VOCABULARY, library

from dtk_tui.store.database import Connection

RUNS, LIMIT, GOAL = int(os.environ.get("DTK_BENCH_RUNS", "60")), 100, 7.0
HERE = Path(__file__).resolve().parent
#: What brought the ranking of prompts.
_BROUGHT = "dtk_tui/store/search/words.py"
_LINES: dict[str, tuple[Callable[[int], str], bool]] = {
    "a word": (lambda n: VOCABULARY[300 + 7 * n], False),
    "a word about:": (lambda n: f"{VOCABULARY[300 + 7 * n]} about:x", True),
    "a common word": (lambda n: VOCABULARY[n], False),
}
# The table of prompts up to schema V024.
_TABLE = """
CREATE SCHEMA before;
CREATE TABLE before.prompt (
    id bigint PRIMARY KEY, text text NOT NULL,
    search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english', left(text, 100000))) STORED
);
INSERT INTO before.prompt (id, text) SELECT id, text FROM public.prompt;
CREATE INDEX prompt_search ON before.prompt USING gin (search);
CREATE INDEX prompt_trigrams ON before.prompt USING gin (dtk_searched(text) gin_trgm_ops);
ANALYZE before.prompt;
"""


class Program:
    """A process that answers queries by one version of the program."""

    def __init__(self, tree: Path, conninfo: str, search_path: str) -> None:
        environ = os.environ | {"PYTHONPATH": str(tree), "PGOPTIONS": f"-c search_path={search_path}"}
        command = [sys.executable, str(HERE / "ask_words.py"), conninfo]
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told = self._read()
        if not Path(told).is_relative_to(tree):
            raise SystemExit(f"{told} was asked in place of {tree}")

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def ask(self, line: str, space: int, vector: list[float]) -> tuple[float, list[int]]:
        """Return the milliseconds, and the images that were found."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([line, space, vector, LIMIT]) + "\n")
        self._process.stdin.flush()
        took, found = self._read()
        return took, found

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def before() -> Iterator[Path]:
    """Give the tree of the program before."""
    named = os.environ.get("DTK_BENCH_BEFORE")
    if named is None:
        find = ["git", "log", "--diff-filter=A", "--format=%H", "--", _BROUGHT]
        named = (
            subprocess.run(find, cwd=HERE.parent, check=True, capture_output=True, text=True).stdout.split()[-1] + "^"
        )
    with tempfile.TemporaryDirectory(prefix="dtk-before-") as folder:
        archive = subprocess.run(["git", "archive", named, "dtk_tui"], cwd=HERE.parent, check=True, capture_output=True)
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        print(f"before: {named}", flush=True)
        yield Path(folder).resolve()


def prepare(conn: Connection) -> None:
    """Make the table of the prompts as it was, where it is not there yet."""
    if conn.execute("SELECT to_regclass('before.prompt')").fetchone() == (None,):
        conn.execute("SET maintenance_work_mem = '1GB'")
        for statement in filter(str.strip, _TABLE.split(";\n")):
            conn.execute(statement.encode())
        conn.execute("VACUUM before.prompt")


def main() -> None:
    """Print the table."""
    with library() as lib, lib.connection() as conn, before() as tree:
        prepare(conn)
        vectors, space = lib.vectors["text"], lib.spaces["text"]
        programs = [
            Program(HERE.parent, lib.db.conninfo(), "public"), Program(tree, lib.db.conninfo(), "before,public"),
        ]  # fmt: skip
        try:
            print(f"{IMAGES:,} images, {RUNS} runs, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            print(
                f"{'query':18}{'found':>7}{'p50 ms':>9}{'p99':>8}{'before p50':>12}{'p99':>8}"
                f"{'ratio p50':>11}{'p99':>7}{'same':>7}"
            )
            for name, (line, has_vector) in _LINES.items():
                times, same, found = ([], []), [], []  # type: ignore[var-annotated]
                for number in range(-1, RUNS):
                    n = max(number, 0)
                    vector = vectors[31 * n].tolist() if has_vector else []
                    answers = [one.ask(line(n), space, vector) for one in programs]
                    if number >= 0:
                        for kept, (took, _) in zip(times, answers, strict=True):
                            kept.append(took)
                        same.append(len(set(answers[0][1]) & set(answers[1][1])) / max(len(answers[1][1]), 1))
                        found.append(len(answers[0][1]))
                (p50, p99), (old_p50, old_p99) = (np.percentile(some, [50, 99]) for some in times)
                print(
                    f"{name:18}{int(np.median(found)):7}{p50:9.1f}{p99:8.1f}{old_p50:12.1f}{old_p99:8.1f}"
                    f"{old_p50 / p50:11.1f}{old_p99 / p99:7.1f}{np.mean(same):7.2f}"
                    f"{'' if old_p50 >= GOAL * p50 else '  *'}",
                    flush=True,
                )
        finally:
            for one in programs:
                one.end()


if __name__ == "__main__":
    main()

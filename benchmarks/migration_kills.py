"""Kills ``dtk migrate`` at random places of its whole course, resumes it, and compares the library with a calm run's.

    python benchmarks/migration_kills.py [--kills 30] [--seed 4] [--rows 20000] [--source FILE]

The places are spread over the whole run: start, reading, writing, indexes, comparing. Every row of every table is
compared by digest; what differs between any two runs (ids given out, the time of day) is left out.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psycopg
from bench_migration import make_source
from workload import REPOSITORY

from dtk_tui.store.schema import upgrade
from dtk_tui.store.server.embedded import EmbeddedServer

assert str(REPOSITORY) in sys.path
from tests.helpers.imports.content import digest, everything  # noqa: E402 (the line above makes it importable)
from tests.helpers.imports.kills import Killer  # noqa: E402


def library(server: EmbeddedServer, name: str) -> str:
    """Make an empty library and return its connection string."""
    with psycopg.connect(server.join(), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    url = psycopg.conninfo.make_conninfo(server.join(), dbname=name)
    upgrade(url)
    return url


def differences(url: str, calm: str) -> list[str]:
    """Return the subjects in which two libraries differ."""
    with psycopg.connect(url) as one, psycopg.connect(calm) as other:
        found, expected = everything(one), everything(other)
    return [name for name, rows in expected.items() if found[name] != rows]


def run(server: EmbeddedServer, folder: Path, source: Path, kills: int, seed: int) -> int:
    """Kill and resume until enough was killed; print what was under way and whether the libraries are equal."""
    calm = Killer(library(server, "calm"), source, {})
    calm.environ = {"DTK_DATABASE_URL": calm.url, "DTK_HOME": str(folder / "calm")}
    course = calm.finish()
    with psycopg.connect(calm.url) as conn:
        expected = digest(conn)
        rows = {name: len(found) for name, found in everything(conn).items()}
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in course.parts.items())
    print(f"undisturbed, in seconds: {parts}; digest {expected[:16]} of {sum(rows.values()):,} rows")
    places = course.places(random.Random(seed), kills)
    done: Counter[tuple[str, str]] = Counter()
    libraries, faults = 0, 0
    while done.total() < kills:
        libraries += 1
        killer = Killer(library(server, f"killed_{libraries}"), source, {})
        killer.environ = {"DTK_DATABASE_URL": killer.url, "DTK_HOME": str(folder / f"killed-{libraries}")}
        for place in list(places):
            if killer.state() == "done" or not killer.kill_at(place, course):
                break
            places.remove(place)
        killer.finish(*([] if killer.state() == "nothing" else ["--resume"]))
        done += killer.done
        wrong = differences(killer.url, calm.url)
        faults += bool(wrong)
        notes = list((folder / f"killed-{libraries}" / "migrations").glob("*.jsonl"))
        told = f"{len(notes)} file of notes, differs in {', '.join(wrong) or 'nothing'}"
        print(f"library {libraries}: {killer.done.total()} kills, {told}")
    order = [*course.parts, "the end"]
    for (part, statement), count in sorted(done.items(), key=lambda item: (order.index(item[0][0]), -item[1])):
        print(f"{count:>4}  killed in: {part:<32} {statement}")
    print(f"{done.total():>4}  kills, {libraries} libraries, {faults} that differ from the undisturbed run")
    return 1 if faults else 0


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--source", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source = given.source
        if source is None:
            source = folder / "source.db"
            make_source(source, given.rows)
        server = EmbeddedServer(folder / "postgres")
        try:
            return run(server, folder, source, given.kills, given.seed)
        finally:
            server.leave()


if __name__ == "__main__":
    sys.exit(main())

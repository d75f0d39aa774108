"""SQLite to PostgreSQL: dtk migrate, pgloader and a lean Arrow load, on the same file in the same run.

    python benchmarks/bench_migration.py [--rows 773000] [--source FILE] [--skip pgloader,arrow] [--repeat 1]

pgloader (Debian's package) copies the tables plainly. The Arrow load (needs adbc-driver-sqlite, adbc-driver-postgresql
and pyarrow in this Python) stores each prompt once, hashes in SQL and builds ten indexes; it maps, checks, repairs and
compares nothing. Only ratios count: dtk's seconds, or processor seconds, to those of another, run beside run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from dtk_tui.services.diffusion_toolkit import schema
from dtk_tui.store.server.embedded import EmbeddedServer

WORDS = [
    "castle", "cliff", "fox", "snow", "portrait", "fisherman", "city", "night", "rain", "ramen", "macro", "astronaut",
    "horse", "dragon", "oil", "film",
]  # fmt: skip
SAMPLERS = ["Euler a", "DPM++ 2M Karras", "DDIM", "UniPC", "euler_ancestral", None]
MODELS = [
    ("sd_xl_base_1.0", "31e35c80fc"),
    ("dreamshaper_8", "879db523c3"),
    ("flux1-dev-fp8", "8e91b68084"),
    (None, None),
]
FIRST_TICKS = 638085024000000000


def images(rows: int, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    """Give rows of Image: 600-character prompts out of 25,000, a 5 KB workflow in every tenth."""
    prompts = []
    for number in range(25000):
        text = f"{number} "
        while len(text) < 600:
            text += dice.choice(WORDS) + dice.choice((" ", ", "))
        prompts.append(text[:600])
    graphs = [
        json.dumps({str(k): {"class_type": "KSampler", "inputs": {"text": dice.choice(prompts)}} for k in range(8)})
        for _ in range(500)
    ]
    for number in range(rows):
        folder = number * 1000 // rows + 1
        model, model_hash = dice.choice(MODELS)
        ticks = FIRST_TICKS + number * 10**8 + dice.randrange(10**7)
        name = f"{number:07d}-{dice.getrandbits(32)}.png"
        graph = dice.choice(graphs) if dice.random() < 0.1 else None
        yield (
            0, folder, f"D:\\AI\\outputs\\{folder:04d}\\{name}", name, dice.choice(prompts),
            dice.choice(("lowres, blurry", "worst quality", "", None)), dice.choice((20, 28, 30)),
            dice.choice(SAMPLERS), dice.choice((5.5, 7.0, 7.5)), dice.getrandbits(32), 1024, 1024, model_hash, model, 1,
            0, ticks, ticks + 3 * 10**7, None, dice.choice((None, None, 5, 8)), int(dice.random() < 0.1), 0, 0, 0,
            dice.choice((None, 5.431)), None, None, dice.choice((None, 1, 2)), None, dice.randint(90_000, 4_000_000), 0,
            graph, None, 0, None, None, None, 0,
        )  # fmt: skip


def make_source(path: Path, rows: int) -> None:
    """Write a database of Diffusion Toolkit v1.10."""
    dice = random.Random(5)
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode = off")
    conn.execute("PRAGMA synchronous = off")
    conn.execute("BEGIN")
    for statement in schema.TABLES:
        conn.execute(statement)
    folders = [(1, "D:\\AI\\outputs")] + [(0, f"D:\\AI\\outputs\\{n:04d}") for n in range(1, 1001)]
    conn.executemany("INSERT INTO Folder (IsRoot, Path) VALUES (?, ?)", folders[1:] + folders[:1])
    names = schema.IMAGE_NAMES[1:]
    marks = ", ".join("?" * len(names))
    conn.executemany(f"INSERT INTO Image ({', '.join(names)}) VALUES ({marks})", images(rows, dice))
    conn.executemany('INSERT INTO Album (Name, "Order") VALUES (?, ?)', [(f"album {n}", n) for n in range(20)])
    members = {(dice.randrange(20) + 1, dice.randrange(rows) + 1) for _ in range(min(rows // 7, 100_000))}
    conn.executemany("INSERT INTO AlbumImage VALUES (?, ?)", sorted(members))
    for index in schema.indexes():
        conn.execute(index.statement(index.is_unique))
    conn.execute("COMMIT")
    conn.close()


def server_cpu(server: EmbeddedServer) -> float:
    """Return the processor seconds of all server processes that have ended, and of the postmaster."""
    fields = Path(f"/proc/{server.pid()}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def measured(command: list[str], environ: dict[str, str], server: EmbeddedServer) -> tuple[float, float, float]:
    """Run a command; return its seconds, the peak memory of its processes in MB and all processor seconds."""
    code = (
        "import resource, subprocess, sys; status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode;"
        "r = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(r.ru_maxrss, r.ru_utime + r.ru_stime); sys.exit(status)"
    )
    before = server_cpu(server)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *command], env=environ, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-3000:]}")
    memory_kb, processor_s = done.stdout.split()
    return seconds, int(memory_kb) / 1024, float(processor_s) + server_cpu(server) - before


def with_dtk(source: Path, server: EmbeddedServer, conninfo: str, work: Path) -> tuple[float, float, float]:
    """Migrate with this program."""
    environ = {**os.environ, "DTK_DATABASE_URL": conninfo, "DTK_HOME": str(work / "home")}
    dtk = [sys.executable, "-m", "dtk_tui"]
    subprocess.run([*dtk, "status"], env=environ, check=True, stdout=subprocess.DEVNULL)
    return measured([*dtk, "migrate", "--source", str(source), "--time-zone", "UTC"], environ, server)


def with_pgloader(source: Path, server: EmbeddedServer, conninfo: str, work: Path) -> tuple[float, float, float]:
    """Copy with pgloader."""
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    url = f"pgsql://{parts['user']}@unix:{parts['host']}:{parts['port']}/{parts['dbname']}"
    return measured(["pgloader", "--dynamic-space-size", "6000", str(source), url], dict(os.environ), server)


def with_arrow(source: Path, server: EmbeddedServer, conninfo: str, work: Path) -> tuple[float, float, float]:
    """Load lean rows as Arrow batches."""
    environ = dict(os.environ)
    return measured([sys.executable, __file__, "--arrow-only", conninfo, "--source", str(source)], environ, server)


LEAN_INDEXES = (
    'CREATE UNIQUE INDEX ON lean_image ("Id")', 'CREATE UNIQUE INDEX ON lean_image ("Path")',
    'CREATE INDEX ON lean_image ("FolderId")', "CREATE INDEX ON lean_image (prompt_id)",
    "CREATE INDEX ON lean_image (hash)", 'CREATE INDEX ON lean_image ("CreatedDate")',
    'CREATE INDEX ON lean_image ("Model")', 'CREATE INDEX ON lean_image ("Rating")',
    'CREATE INDEX ON lean_image ("Seed")', 'CREATE INDEX ON lean_album_image ("AlbumId", "ImageId")',
)  # fmt: skip
# The prompt is there by its number.
LEAN_HASH = """
CREATE FUNCTION lean_utf8(text) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ SELECT convert_to($1, 'UTF8') $$;
ALTER TABLE lean_image ADD COLUMN hash bytea GENERATED ALWAYS AS (sha256(lean_utf8(
    prompt_id::text || coalesce("NegativePrompt", '') || coalesce("Steps"::text, '')
    || coalesce("CFGScale"::text, '') || coalesce("Seed"::text, '') || coalesce("Sampler", '')
    || coalesce("Model", '')))) STORED
"""


def copy_images(reader: Any, writer: Any, span: tuple[int, int], prompts: Any, mode: str) -> None:
    """Copy a range of images as an Arrow batch, with the numbers of their prompts; ``mode`` is that of the driver."""
    pa: Any = import_module("pyarrow")
    pc: Any = import_module("pyarrow.compute")
    names = ", ".join(schema.IMAGE_NAMES)
    with reader.cursor() as cursor, writer.cursor() as target:
        cursor.execute(f"SELECT {names} FROM Image WHERE Id BETWEEN {span[0]} AND {span[1]}")
        table = cursor.fetch_arrow_table()
        number = pc.index_in(table["Prompt"], prompts).cast(pa.int64())
        table = table.set_column(table.schema.get_field_index("Prompt"), "prompt_id", number)
        typed = {c: pa.string() for c, kind in schema.COLUMNS["Image"] if kind == "varchar"}
        for at, column in enumerate(table.schema.names):
            if table.schema.field(at).type == pa.null() or column in typed:
                table = table.set_column(at, column, table[column].cast(typed.get(column, pa.int64())))
            elif column in ("CFGScale", "AestheticScore", "HyperNetworkStrength"):
                table = table.set_column(at, column, table[column].cast(pa.float64()))
        target.adbc_ingest("lean_image", table, mode=mode)
    writer.commit()


def arrow_load(source: Path, conninfo: str) -> None:
    """Load the source lean: prompts once, Arrow batches on two threads, the hash generated, ten indexes, ANALYZE."""
    to_pg: Any = import_module("adbc_driver_postgresql.dbapi")
    from_sqlite: Any = import_module("adbc_driver_sqlite.dbapi")
    pa: Any = import_module("pyarrow")

    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    url = f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}&port={parts['port']}"
    file = f"file:{source}?immutable=1"
    with from_sqlite.connect(file) as reader, reader.cursor() as cursor, to_pg.connect(url) as writer:
        cursor.execute("SELECT DISTINCT Prompt AS text FROM Image WHERE Prompt IS NOT NULL")
        prompts = cursor.fetch_arrow_table()["text"].combine_chunks()
        cursor.execute("SELECT * FROM AlbumImage")
        members = cursor.fetch_arrow_table()
        cursor.execute("SELECT max(Id) FROM Image")
        last = int(cursor.fetchone()[0])
        with writer.cursor() as target:
            table = pa.table({"id": pa.array(range(len(prompts)), pa.int64()), "text": prompts})
            target.adbc_ingest("lean_prompt", table, mode="create")
            target.adbc_ingest("lean_album_image", members, mode="create")
        writer.commit()
    ranges = [(low, min(low + 19_999, last)) for low in range(1, last + 1, 20_000)]

    def work() -> None:
        with from_sqlite.connect(file) as reader, to_pg.connect(url) as writer:
            while ranges:
                try:
                    span = ranges.pop(0)
                except IndexError:
                    return
                copy_images(reader, writer, span, prompts, "append")

    with from_sqlite.connect(file) as reader, to_pg.connect(url) as writer:
        copy_images(reader, writer, ranges.pop(0), prompts, "create")
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(LEAN_HASH)
        conn.execute('ALTER TABLE lean_image ALTER COLUMN "Workflow" SET STORAGE EXTERNAL')
    run_parallel([work, work])
    indexes = list(LEAN_INDEXES)

    def build() -> None:
        with psycopg.connect(conninfo, autocommit=True) as conn:
            while indexes:
                try:
                    conn.execute(indexes.pop(0).encode())
                except IndexError:
                    return

    run_parallel([build, build])
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("ANALYZE")


def run_parallel(actions: list[Callable[[], None]]) -> None:
    """Run actions in threads of their own."""
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


WAYS = {"dtk migrate": with_dtk, "lean Arrow load": with_arrow, "pgloader": with_pgloader}


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=773_000)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--skip", default="")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--arrow-only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arrow_only:
        arrow_load(options.source, options.arrow_only)
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        source = options.source or work / "source.db"
        if not source.exists():
            make_source(source, options.rows)
        ways = {
            name: way for name, way in WAYS.items() if not any(s and s in name.lower() for s in options.skip.split(","))
        }
        if shutil.which("pgloader") is None:
            ways.pop("pgloader", None)
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
        server = EmbeddedServer(work / "postgres")
        base = server.join()
        try:
            for _ in range(options.repeat):
                for name, way in ways.items():
                    with psycopg.connect(base, autocommit=True) as conn:
                        conn.execute("DROP DATABASE IF EXISTS bench WITH (FORCE)")
                        conn.execute("CREATE DATABASE bench")
                        conn.execute("CHECKPOINT")
                    conninfo = psycopg.conninfo.make_conninfo(base, dbname="bench")
                    found[name].append(way(source, server, conninfo, work))
                    print(f"# {name}: {found[name][-1][0]:.1f} s", flush=True)
        finally:
            server.leave()
    own = found["dtk migrate"]
    print(f"{'':18}{'seconds':>9}{'dtk: least':>12}{'median':>8}{'most':>7}{'CPU s':>8}{'dtk':>7}{'memory MB':>11}")
    for name, runs in found.items():
        # Each run beside the one of dtk just before it: the machine's pace drifts.
        ratios = sorted(mine[0] / other[0] for mine, other in zip(own, runs, strict=True))
        cpu = median(mine[2] / other[2] for mine, other in zip(own, runs, strict=True))
        seconds, memory = median(run[0] for run in runs), max(run[1] for run in runs)
        print(
            f"{name:18}{seconds:9.1f}{ratios[0]:12.2f}{median(ratios):8.2f}{ratios[-1]:7.2f}"
            f"{median(run[2] for run in runs):8.1f}{cpu:7.2f}{memory:11.0f}"
        )


if __name__ == "__main__":
    main()
